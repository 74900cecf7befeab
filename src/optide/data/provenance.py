"""What a figure or a table was made from, carried in its own file, and checked against what is there now.

    python -m optide.record.verify figures/converged/fig05.png

A record has two parts: digests of the values of the traces, or of other Parquet files of results
(`optide.data.digests.of_table`), by path, and digests of the entries of the configuration, by key; those whose key
begins with "claims." or "atlas_claims." are in claims.yaml, all others in config.yaml, or in the configuration that
the run was given instead.  With it the file has a seal, a digest of its own bytes (`optide.data.seal`), that of a CSV
file over its metadata too.  A record is where the format has a place that readers pass over: in a PNG the text chunk
"Provenance"; in a PDF, which has no free place that matplotlib can write, Keywords of the document information; in a
text a comment at the end; and for a CSV file `NAME.csv-metadata.json` beside it, CSV on the Web (W3C), which leaves
the CSV plain.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from optide.base import files
from optide.base.errors import FileError
from optide.data import digests, seal

Record = dict[str, dict[str, str]]

CONFIGURATION, CLAIMS = "config.yaml", "claims.yaml"
"""The files whose entries records name."""
INPUTS = "results/inputs"
"""Where the copies of what went into the last whole run are; config.yaml there is what ran, however it was given."""
PARTS = ("configuration", "traces")
CSV_METADATA = "-metadata.json"
"""What CSV on the Web appends to the name of a CSV file to name its metadata."""

_PNG_KEY, _PDF_KEY, _CSVW_KEY, _SEAL_KEY = "Provenance", "Keywords", "dc:provenance", "seal"
_FORMATS = (".png", ".pdf", ".md", ".html", ".tex", ".csv", ".json")
_TITLE = "optide provenance"
_MARKDOWN = re.compile(rf"^<!-- {_TITLE}\n(.*?)\n-->$", re.DOTALL | re.MULTILINE)
_LATEX = re.compile(rf"^% {_TITLE}\n((?:% .*\n)*)", re.MULTILINE)


def describe(trace_paths: Iterable[str | Path], settings: Mapping[str, Any], root: str | Path = ".") -> Record:
    """The record of an artefact.

    Args:
        trace_paths: the traces it is drawn from.
        settings: the entries of the configuration it depends on, by key (`optide.settings.config.entry`).
        root: the folder of all results, which the record names traces from, so that it is the same wherever that is.

    Raises:
        FileError: a trace cannot be read.
    """
    return {
        "configuration": {key: digests.of_setting(value) for key, value in settings.items()},
        "traces": {files.named(path, root): digests.of_table(seal.read(path)) for path in trace_paths},
    }


def union(records: Iterable[Record]) -> Record:
    """The record of what is made from several artefacts."""
    records = list(records)
    return {part: {name: digest for record in records for name, digest in record[part].items()} for part in PARTS}


def of_figure(path: str | Path, record: Record) -> dict[str, str]:
    """The metadata that matplotlib writes into a .png or .pdf file."""
    return {_PDF_KEY if Path(path).suffix == ".pdf" else _PNG_KEY: json.dumps(_unsealed(record), sort_keys=True)}


def of_text(path: str | Path, record: Record) -> str:
    """What to append to a text (.md, .html, .tex), or the whole metadata of a CSV file (.csv-metadata.json)."""
    # "--" would end a comment in HTML
    content = json.dumps(_unsealed(record), indent=1, sort_keys=True).replace("--", r"-\u002d")
    match Path(path).suffix:
        case ".md" | ".html":
            return f"\n<!-- {_TITLE}\n{content}\n-->\n"
        case ".tex":
            return f"% {_TITLE}\n" + "".join(f"% {line}\n" for line in content.splitlines())
    described = Path(path).name.removesuffix(CSV_METADATA)
    carried = json.dumps(_unsealed(record), sort_keys=True)
    csvw = {"@context": "http://www.w3.org/ns/csvw", "url": described, _CSVW_KEY: carried}
    return json.dumps(csvw, indent=1) + "\n"


def _unsealed(record: Record) -> dict[str, Any]:
    return {**record, _SEAL_KEY: seal.BLANK}


def write(path: str | Path, content: bytes, table: bytes = b"") -> None:
    """Write a file that carries a record, sealed; whole or not at all.

    Args:
        path: of the file.
        content: with what `of_figure` or `of_text` gave in it.
        table: if it is the metadata of a CSV file, the content of that.

    Raises:
        FileError: it cannot be written.
    """
    with files.aside(path) as temporary:
        temporary.write_bytes(seal.close(table + content).removeprefix(table))


def read(path: str | Path) -> Record:
    """The record that a file carries.

    Raises:
        FileError: the file cannot be read, carries none, or was changed since it was written.
    """
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise FileError(f"{path}: provenance is carried by {', '.join(_FORMATS)}, not by {path.suffix or 'this'}")
    try:
        content = _record(path)
        is_whole = content is not None and seal.is_whole(_sealed(path))
    except FileNotFoundError as error:
        raise FileError(f"{path}: no such file ({error.filename})") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise FileError(f"{path}: not a readable {path.suffix} file ({error})") from None
    if content is None:
        raise FileError(f"{path}: carries no provenance")
    try:
        record = json.loads(content)
        well_formed = set(record) == {*PARTS, _SEAL_KEY} and all(isinstance(record[part], dict) for part in PARTS)
    except (ValueError, TypeError):
        well_formed = False
    if not well_formed:
        raise FileError(f"{path}: carries no provenance that this version can read")
    if not is_whole:
        raise FileError(f"{path}: changed since it was written")
    return {part: record[part] for part in PARTS}


def _sealed(path: Path) -> bytes:
    """What the seal of a file covers: its bytes, and those of a CSV file before those of its metadata."""
    paths = _with_metadata(path) if path.suffix in (".csv", ".json") else (path,)
    return b"".join(one.read_bytes() for one in paths)


def _with_metadata(path: Path) -> tuple[Path, Path]:
    """A CSV file and its metadata, by the path of either."""
    table = path.with_name(path.name.removesuffix(CSV_METADATA))
    return table, table.with_name(table.name + CSV_METADATA)


def carried(path: str | Path, key: str) -> str | None:
    """The text that a .png or .pdf file carries under a key of its metadata, or None.

    Raises:
        OSError, ValueError, SyntaxError: the file cannot be read.
    """
    if Path(path).suffix == ".png":
        with Image.open(path, formats=["PNG"]) as image:
            assert isinstance(image, PngImagePlugin.PngImageFile)  # the only format
            return image.text.get(key)
    import pypdf  # noqa: PLC0415  (half the time of drawing a figure, which reads no PDF)

    try:
        information = pypdf.PdfReader(path, strict=True).metadata
        text: str | None = information.get(f"/{key}") if information else None
        return text
    except pypdf.errors.PyPdfError as error:
        raise ValueError(error) from None


def _record(path: Path) -> str | None:
    """The text of the record that a file carries, or None."""
    match path.suffix:
        case ".png":
            return carried(path, _PNG_KEY)
        case ".pdf":
            return carried(path, _PDF_KEY)
        case ".csv" | ".json":
            described = path if path.suffix == ".json" else _with_metadata(path)[1]
            content = json.loads(described.read_text(encoding="utf-8"))
            return content.get(_CSVW_KEY) if isinstance(content, dict) else None
        case suffix:
            found = (_LATEX if suffix == ".tex" else _MARKDOWN).search(path.read_text(encoding="utf-8"))
            return found and re.sub("^% ", "", found[1], flags=re.MULTILINE)


def without(suffix: str, text: str) -> str:
    """A text without the record it carries; `suffix` is that of its file."""
    if suffix == ".json":
        return json.dumps({key: value for key, value in json.loads(text).items() if key != _CSVW_KEY}, indent=1)
    return (_LATEX if suffix == ".tex" else _MARKDOWN).sub("", text)

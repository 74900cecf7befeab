"""What a figure or a table was made from, carried in its own file, and checked against what is there now.

    python -m optide.provenance figures/converged/fig05.png

A record has two parts: digests of the values of the traces, or of other Parquet files of results
(`optide.digests.of_table`), by path, and digests of the entries of the configuration, by key; those whose
key begins with "claims." are in claims.yaml, all others in config.yaml, or in the configuration that the run was
given instead.  With it the file has a seal, a digest of its own bytes (`optide.seal`), that of a CSV file over its
metadata too.  Where a record lives depends on the format:

| format | place |
|---|---|
| .png | the text chunk "Provenance" |
| .pdf | Keywords of the document information: the format has no free place that matplotlib can write |
| .md, .html | an HTML comment at the end |
| .tex | a comment at the end |
| .csv | `NAME.csv-metadata.json` beside it: CSV on the Web (W3C), which leaves the CSV itself plain |
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from optide import digests, files, seal, yamlfile
from optide.config import Config, ConfigError, entry
from optide.errors import OptideError, tell

Record = dict[str, dict[str, str]]

CONFIGURATION, CLAIMS = "config.yaml", "claims.yaml"
"""The files whose entries records name."""
INPUTS = "results/inputs"
"""Where the copies of what went into the last whole run are; config.yaml there is what ran, however it was given."""
PARTS = ("configuration", "traces")
CSV_METADATA = "-metadata.json"
"""What CSV on the Web appends to the name of a CSV file to name its metadata."""

_PNG_KEY, _PDF_KEY, _CSVW_KEY, _SEAL_KEY = "Provenance", "Keywords", "dc:provenance", "seal"
_TITLE = "optide provenance"
_MARKDOWN = re.compile(rf"^<!-- {_TITLE}\n(.*?)\n-->$", re.DOTALL | re.MULTILINE)
_LATEX = re.compile(rf"^% {_TITLE}\n((?:% .*\n)*)", re.MULTILINE)


class ProvenanceError(OptideError):
    """A file cannot be read, carries no provenance, or was changed since it was written."""


class Item(NamedTuple):
    """One part of a record, compared with what is there now.

    Attributes:
        verdict: "verified", "differs" or "missing".
        name: path of a trace, or key of the configuration.
        detail: the digest on record, and what else there is to say.
    """

    verdict: str
    name: str
    detail: str


def describe(trace_paths: Iterable[str | Path], settings: Mapping[str, Any]) -> Record:
    """The record of an artefact.

    Args:
        trace_paths: the traces it is drawn from, relative to the working directory.
        settings: the entries of the configuration it depends on, by key (`optide.config.entry`).

    Raises:
        SealError: a trace cannot be read.
    """
    return {
        "configuration": {key: of_setting(value) for key, value in settings.items()},
        "traces": {str(path): digests.of_table(seal.read(path)) for path in trace_paths},
    }


def union(records: Iterable[Record]) -> Record:
    """The record of what is made from several artefacts."""
    records = list(records)
    return {part: {name: digest for record in records for name, digest in record[part].items()} for part in PARTS}


def of_setting(value: Any) -> str:
    """SHA-256 of an entry of the configuration: of its values, whatever their order and layout in the file."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


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
        ProvenanceError: the file cannot be read, carries none, or was changed since it was written.
    """
    path = Path(path)
    readers = {
        ".png": _png,
        ".pdf": _pdf,
        ".md": _markdown,
        ".html": _markdown,
        ".tex": _latex,
        ".csv": _csv,
        ".json": _csvw,
    }
    if path.suffix not in readers:
        raise ProvenanceError(f"{path}: provenance is carried by {', '.join(readers)}, not by {path.suffix or 'this'}")
    try:
        content = readers[path.suffix](path)
        is_whole = content is not None and seal.is_whole(_sealed(path))
    except FileNotFoundError as error:
        raise ProvenanceError(f"{path}: no such file ({error.filename})") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise ProvenanceError(f"{path}: not a readable {path.suffix} file ({error})") from None
    if content is None:
        raise ProvenanceError(f"{path}: carries no provenance")
    try:
        record = json.loads(content)
        well_formed = set(record) == {*PARTS, _SEAL_KEY} and all(isinstance(record[part], dict) for part in PARTS)
    except (ValueError, TypeError):
        well_formed = False
    if not well_formed:
        raise ProvenanceError(f"{path}: carries no provenance that this version can read")
    if not is_whole:
        raise ProvenanceError(f"{path}: changed since it was written")
    return {part: record[part] for part in PARTS}


def _sealed(path: Path) -> bytes:
    """What the seal of a file covers: its bytes, and those of a CSV file before those of its metadata."""
    if path.suffix not in (".csv", ".json"):
        return path.read_bytes()
    table = path.with_name(path.name.removesuffix(CSV_METADATA))
    return table.read_bytes() + table.with_name(table.name + CSV_METADATA).read_bytes()


def carried(path: str | Path, key: str) -> str | None:
    """The text that a .png or .pdf file carries under a key of its metadata, or None.

    Raises:
        OSError, ValueError, SyntaxError: the file cannot be read.
    """
    if Path(path).suffix == ".png":
        with Image.open(path, formats=["PNG"]) as image:
            return image.text.get(key)
    import pypdf  # noqa: PLC0415  (half the time of drawing a figure, which reads no PDF)

    try:
        return (pypdf.PdfReader(path, strict=True).metadata or {}).get(f"/{key}")
    except pypdf.errors.PyPdfError as error:
        raise ValueError(error) from None


def _png(path: Path) -> str | None:
    return carried(path, _PNG_KEY)


def _pdf(path: Path) -> str | None:
    return carried(path, _PDF_KEY)


def _markdown(path: Path) -> str | None:
    found = _MARKDOWN.search(path.read_text(encoding="utf-8"))
    return found and found[1]


def _latex(path: Path) -> str | None:
    found = _LATEX.search(path.read_text(encoding="utf-8"))
    return found and re.sub("^% ", "", found[1], flags=re.MULTILINE)


def without(suffix: str, text: str) -> str:
    """A text without the record it carries; `suffix` is that of its file."""
    if suffix == ".json":
        return json.dumps({key: value for key, value in json.loads(text).items() if key != _CSVW_KEY}, indent=1)
    return (_LATEX if suffix == ".tex" else _MARKDOWN).sub("", text)


def _csv(path: Path) -> str | None:
    return _csvw(path.with_name(path.name + CSV_METADATA))


def _csvw(path: Path) -> str | None:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content.get(_CSVW_KEY) if isinstance(content, dict) else None


def verify(record: Record, config: Config, directory: str | Path = ".", source: str = CONFIGURATION) -> list[Item]:
    """Compare a record with a configuration, that of the file `source`, and with the traces under a directory."""
    return [
        *(_verify_setting(key, recorded, config, source) for key, recorded in record["configuration"].items()),
        *(_verify_trace(path, recorded, Path(directory)) for path, recorded in record["traces"].items()),
    ]


def _verify_setting(key: str, recorded: str, config: Config, source: str) -> Item:
    name = f"{CLAIMS if key.startswith('claims.') else source}: {key}"
    try:
        return _compare(name, recorded, of_setting(entry(config, key)))
    except ConfigError:
        return Item("missing", name, recorded)


def _verify_trace(path: str, recorded: str, directory: Path) -> Item:
    if not (directory / path).exists():
        return Item("missing", path, recorded)
    try:
        return _compare(path, recorded, digests.of_table(seal.read(directory / path)))
    except seal.SealError:
        return Item("differs", path, f"{recorded}, now not a trace")


def _compare(name: str, recorded: str, now: str) -> Item:
    return Item("verified", name, recorded) if now == recorded else Item("differs", name, f"{recorded}, now {now}")


def _configuration(path: Path, directory: Path) -> Config:
    """The entries of a configuration and, if there is one, of the directory's claims.yaml."""
    return _mapping(path) | (_mapping(directory / CLAIMS) if (directory / CLAIMS).exists() else {})


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yamlfile.read(path)
    except yamlfile.YamlError as error:
        raise ProvenanceError(f"{path}: cannot be read as YAML ({error})") from None
    if not isinstance(content, dict):
        raise ProvenanceError(f"{path}: not a mapping of keys to entries")
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and verify what each file carries.

    Returns:
        0 if everything is verified, 1 if not, or if a file cannot be read or carries nothing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m optide.provenance",
        description="Print what a figure or a table was made from, and verify it against what is there now.",
    )
    parser.add_argument("file", nargs="+", help="a .png, .pdf, .md, .html, .tex or .csv file that the workflow wrote")
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="where results/, config.yaml and claims.yaml are (default .)"
    )
    parser.add_argument(
        "--configfile",
        type=Path,
        help="the configuration to verify against (default config.yaml of the directory, or where it has none "
        f"{INPUTS}/{CONFIGURATION}, that of the last whole run)",
    )
    options = parser.parse_args(arguments)
    directory = options.directory
    own, ran = directory / CONFIGURATION, directory / INPUTS / CONFIGURATION
    chosen = options.configfile or (ran if ran.exists() and not own.exists() else own)
    source = str(chosen.relative_to(directory) if chosen.is_relative_to(directory) else chosen)
    failures = 0
    for file in options.file:
        try:
            record = read(file)
            items = verify(record, _configuration(chosen, directory), directory, source)
            given_otherwise = (
                _differ(record, items)
                and ran.exists()
                and not _differ(record, verify({**record, "traces": {}}, _configuration(ran, directory)))
            )
        except OptideError as error:
            tell(error)
            failures += 1
            continue
        verified = sum(item.verdict == "verified" for item in items)
        print(file, *(f"  {verdict:<8}  {name}  {detail}" for verdict, name, detail in items), sep="\n")
        print(f"  {verified} of {len(items)} verified")
        if given_otherwise:
            print(f"  the last whole run was given another configuration: verify with `--configfile {ran}`")
        failures += verified < len(items)
    return 1 if failures else 0


def _differ(record: Record, items: Sequence[Item]) -> bool:
    """Whether entries of the configuration, which come first, are not those on record."""
    return any(item.verdict != "verified" for item in items[: len(record["configuration"])])


if __name__ == "__main__":
    sys.exit(main())

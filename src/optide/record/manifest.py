"""The manifest: what every artefact was when it was accepted, and how far it is from that now.

`reproducibility/manifest.json` holds digests of every file of results and of every figure and table, with the versions
and settings that made them.  `reproducibility/reference.parquet` holds fingerprints of all that they say, so that they
can be compared where bits are others, and a difference put into numbers (`optide.record.contents`,
`optide.data.fingerprints`).
"""

import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jsonschema import Draft202012Validator
from matplotlib import ft2font

from optide.base import files
from optide.base.arithmetic import ENVIRONMENT
from optide.base.errors import FileError
from optide.data import digests, fingerprints, provenance, seal
from optide.data.fingerprints import Column, Tolerance, column
from optide.record import contents, pages, pictures
from optide.record.contents import Known

PACKAGES = (
    *("optide", "jax", "jaxlib", "numpy", "pyarrow", "matplotlib", "kiwisolver", "pillow", "fonttools", "pypdf"),
    *("pandas", "tabulate", "plotly", "jinja2"),
)
"""What decides about values and files: kiwisolver lays out, Pillow compresses PNG, fontTools subsets fonts in PDF."""
RENDERING = ("matplotlib", "freetype", "kiwisolver", "pillow", "fonttools", "pypdf")
"""What decides about the pixels and the operators of a figure, and how they are read."""

REFERENCE = pa.schema(
    [
        *((name, pa.string()) for name in ("artefact", "part", "column")),
        ("rows", pa.int64()),
        *((name, pa.float64()) for name in Tolerance._fields),
        *((f"sums{i}", pa.list_(pa.field("element", pa.int64()))) for i in range(3)),
    ]
)
"""The fingerprint of a column: its sums by block."""

_PUBLISHED = re.compile(r"(?<![^/])published(?=[/.])")  # in the path of a trace

_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DISTANCES = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
_RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["values", "metadata"],
    "properties": {
        "values": _DIGEST,
        "metadata": _DIGEST,
        "chaotic": {"type": "object", "additionalProperties": _DISTANCES},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["environment", "results", "files"],
    "properties": {
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "results": {"type": "object", "additionalProperties": _RESULT},
        "files": {"type": "object", "additionalProperties": _DIGEST},
    },
}
RENEWAL = "delete it and run `optide run accept`"


def environment() -> dict[str, str]:
    """The machine and versions that decide about bits."""
    versions = {name: version(name) for name in PACKAGES}
    return {"machine": platform.machine(), "freetype": ft2font.__freetype_version__, **ENVIRONMENT, **versions}


def describe(result_paths: Iterable[str], file_paths: Iterable[str]) -> dict[str, Any]:
    """The manifest of files of results, and of figures and tables, as they are now."""
    paths = sorted(result_paths)
    results: dict[str, dict[str, Any]] = {}
    for path in paths:
        table = seal.read(path)
        described = contents.metadata(table)
        results[path] = {"values": digests.of_table(table), "metadata": digests.of_setting(described)}
        if names := [*contents.chaotic(table)]:
            results[path]["chaotic"] = distances(path, names, paths)
    return {
        "environment": environment(),
        "results": results,
        "files": {path: digests.of_file(path) for path in sorted(file_paths)},
    }


def distances(path: str, names: Iterable[str], paths: Iterable[str]) -> dict[str, dict[str, float]]:
    """How far some published solutions of a trace are from the converged ones: the largest difference of each column.

    Args:
        path: of the trace.
        names: of the configurations.
        paths: of all files of results; nothing is known if the converged solution is not among them.
    """
    other = _PUBLISHED.sub("converged", path)
    if other == path or other not in paths:
        return {name: {} for name in names}
    published, converged = ({run.name: run.values for run in contents.runs(seal.read(p))} for p in (path, other))
    return {name: _distances(published.get(name), converged.get(name)) for name in names}


def _distances(published: pa.Table | None, converged: pa.Table | None) -> dict[str, float]:
    """The largest difference of each computed column that both have; infinite if there is no number somewhere."""
    if published is None or converged is None or published.num_rows != converged.num_rows:
        return {}
    computed = [
        field.name for field in converged.schema if contents.is_computed(field) and field.name not in ("t", "u")
    ]
    quantities = [n for n in computed if n in published.schema.names and converged[n].null_count == 0]
    differences = {name: np.abs(published[name].to_numpy() - converged[name].to_numpy()) for name in quantities}
    return {name: float(np.nan_to_num(of, nan=np.inf).max()) for name, of in differences.items()}


def columns(path: str, known: Known) -> Iterator[Column]:
    """The columns of any artefact.

    Raises:
        OptideError: it cannot be read, or was changed since it was written.
    """
    if path.endswith(".parquet"):
        yield from contents.of_results(path, known)
        return
    record = provenance.read(path)
    yield column("provenance", "made from", pa.array(sorted(record["traces"]), pa.string()))
    settings = (f"{key} {digest}" for key, digest in sorted(record["configuration"].items()))
    yield column("provenance", "settings", pa.array(settings, pa.string()))
    yield from pictures.columns(path) if path.endswith((".png", ".pdf")) else pages.columns(path, known)


def chaotic(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The configurations whose published solution is chaotic."""
    return frozenset(name for entry in manifest["results"].values() for name in entry.get("chaotic", ()))


def reference(manifest: Mapping[str, Any]) -> pa.Table:
    """The fingerprints of all artefacts of a manifest, as they are now."""
    known = Known(chaotic(manifest), {})
    rows = []
    for path in (*manifest["results"], *manifest["files"]):
        for one in columns(path, known):
            sums = fingerprints.of(one.places, one.length)
            rows.append((path, one.part, one.name, len(one.places), *one.tolerance, *sums.T.tolist()))
    return pa.Table.from_pylist([dict(zip(REFERENCE.names, row, strict=True)) for row in rows], schema=REFERENCE)


def write(folder: Path, manifest: Mapping[str, Any], accepted: pa.Table) -> None:
    """Write manifest and reference, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    seal.write(folder / "reference.parquet", accepted, repetitive=REFERENCE.names[:-3])
    with files.aside(folder / "manifest.json") as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Any], pa.Table]:
    """The accepted manifest and reference; empty if there is none yet.

    Raises:
        FileError: it cannot be read, or is of another version; says how to renew it.
    """
    if not (folder / "manifest.json").exists():
        return {"environment": environment(), "results": {}, "files": {}}, REFERENCE.empty_table()
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        accepted = seal.read(folder / "reference.parquet")
    except (OSError, ValueError, FileError) as error:
        remedy = f"restore the folder from version control, or {RENEWAL}"
        raise FileError(f"{folder}: not readable ({error}); {remedy}") from None
    if not Draft202012Validator(SCHEMA).is_valid(manifest) or not accepted.schema.equals(REFERENCE):
        raise FileError(f"{folder}: not a manifest of this version of optide; {RENEWAL}")
    return manifest, accepted

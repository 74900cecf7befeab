"""The manifest: what every artefact was when it was accepted, and how far it is from that now.

`reproducibility/manifest.json` holds a digest of every trace's values and of every figure and
table, with the versions and settings that produced them; `reproducibility/reference.parquet` holds
at most 512 points of every trace, so that a difference can be put into numbers.
"""

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jsonschema import Draft202012Validator

from optide import digests, files, seal, traces
from optide._runtime import ENVIRONMENT
from optide.errors import OptideError

TOLERANCE = 1e-9
"""Largest difference, relative to the largest value of a column, that another processor or another
version of JAX may make: sums of up to 150,000 roundings of 1e-16 each, with room."""

CHAOTIC_ITERATIONS = 100
"""Iterations after which a converging solve of the paper has long ended; most need 15 to 70."""

PACKAGES = (
    *("optide", "jax", "jaxlib", "numpy", "pyarrow", "matplotlib", "pillow", "fonttools", "tabulate"),
    *("plotly", "jinja2"),
)
"""What decides about values and files: Pillow compresses PNG, fontTools subsets the fonts in PDF."""
QUANTITIES = ("t", "u", "theta", "loss", "G", "m", "v")
REFERENCE = pa.schema([("trace", pa.string()), ("row", pa.int64()), *((name, pa.float64()) for name in QUANTITIES)])

_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TRACE = {
    "type": "object",
    "required": ["values", "chaotic"],
    "properties": {"values": _DIGEST, "chaotic": {"type": "boolean"}},
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["environment", "traces", "files"],
    "properties": {
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "traces": {"type": "object", "additionalProperties": _TRACE},
        "files": {"type": "object", "additionalProperties": _DIGEST},
    },
}
REMEDY = "restore the folder from version control, or delete it and run `snakemake --cores 4 accept`"


class ManifestError(OptideError):
    """The manifest or the reference cannot be read, or an artefact differs from it."""


class Verdict(NamedTuple):
    """The result of comparing one artefact.

    Attributes:
        path: of the artefact.
        level: "identical", "equal within tolerance", "chaotic", "different", "new" or "missing".
        detail: what is different, where and how much; or "".
    """

    path: str
    level: str
    detail: str = ""


FAILURES = ("different", "new", "missing")


def environment() -> dict[str, str]:
    """The machine and versions that decide about bits."""
    return {"machine": platform.machine(), **ENVIRONMENT, **{name: version(name) for name in PACKAGES}}


def describe(trace_paths: Iterable[str], file_paths: Iterable[str]) -> dict[str, Any]:
    """The manifest of traces, figures and tables as they are now."""
    return {
        "environment": environment(),
        "traces": {
            path: {"values": digests.of_table(traces.read(path)), "chaotic": _is_chaotic(path)}
            for path in sorted(trace_paths)
        },
        "files": {path: digests.of_file(path) for path in sorted(file_paths)},
    }


def _is_chaotic(path: str) -> bool:
    """Whether a relaxed iteration of this trace wandered: then its path depends on the last bit."""
    return any(lane.get("iterations", 0) > CHAOTIC_ITERATIONS for lane in traces.metadata(path)["lanes"])


def reference(trace_paths: Iterable[str]) -> pa.Table:
    """At most 512 points of every trace."""
    parts = []
    for path in sorted(trace_paths):
        table = traces.read(path)
        rows = digests.sample(table.num_rows)
        points = table.take(rows)
        parts.append(
            pa.table([pa.repeat(path, len(rows)), rows, *(points[name] for name in QUANTITIES)], schema=REFERENCE)
        )
    return pa.concat_tables(parts)


def write(folder: Path, manifest: Mapping[str, Any], points: pa.Table) -> None:
    """Write manifest and reference, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    seal.write(folder / "reference.parquet", points)
    with files.aside(folder / "manifest.json") as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Any], pa.Table]:
    """The accepted manifest and reference; empty if there is none yet.

    Raises:
        ManifestError: it cannot be read; says how to renew it.
    """
    if not (folder / "manifest.json").exists():
        return {"environment": environment(), "traces": {}, "files": {}}, REFERENCE.empty_table()
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        points = seal.read(folder / "reference.parquet")
    except (OSError, ValueError, seal.SealError) as error:
        raise ManifestError(f"{folder}: not readable ({error}); {REMEDY}") from None
    if not Draft202012Validator(SCHEMA).is_valid(manifest) or not points.schema.equals(REFERENCE):
        raise ManifestError(f"{folder}: not a manifest of this version; {REMEDY}")
    return manifest, points


def compare(manifest: Mapping[str, Any], points: pa.Table, now: Mapping[str, Any]) -> list[Verdict]:
    """Compare every artefact with the manifest, traces first.

    Where machine and versions are those of the manifest, anything but identity is a difference.
    Elsewhere values may differ by `TOLERANCE`, a chaotic trace by more, and figures and tables in
    their bytes.
    """
    elsewhere = changes(manifest["environment"], now["environment"])
    verdicts = []
    for path in sorted(manifest["traces"].keys() | now["traces"].keys()):
        old, new = manifest["traces"].get(path), now["traces"].get(path)
        if old is None or new is None:
            verdicts.append(Verdict(path, "new" if old is None else "missing"))
        elif old["values"] == new["values"]:
            verdicts.append(Verdict(path, "identical"))
        else:
            verdicts.append(_compare_values(path, points, old["chaotic"], bool(elsewhere)))
    for path in sorted(manifest["files"].keys() | now["files"].keys()):
        old, new = manifest["files"].get(path), now["files"].get(path)
        if old is None or new is None:
            verdicts.append(Verdict(path, "new" if old is None else "missing"))
        elif old == new:
            verdicts.append(Verdict(path, "identical"))
        elif elsewhere:
            verdicts.append(Verdict(path, "equal within tolerance", "drawn from traces judged above; other bytes"))
        else:
            verdicts.append(Verdict(path, "different", f"SHA-256 {new[:12]}, was {old[:12]}"))
    return verdicts


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What differs between two environments, as "name old -> new"."""
    return [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _compare_values(path: str, points: pa.Table, chaotic: bool, elsewhere: bool) -> Verdict:
    old = points.filter(pa.compute.equal(points["trace"], path))
    table = traces.read(path)
    rows = old["row"].to_numpy()
    if len(rows) == 0 or rows[-1] != table.num_rows - 1:
        return Verdict(path, "different", f"{table.num_rows} rows, was {rows[-1] + 1 if len(rows) else 0}")
    new = table.take(rows)
    largest, where = 0.0, "outside the 512 points kept"
    for name in QUANTITIES:
        before, after = (np.nan_to_num(part[name].to_numpy()) for part in (old, new))
        scale = np.abs(before).max() or 1.0
        difference = np.abs(after - before) / scale
        if difference.max() > largest:
            place = int(difference.argmax())
            largest = float(difference[place])
            where = f"{name} in row {rows[place]}: {float(after[place])!r}, was {float(before[place])!r}"
    detail = f"largest relative difference {largest:.1e}, {where}"
    if elsewhere and largest <= TOLERANCE:
        return Verdict(path, "equal within tolerance", detail)
    if elsewhere and chaotic:
        return Verdict(path, "chaotic", f"{detail}; the published iteration wandered, its path depends on the last bit")
    return Verdict(path, "different", detail)


def failed(verdicts: Iterable[Verdict]) -> bool:
    """Whether anything is not as accepted."""
    return any(verdict.level in FAILURES for verdict in verdicts)


def render(verdicts: Sequence[Verdict], environment_changes: Sequence[str]) -> str:
    """One line per artefact, and a summary."""
    counts = Counter(verdict.level for verdict in verdicts)
    lines = [f"{v.level:<22} {v.path}{': ' if v.detail else ''}{v.detail}" for v in verdicts]
    lines.append(f"{len(verdicts)} artefacts: {', '.join(f'{count} {level}' for level, count in counts.items())}")
    if environment_changes:
        lines.append(f"not the accepted environment: {'; '.join(environment_changes)}")
    if failed(verdicts):
        lines.append(f"CHECK FAILED: {sum(counts[level] for level in FAILURES)} artefacts are not as accepted")
    elif set(counts) == {"identical"}:
        lines.append("every bit is as accepted")
    else:
        lines.append(f"values agree within {TOLERANCE:g} of their scale, where not chaotic, but not every bit")
    return "\n".join(lines) + "\n"


def render_changes(verdicts: Sequence[Verdict]) -> str:
    """What an acceptance changed: one line per artefact that is not as it was."""
    changed = [v for v in verdicts if v.level != "identical"]
    lines = [f"{v.level:<22} {v.path}{': ' if v.detail else ''}{v.detail}" for v in changed]
    return "\n".join([*lines, f"accepted {len(verdicts)} artefacts, {len(changed)} of them changed"]) + "\n"

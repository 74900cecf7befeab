"""The manifest: what every artefact was when it was accepted, and how far it is from that now.

`reproducibility/manifest.json` holds digests of every file of results and of every figure and table, with the versions
and settings that made them.  `reproducibility/reference.parquet` holds fingerprints of all that they say, so that they
can be compared where bits are others, and a difference put into numbers (`optide.contents`, `optide.fingerprints`).
"""

import json
import platform
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jsonschema import Draft202012Validator
from matplotlib import ft2font

from optide import contents, digests, files, fingerprints, pages, pictures, provenance, seal
from optide._runtime import ENVIRONMENT
from optide.contents import Known
from optide.errors import OptideError
from optide.fingerprints import Array, Column, Difference, Tolerance, column

PACKAGES = (
    *("optide", "jax", "jaxlib", "numpy", "pyarrow", "matplotlib", "kiwisolver", "pillow", "fonttools", "pypdf"),
    *("tabulate", "plotly", "jinja2"),
)
"""What decides about values and files: kiwisolver lays out, Pillow compresses PNG, fontTools subsets fonts in PDF."""
RENDERING = ("matplotlib", "freetype", "kiwisolver", "pillow", "fonttools", "pypdf")
"""What decides about the pixels and the operators of a figure, and how they are read."""

CHAOTIC_ROOM = 10
"""How many times further from the converged solution than when it was accepted a chaotic one may be."""

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
RENEWAL = "delete it and run `snakemake --cores 4 accept`"


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


class Accepted(NamedTuple):
    """The fingerprint of a column as it was accepted."""

    rows: int
    tolerance: Tolerance
    sums: Array


def environment() -> dict[str, str]:
    """The machine and versions that decide about bits."""
    versions = {name: version(name) for name in PACKAGES}
    return {"machine": platform.machine(), "freetype": ft2font.__freetype_version__, **ENVIRONMENT, **versions}


def describe(result_paths: Iterable[str], file_paths: Iterable[str]) -> dict[str, Any]:
    """The manifest of files of results, and of figures and tables, as they are now."""
    paths = sorted(result_paths)
    results = {}
    for path in paths:
        table = seal.read(path)
        described = contents.metadata(table)
        results[path] = {"values": digests.of_table(table), "metadata": provenance.of_setting(described)}
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
    quantities = [name for name in ("theta", "loss", "G", "m", "v") if converged[name].null_count == 0]
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
        ManifestError: it cannot be read, or is of another version; says how to renew it.
    """
    if not (folder / "manifest.json").exists():
        return {"environment": environment(), "results": {}, "files": {}}, REFERENCE.empty_table()
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        accepted = seal.read(folder / "reference.parquet")
    except (OSError, ValueError, seal.SealError) as error:
        remedy = f"restore the folder from version control, or {RENEWAL}"
        raise ManifestError(f"{folder}: not readable ({error}); {remedy}") from None
    if not Draft202012Validator(SCHEMA).is_valid(manifest) or not accepted.schema.equals(REFERENCE):
        raise ManifestError(f"{folder}: not a manifest of this version of optide; {RENEWAL}")
    return manifest, accepted


def compare(manifest: Mapping[str, Any], accepted: pa.Table, now: Mapping[str, Any]) -> list[Verdict]:
    """Compare every artefact with the manifest, results first.

    Where machine and versions are those of the manifest, anything but identity is a difference.  Elsewhere what an
    artefact says must agree within the tolerances, that of a chaotic solution only as far as it can, and the
    rendering of a figure if the software for it is the same.

    Args:
        manifest: as accepted.
        accepted: the reference.
        now: of `describe`.
    """
    elsewhere = bool(changes(manifest["environment"], now["environment"]))
    judge = _Judge(manifest, accepted, now)
    verdicts = []
    for kind in ("results", "files"):
        for path in sorted(manifest[kind].keys() | now[kind].keys()):
            old, new = manifest[kind].get(path), now[kind].get(path)
            if old is None or new is None:
                verdicts.append(Verdict(path, "new" if old is None else "missing"))
            elif _bits(old) == _bits(new):
                verdicts.append(Verdict(path, "identical"))
            else:
                verdicts.append(judge.verdict(path, elsewhere))
    return verdicts


def _bits(entry: str | Mapping[str, Any]) -> str | tuple[str, str]:
    return entry if isinstance(entry, str) else (entry["values"], entry["metadata"])


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What differs between two environments, as "name old -> new"."""
    return [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


class _Judge:
    """Holds artefacts against their accepted fingerprints."""

    def __init__(self, manifest: Mapping[str, Any], accepted: pa.Table, now: Mapping[str, Any]):
        self.manifest, self.now = manifest, now
        self.chaotic = chaotic(manifest)
        self.rendered = all(manifest["environment"].get(n) == now["environment"].get(n) for n in RENDERING)
        self.accepted: dict[str, dict[tuple[str, str], Accepted]] = {}
        for artefact, part, name, rows, relative, absolute, *sums in zip(
            *(accepted[name].to_pylist() for name in REFERENCE.names), strict=True
        ):
            found = Accepted(rows, Tolerance(relative, absolute), np.array(sums, np.int64).T.reshape(-1, 3))
            self.accepted.setdefault(artefact, {})[part, name] = found

    def verdict(self, path: str, elsewhere: bool) -> Verdict:
        """The verdict on an artefact whose bits are not those that were accepted."""
        try:
            found = [*self._differences(path)]
        except OptideError as error:
            return Verdict(path, "different", str(error).removeprefix(f"{path}: "))
        worst = max(found, key=lambda difference: difference.excess, default=fingerprints.SAME)
        if worst.excess > 1:
            others = sum(difference.excess > 1 for difference in found) - 1
            return Verdict(path, "different", _in_words(worst) + (f"; and {others} more columns" if others else ""))
        if not elsewhere:
            return Verdict(path, "different", _in_words(worst) if worst.text else "in what is no value")
        if wandering := self.manifest["results"].get(path, {}).get("chaotic"):
            return Verdict(path, "chaotic", f"{'; '.join(wandering)}; all else within tolerance, {_in_words(worst)}")
        return Verdict(path, "equal within tolerance", _in_words(worst) if worst.text else "")

    def _differences(self, path: str) -> Iterator[Difference]:
        accepted = dict(self.accepted.get(path, {}))
        known = Known(self.chaotic, {key: one.tolerance for key, one in accepted.items()})
        for one in columns(path, known):
            was = accepted.pop((one.part, one.name), None)
            if one.part == pictures.RENDERED and not self.rendered:
                continue
            if was is None:
                yield Difference(np.inf, np.inf, f"{_named(one.part, one.name)}: was not there")
            else:
                yield fingerprints.compare(one, was.sums, was.rows)
        for part, name in accepted:
            yield Difference(np.inf, np.inf, f"{_named(part, name)}: is not there any more")
        yield from self._sources(path) if path in self.now["files"] else self._wandering(path)

    def _sources(self, path: str) -> Iterator[Difference]:
        """Whether a figure or table was made from the results that are there."""
        for name, digest in provenance.read(path)["traces"].items():
            if name in self.now["results"] and self.now["results"][name]["values"] != digest:
                yield Difference(np.inf, np.inf, f"made from another {name} than is there")

    def _wandering(self, path: str) -> Iterator[Difference]:
        """Whether chaotic solutions are as far from the converged ones as they were, and not much further."""
        were = self.manifest["results"][path].get("chaotic", {})
        are = distances(path, were, self.now["results"]) if were else {}
        for name, by_quantity in were.items():
            for quantity, was in by_quantity.items():
                far = are[name].get(quantity, np.inf)
                if far > CHAOTIC_ROOM * was:
                    text = f"{quantity} of {name}: {far:.3g} from the converged solution, was {was:.3g}"
                    yield Difference(np.inf, np.inf, text)


def _named(part: str, name: str) -> str:
    return f"{name} of {part}" if part else name


def _in_words(difference: Difference) -> str:
    size = f"largest relative difference {difference.size:.1e}, " if np.isfinite(difference.size) else ""
    return size + difference.text


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
        lines.append("all values agree within their tolerances, where not chaotic, but not every bit")
    return "\n".join(lines) + "\n"


def render_changes(verdicts: Sequence[Verdict]) -> str:
    """What an acceptance changed: one line per artefact that is not as it was."""
    changed = [v for v in verdicts if v.level != "identical"]
    lines = [f"{v.level:<22} {v.path}{': ' if v.detail else ''}{v.detail}" for v in changed]
    return "\n".join([*lines, f"accepted {len(verdicts)} artefacts, {len(changed)} of them changed"]) + "\n"

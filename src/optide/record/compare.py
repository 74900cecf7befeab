"""How far every artefact is from what was accepted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from optide.base.errors import OptideError
from optide.data import fingerprints, provenance
from optide.data.fingerprints import Difference, Tolerance
from optide.record import pictures
from optide.record.contents import Known
from optide.record.manifest import REFERENCE, RENDERING, chaotic, columns, distances

CHAOTIC_ROOM = 10
"""How many times further from the converged solution than when it was accepted a chaotic one may be."""


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
    sums: Int64[np.ndarray, " blocks 3"]


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

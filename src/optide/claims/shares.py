"""In how much of a region of the atlas a claim holds: counted in one pass over few columns, in bounded memory."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64, Int
from pyarrow import dataset

from optide.claims.criteria import DIFFERENCE, EQUALITY, FAILS, HOLDS, RATIO, UNDECIDED, margin_of
from optide.claims.regions import HARDLY, SHARES, Statement, columns, converged, elsewhere, numbers, where
from optide.settings import atlas as regions
from optide.settings.config import Config
from optide.studies import atlas

NOT_CONVERGED = "not converged"
_ROWS = 2**16
"""Rows that are in memory at a time."""

Numbers = Float64[np.ndarray, " n"]
Measured = tuple[Numbers, Bool[np.ndarray, " n"]]
"""A number of each row, and whether the solves that it rests on converged."""

_COMPARED: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    RATIO: np.divide,
    DIFFERENCE: np.subtract,
    EQUALITY: lambda one, other: np.where(np.isnan(one) | np.isnan(other), np.nan, one == other),
}


class Share(NamedTuple):
    """A claim in a region, for one model.

    Attributes:
        claim: its name.
        region: likewise.
        model: "discrete", "equation" or "no_lookahead".
        counts: how many of the rows that it is about it holds in, fails in, cannot be told in ("undecided"), and how
            many rest on a solve that did not converge ("not converged"), whatever their numbers.
        share: of the rows that were decided, those in which it holds; NaN if there are none.
        verdict: that share in words; "undecided" if there is none.
        failing: the least and the largest value where it fails of each axis that has several; empty if it does nowhere.
    """

    claim: str
    region: str
    model: str
    counts: dict[str, int]
    share: float
    verdict: str
    failing: dict[str, tuple[float, float]]


def judge(claims: Statement, slices: Mapping[str, Config], paths: Sequence[str | Path]) -> list[Share]:
    """Judge claims that were examined (`region_check.check`).

    Args:
        claims: the entry `atlas_claims` of `claims.yaml`.
        slices: of the regions, by name (`optide.settings.atlas.region_slice`).
        paths: the files of the data set, of these regions and perhaps of others.

    Returns:
        In the order of the claims, of their regions and of their models.
    """
    files = {name: sorted(str(path) for path in paths if Path(path).parent.name == f"region={name}") for name in slices}
    found = []
    for name, statement in claims["statements"].items():
        for region in statement["regions"]:
            for model in statement["models"]:
                counts, failing = _counted(statement, slices[region], files[region], model)
                decided = counts[HOLDS] + counts[FAILS]
                share = counts[HOLDS] / decided if decided else math.nan
                found.append(Share(name, region, model, counts, share, word(share, claims["shares"]), failing))
    return found


def word(share: float, shares: Mapping[str, float]) -> str:
    """A share in words."""
    if math.isnan(share):
        return UNDECIDED
    return next((name for name in SHARES if share >= shares[name]), HARDLY)


def _counted(
    statement: Statement, region: Config, files: Sequence[str], model: str
) -> tuple[dict[str, int], dict[str, tuple[float, float]]]:
    """The counts and the failing rows of a `Share`."""
    measurement, against = statement["measurement"], statement.get("against", {})
    other = against.get("model", model)
    fixed = elsewhere(statement)
    axes = [axis for axis, size in _sizes(region).items() if size > 1]
    needed = ["row", *axes, *columns(model, measurement), *columns(other, measurement)]
    reference = _reference(region, fixed, files, other, measurement) if against else None
    counts = dict.fromkeys((HOLDS, FAILS, UNDECIDED, NOT_CONVERGED), 0)
    failing: dict[str, tuple[float, float]] = {}
    for rows in _scanned(files, needed, where(statement)):
        number, solved = numbers(rows, model, measurement), converged(rows, model)
        if reference:
            theirs, also = reference(rows)
            with np.errstate(divide="ignore", invalid="ignore"):
                number, solved = _COMPARED[against["by"]](number, theirs), solved & also
        margin = margin_of(number, statement.get("criterion", {"above": 0}))
        fails = solved & (margin <= 0)
        counts[HOLDS] += int((solved & (margin > 0)).sum())
        counts[FAILS] += int(fails.sum())
        counts[UNDECIDED] += int((solved & np.isnan(margin)).sum())
        counts[NOT_CONVERGED] += int((~solved).sum())
        if fails.any():
            for axis in axes:
                values = rows[axis].to_numpy()[fails]
                low, high = failing.get(axis, (math.inf, -math.inf))
                failing[axis] = min(low, float(values.min())), max(high, float(values.max()))
    return counts, failing


def _reference(
    region: Config, fixed: Mapping[str, float], files: Sequence[str], model: str, measurement: str
) -> Callable[[pa.RecordBatch], Measured]:
    """What rows are compared with: another model in them, or the rows with other values on some axes.

    Of these one number is kept for each place on the other axes: a small part of the region.
    """
    if not fixed:
        return lambda rows: (numbers(rows, model, measurement), converged(rows, model))
    free = {axis: size for axis, size in _sizes(region).items() if axis not in fixed}

    def place(rows: pa.RecordBatch) -> Int[np.ndarray, " n"]:
        at = atlas.places(region, rows["row"].to_numpy())
        found = np.zeros(len(rows), int)
        for axis, size in free.items():
            found = size * found + at[axis]
        return found

    kept, known = np.full(math.prod(free.values()), np.nan), np.zeros(math.prod(free.values()), bool)
    ranges = {axis: [value, value] for axis, value in fixed.items()}
    for rows in _scanned(files, ["row", *columns(model, measurement)], ranges):
        kept[place(rows)], known[place(rows)] = numbers(rows, model, measurement), converged(rows, model)
    return lambda rows: (kept[place(rows)], known[place(rows)])


def _sizes(region: Config) -> dict[str, int]:
    """How many values each axis has."""
    return dict(zip(regions.axes(region), regions.shape(region, region["refine"]), strict=True))


def _scanned(
    files: Sequence[str], needed: Sequence[str], ranges: Mapping[str, Sequence[float]]
) -> Iterator[pa.RecordBatch]:
    """Some columns of the rows that lie in ranges of the axes, a portion at a time."""
    chosen = pc.scalar(True)
    for axis, (low, high) in ranges.items():
        chosen = chosen & (dataset.field(axis) >= low) & (dataset.field(axis) <= high)
    # in this thread: see `optide.data.seal.read`
    form = dataset.ParquetFileFormat(default_fragment_scan_options=dataset.ParquetFragmentScanOptions(pre_buffer=False))
    scanner = dataset.dataset([*files], format=form).scanner(
        columns=[*dict.fromkeys(needed)], filter=chosen, batch_size=_ROWS, use_threads=False
    )
    yield from scanner.to_batches()

"""Three sums over each block of a column, which show a wrong value, and where it is and what was there.

Every value is first counted in places, whole numbers whose differences mean the same everywhere: a whole number
or a boolean is its own place, a text has 64 bits of its SHA-256, and a floating-point number x that may be off by
r |x| + a has the number of floating-point numbers between a/r and |x| + a/r, with its sign.  One place is then
2^-53 to 2^-52 of |x| + a/r, whether x is large or small, and a change of sign is a change like any other.  Null and
NaN have places of their own, far from all others and from each other.

Places are added modulo 2^64, so that no sum is rounded, overflows, or depends on the processor.  With n values in
a block, each of which may be off by p places, their sum may be off by n p.  So all values may be off by what is
tolerated, and a single one that is off by more than 4 n times as much is certain to be found, whatever the others
do.  Two whose errors cancel in the plain sum are found by the signed ones, but for a quarter of the pairs.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64, Num

from optide.base.words import shown

LENGTH = 200
"""Values in a block, where they may be off."""

PLACES = float(2**53)
"""Places in a relative difference of 1, or down to half as many."""

_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: no small multiple of it is near 0 modulo 2^64
NULL, NAN = (np.uint64(k * _GOLDEN % 2**64).astype(np.int64) for k in (1, 2))
"""The places of null and of NaN."""


class Tolerance(NamedTuple):
    """How far a value may be off: by `relative` times its size, plus `absolute`; if both are 0, not at all."""

    relative: float
    absolute: float


EXACT = Tolerance(0.0, 0.0)


class Column(NamedTuple):
    """A column of a part of an artefact.

    Attributes:
        part: of the artefact, as in "theta0=1.0"; "" if it has only one.
        name: of the column.
        places: of the values.
        allowed: how many places each value may be off; 0 for what must agree.
        length: values in a block.
        tolerance: that the places were counted with.
        values: what they are the places of, or None.
        where: names the values from one to (not with) another, as in "rows 1 to 256".
    """

    part: str
    name: str
    places: Int64[np.ndarray, " n"]
    allowed: Float64[np.ndarray, " n"]
    length: int
    tolerance: Tolerance
    values: pa.Array | None
    where: Callable[[int, int], str]


def column(
    part: str, name: str, values: pa.Array, tolerance: Tolerance = EXACT, *, length: int | None = None, first: int = 0
) -> Column:
    """A column of a table.

    Args:
        values: floats, whole numbers, booleans or text.
        tolerance: of floats.
        length: values in a block; all of them, which is as good where none may be off, unless something else is given.
        first: the row of the first value.
    """
    allowed = np.full(len(values), tolerance.relative * PLACES)
    whole = max(len(values), 1)
    return Column(part, name, places(values, tolerance), allowed, length or whole, tolerance, values, rows_from(first))


def rows_from(first: int) -> Callable[[int, int], str]:
    """Names of places in a column that begins with a certain row, counted from 0."""

    def named(start: int, end: int) -> str:
        return f"row {first + start}" if end == start + 1 else f"rows {first + start} to {first + end - 1}"

    return named


def places(values: pa.Array, tolerance: Tolerance = EXACT) -> Int64[np.ndarray, " n"]:
    """The place of each value."""
    found = _places_of(values, tolerance)
    return np.where(values.is_valid().to_numpy(zero_copy_only=False), found, NULL)


def _places_of(values: pa.Array, tolerance: Tolerance) -> Int64[np.ndarray, " n"]:
    if pa.types.is_string(values.type):
        encoded = values.dictionary_encode()
        digests = (hashlib.sha256(text.encode()).digest()[:8] for text in encoded.dictionary.to_pylist())
        hashed = [int.from_bytes(digest, "big", signed=True) for digest in digests]
        found: np.ndarray = np.array([*hashed, 0], np.int64)[encoded.indices.fill_null(-1).to_numpy()]
        return found
    filled = values.fill_null(False if pa.types.is_boolean(values.type) else 0).to_numpy(zero_copy_only=False)
    if not pa.types.is_floating(values.type):
        whole: np.ndarray = filled.astype(np.int64)
        return whole
    floor = _floor(tolerance)
    with np.errstate(invalid="ignore"):
        above = (np.abs(filled) + floor).view(np.int64) - floor.view(np.int64)
    return np.where(np.isnan(filled), NAN, np.where(np.signbit(filled), -above, above))


def _floor(tolerance: Tolerance) -> np.float64:
    """The size a/r below which a value may be off by more than r of itself."""
    return np.float64(tolerance.absolute / tolerance.relative if tolerance.relative else 0.0)


def value_at(place: int | np.integer, tolerance: Tolerance) -> float:
    """The floating-point number that has a place, up to the rounding of |x| + a/r."""
    floor = _floor(tolerance)
    with np.errstate(over="ignore", invalid="ignore"):
        size = (floor.view(np.int64) + abs(np.int64(place))).view(np.float64) - floor
    return float(np.copysign(size, place))


def of(places: Int64[np.ndarray, " n"], length: int | None = None) -> Int64[np.ndarray, " blocks 3"]:
    """The fingerprint of a column: the sums of each block modulo 2^64.

    The plain one; one with signs and with weights from n to 2n - 1, by which a single wrong value is located; and one
    with other signs.

    Args:
        places: of the values.
        length: values in a block; all of them if not given.
    """
    length = length or max(len(places), 1)
    sums: np.ndarray = _by_block(places, length) @ _weights(length)
    return sums


def _by_block(values: Num[np.ndarray, " n"], length: int) -> Num[np.ndarray, " blocks {length}"]:
    """The values of each block, with zeros at the end."""
    padded = np.zeros(-(-len(values) // length) * length, values.dtype)
    padded[: len(values)] = values
    return padded.reshape(-1, length)


def _weights(length: int) -> Int64[np.ndarray, " {length} 3"]:
    """Of each value of a block in its sums: fixed signs from the multiples of the golden ratio."""
    place = np.arange(length)
    mixed = (place.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    first, second = (1 - 2 * ((mixed >> np.uint64(bit)) & np.uint64(1)).astype(np.int64) for bit in (63, 62))
    return np.stack([np.ones_like(place), first * (length + place), second], axis=1)


class Difference(NamedTuple):
    """How far a column is from its accepted fingerprint.

    Attributes:
        excess: the largest difference of a sum, in units of what is allowed; at most 1 if the column agrees.
        size: that of the values, relative to |x| + a/r: of the one value, if it is only one, else the mean of the
            block, which may be too small; infinite where none may be off, or one is no number.
        text: the block and the column, and the value, if it is only one.
    """

    excess: float
    size: float
    text: str


SAME = Difference(0.0, 0.0, "")


def compare(column: Column, accepted: Int64[np.ndarray, " blocks 3"], rows: int) -> Difference:
    """Compare a column, counted with the accepted tolerance, with its accepted sums.

    Args:
        column: as it is now.
        accepted: of `of`.
        rows: of the accepted column.
    """
    what = f"{column.name}{f' of {column.part}' if column.part else ''}"
    if len(column.places) != rows:
        return Difference(np.inf, np.inf, f"{what}: {len(column.places)} values, was {rows}")
    differences = of(column.places, column.length) - accepted
    if not differences.any():
        return SAME
    weights = _weights(column.length)
    allowed = _by_block(column.allowed, column.length) @ np.abs(weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(differences == 0, 0.0, np.abs(differences.astype(float)) / allowed).max(axis=1)
    block = int(excess.argmax())
    start = block * column.length
    end = min(start + column.length, rows)
    row = _only_one(weights[: end - start], differences[block])
    if row is None:
        mean = abs(float(differences[block, 0])) / PLACES / (end - start) if column.tolerance.relative else np.inf
        return Difference(float(excess[block]), mean, f"{what} in {column.where(start, end)}")
    row += start
    (was,) = column.places[row : row + 1] - differences[block, 0]
    size, shown = _of_one(column, row, was)
    return Difference(float(excess[block]), size, f"{what} in {column.where(row, row + 1)}{shown}")


def _only_one(weights: Int64[np.ndarray, " n 3"], differences: Int64[np.ndarray, " 3"]) -> int | None:
    """The value of a block that alone makes these differences, but for a thousandth."""
    left = np.abs((weights * differences[0] - differences).astype(float)).max(axis=1)
    row = int(left.argmin())
    return row if left[row] <= 1e-3 * abs(float(differences[0])) else None


def _of_one(column: Column, row: int, place: np.int64) -> tuple[float, str]:
    """How far a value is from the one that had a place, and both in words."""
    if column.values is None:
        return np.inf, ""
    now, kind = column.values[row].as_py(), column.values.type
    text = "null" if now is None else shown(now)
    if pa.types.is_string(kind):
        return np.inf, f": {text} is not what was there"
    if place in (NULL, NAN):
        return np.inf, f": {text}, was {'null' if place == NULL else 'nan'}"
    if not pa.types.is_floating(kind):
        return np.inf, f": {text}, was {bool(place) if pa.types.is_boolean(kind) else place}"
    was = value_at(int(place), column.tolerance)
    floor = _floor(column.tolerance)
    size = np.inf if now is None or np.isnan(now) or not floor else abs(now - was) / (abs(was) + floor)
    return float(size), f": {text}, was {was:.12g}"

"""What a claim measures on a curve, or between the curves of two models: pure functions of NumPy arrays.

A curve is its steps `k`, (n,) increasing integers, and its `values`, (n,).  Parameters are keywords, so
that `claims.yaml` names them.  Infinity stands for what does not happen within the run, NaN for what
cannot be measured.
"""

from collections.abc import Callable

import numpy as np

from optide.numerics import metrics
from optide.numerics.metrics import Fit

Array = np.ndarray


def settling_step(k: Array, values: Array, *, target: float, tolerance: float) -> float:
    """The step from which on the curve stays within `tolerance` of `target`."""
    outside = np.flatnonzero(np.abs(values - target) > tolerance)
    first = outside[-1] + 1 if outside.size else 0
    return float(k[first]) if first < len(k) else float("inf")


def crossings(k: Array, values: Array, *, target: float, tolerance: float) -> float:
    """How often the curve goes from one side of `target` to the other, each time by more than `tolerance`."""
    distance = values - target
    sides = np.sign(distance[np.abs(distance) > tolerance])
    return float(np.count_nonzero(np.diff(sides)))


def reversals(k: Array, values: Array, *, tolerance: float) -> float:
    """How often the curve turns round, counting a turn when it has come back by more than `tolerance`."""
    turns, direction, extreme = 0, 0.0, values[0]
    for value in values:
        step = value - extreme
        if direction * step > 0 or (direction == 0 and abs(step) > tolerance):
            direction, extreme = float(np.sign(step)), value
        elif direction and abs(step) > tolerance:
            turns, direction, extreme = turns + 1, -direction, value
    return float(turns)


def oscillation_delay(k: Array, values: Array, *, target: float, tolerance: float) -> float:
    """Steps between the arrival at `target` and the first time that the curve is off it again by more than `tolerance`.

    It arrives when it first comes within `tolerance`, or passes.
    """
    distance = values - target
    arrival = _arrival(distance, tolerance)
    if arrival is None:
        return float("nan")
    off = np.flatnonzero(np.abs(distance[arrival:]) > tolerance)
    return float(k[arrival + off[0]] - k[arrival]) if off.size else float("inf")


def overshoot(k: Array, values: Array, *, target: float) -> float:
    """How far the curve gets beyond `target`, seen from where it starts."""
    distance = values - target
    return float(max(0.0, np.max(-np.sign(distance[0]) * distance)))


def deviation(k: Array, values: Array, *, target: float, since: float) -> float:
    """The largest distance from `target`, from step `since` on."""
    late = np.abs(values - target)[k >= since]
    return float(np.max(late)) if late.size else float("nan")


def excess_variation(k: Array, values: Array) -> float:
    """The length of the way to and fro beyond that from start to end, relative to the latter; 0 if monotone."""
    direct = abs(values[-1] - values[0])
    return float((np.sum(np.abs(np.diff(values))) - direct) / direct) if direct else float("nan")


def sag(k: Array, values: Array, *, target: float, tolerance: float) -> float:
    """The largest distance of the curve from the chord between its start and its arrival, relative to their difference.

    It arrives when it first comes within `tolerance` of `target`, or passes.
    """
    arrival = _arrival(values - target, tolerance)
    if not arrival:
        return float("nan")
    part = slice(0, arrival + 1)
    chord = np.interp(k[part], k[[0, arrival]], values[[0, arrival]])
    return float(np.max(np.abs(values[part] - chord)) / abs(values[arrival] - values[0]))


def bump_height(k: Array, values: Array) -> float:
    """How far the maximum stands out over the higher of start and end, relative to itself; 0 if monotone."""
    top = np.max(values)
    return float((top - max(values[0], values[-1])) / top) if top > 0 else float("nan")


def end_ratio(k: Array, values: Array) -> float:
    """The last value relative to the largest, both by magnitude."""
    top = np.max(np.abs(values))
    return float(abs(values[-1]) / top) if top > 0 else float("nan")


def decay_rate(k: Array, values: Array, *, target: float) -> Fit:
    """The rate of an exponential approach to `target`, with its window and confidence (`metrics.decay_fit`)."""
    return metrics.decay_fit(k, values - target)


def rate_drift(k: Array, values: Array, *, target: float) -> float:
    """The rate in the second half of the window of `metrics.decay_fit`, relative to that in the first."""
    steps, logarithms = metrics.decay_window(k, values - target)
    middle = len(steps) // 2
    if len(steps) < metrics.SMALLEST_WINDOW:
        return float("nan")
    first, second = (metrics.slope(steps[half], logarithms[half]) for half in (slice(middle), slice(middle, None)))
    return second / first if first else float("nan")


def gap(k: Array, values: Array, other_k: Array, other: Array) -> float:
    """The largest difference from the other curve, relative to the range of the other."""
    largest = metrics.gap(k, values, other_k, other).largest
    extent = np.ptp(other)
    return float(largest / extent) if extent else float("nan")


def share_above(k: Array, values: Array, other_k: Array, other: Array, *, shift: float) -> float:
    """The share of the common steps at which this curve, moved to the right by `shift` steps, is above the other."""
    return float(np.mean(_difference(k + int(shift), values, other_k, other) > 0))


def mean_excess(k: Array, values: Array, other_k: Array, other: Array) -> float:
    """The mean of this curve minus the other, relative to the largest magnitude of the other."""
    top = np.max(np.abs(other))
    return float(np.mean(_difference(k, values, other_k, other)) / top) if top else float("nan")


CURVE: dict[str, Callable[..., float | metrics.Fit]] = {
    measure.__name__: measure
    for measure in (
        *(settling_step, crossings, reversals, oscillation_delay, overshoot, deviation, excess_variation, sag),
        *(bump_height, end_ratio, decay_rate, rate_drift),
    )
}
"""Measured on the curve of one model."""

PAIR: dict[str, Callable[..., float | metrics.Fit]] = {
    measure.__name__: measure for measure in (gap, share_above, mean_excess)
}
"""Measured between the curve of a continuous model and that of the discrete algorithm."""


def _arrival(distance: Array, tolerance: float) -> int | None:
    there = (np.abs(distance) <= tolerance) | (np.sign(distance) != np.sign(distance[0]))
    return int(np.argmax(there)) if there.any() else None


def _difference(k: Array, values: Array, other_k: Array, other: Array) -> Array:
    _, here, there = np.intersect1d(k, other_k, assume_unique=True, return_indices=True)
    difference: Array = values[here] - other[there]
    return difference

"""How far two models of one optimizer are apart, and how fast each converges."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Real

from optide.numerics import elementary


class Gap(NamedTuple):
    """The largest and the root-mean-square difference of two curves."""

    largest: float
    rms: float


def gap(
    k: Int[np.ndarray, " n"],
    values: Float64[np.ndarray, " n"],
    other_k: Int[np.ndarray, " m"],
    other: Float64[np.ndarray, " m"],
) -> Gap:
    """The gap between two curves over the steps that both have.

    Like is compared with like: theta at equal times t = k alpha, and a memory taken at u with the
    discrete state after the same number of updates, so pass u / alpha as k for states.

    Args:
        k: increasing.
        values: of one curve.
        other_k: increasing.
        other: values of the other curve.
    """
    _, here, there = np.intersect1d(k, other_k, assume_unique=True, return_indices=True)
    difference = np.abs(values[here] - other[there])
    return Gap(float(difference.max()), float(np.sqrt(np.mean(np.square(difference)))))


def length(vectors: np.ndarray) -> np.ndarray:
    """The Euclidean length of vectors, (..., d): (...), by sums that no processor orders in its own way."""
    squares = np.square(vectors)
    found: np.ndarray = np.sqrt(sum(squares[..., i] for i in range(squares.shape[-1])))
    return found


def nearest(theta: float | np.ndarray, minima: Sequence[float | Sequence[float]]) -> float | Sequence[float]:
    """The minimum closest to theta, a number or a list; NaN midway between two, on the maximum that parts them."""

    def distance(minimum: float | Sequence[float]) -> float:
        apart = np.subtract(theta, minimum)
        return float(length(apart) if np.ndim(theta) else np.abs(apart))

    closest, *others = sorted(minima, key=distance)
    tie = any(distance(other) == distance(closest) for other in others)
    if not tie:
        return closest
    return [float("nan")] * len(closest) if isinstance(closest, Sequence) else float("nan")


class Fit(NamedTuple):
    """An exponential fitted to an approach, |theta_k - theta*| ~ e^{-rate k}.

    Attributes:
        rate: per step; NaN where nothing can be fitted.
        low: lower end of its 95 % confidence interval.
        high: upper end.
        first: the first step of the window of the fit; -1 without a fit.
        last: the last one.
    """

    rate: float
    low: float
    high: float
    first: int
    last: int


FIT_START, FIT_FLOOR = 1 / 2, 1e-3
"""The shares of the distance at the start between which an approach is fitted."""
NO_FIT = Fit(float("nan"), float("nan"), float("nan"), -1, -1)
SMALLEST_WINDOW = 5
"""Steps that a rate needs."""
_STUDENT = 2.776
"""The 97.5 % quantile of Student's distribution with `SMALLEST_WINDOW` - 1 degrees of freedom."""


def decay_rate(k: Int[np.ndarray, " n"], distance: Float64[np.ndarray, " n"]) -> float:
    """The rate of `decay_fit`; NaN where there is none, as where theta stays where it is."""
    return decay_fit(k, distance).rate


def decay_fit(k: Int[np.ndarray, " n"], distance: Float64[np.ndarray, " n"]) -> Fit:
    """The rate r of an exponential approach |theta_k - theta*| ~ e^{-r k}, per step.

    The least-squares slope of the logarithm of the envelope over the window of `decay_window`.  Its
    residuals are no noise but the shape of the curve, so that neighbours resemble each other: the
    confidence interval is that of the jackknife that leaves out one fifth of the window at a time.

    The bits are those of any processor: NumPy's logarithm and the C library's depend on the instructions
    there are, and a library's fit on the kernels of its linear algebra; this one is made of sums and quotients.

    Args:
        k: increasing.
        distance: from the limit, of either sign.

    Returns:
        `NO_FIT` where fewer than 5 steps are left.
    """
    steps, logarithms = decay_window(k, distance)
    if len(steps) < SMALLEST_WINDOW:
        return NO_FIT
    rate = -slope(steps, logarithms)
    blocks = np.array_split(np.arange(len(steps)), SMALLEST_WINDOW)
    without = [-slope(np.delete(steps, block), np.delete(logarithms, block)) for block in blocks]
    half = float(_STUDENT * np.sqrt((len(blocks) - 1) * np.var(without)))
    return Fit(rate, rate - half, rate + half, int(steps[0]), int(steps[-1]))


def decay_window(
    k: Int[np.ndarray, " n"], distance: Float64[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """The steps over which an approach is fitted, and the logarithm of its envelope there.

    The envelope max_{j >= k} |theta_j - theta*| looks through oscillations.  The steps are those at
    which it lies between one half of its start and the larger of 1e-3 of its start and twice its
    end: after the initial phase, in which all three methods walk at constant speed, and before
    rounding or a limit cycle takes over.
    """
    outline = envelope(distance)
    start, end = outline[0], outline[-1]
    window = (outline <= FIT_START * start) & (outline >= max(FIT_FLOOR * start, 2 * end)) & (outline > 0)
    return k[window], elementary.log(outline[window])


def envelope(distance: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The largest |distance| from each step on."""
    return np.maximum.accumulate(np.abs(distance)[::-1])[::-1]


def slope(x: Real[np.ndarray, " n"], y: Float64[np.ndarray, " n"]) -> float:
    """The least-squares slope of y over x."""
    x = x - x.mean()
    return float(np.sum(x * (y - y.mean())) / np.sum(np.square(x)))


def memory_length(rate: float, learning_rate: float) -> float:
    """Steps over which a kernel exp(-rate s) remembers, 1 / (rate alpha); 1 / (1 - beta) for an exponential average."""
    return 1 / (rate * learning_rate)

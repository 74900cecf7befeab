"""How far two models of one optimizer are apart, and how fast each converges."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

Array = np.ndarray


class Gap(NamedTuple):
    """The largest and the root-mean-square difference of two curves."""

    largest: float
    rms: float


def gap(k: Array, values: Array, other_k: Array, other: Array) -> Gap:
    """The gap between two curves over the steps that both have.

    Like is compared with like: theta at equal times t = k alpha, and a memory taken at u with the
    discrete state after the same number of updates, so pass u / alpha as k for states.

    Args:
        k: (n,) increasing integers.
        values: (n,).
        other_k: (m,) likewise.
        other: (m,).
    """
    _, here, there = np.intersect1d(k, other_k, assume_unique=True, return_indices=True)
    difference = np.abs(values[here] - other[there])
    return Gap(float(difference.max()), float(np.sqrt(np.mean(difference**2))))


def nearest(theta: float, minima: Sequence[float]) -> float:
    """The minimum closest to theta; NaN midway between two, on the maximum that parts them."""
    closest, *others = sorted(minima, key=lambda minimum: abs(theta - minimum))
    tie = any(abs(theta - other) == abs(theta - closest) for other in others)
    return float("nan") if tie else closest


def decay_rate(k: Array, distance: Array) -> float:
    """The rate r of an exponential approach |theta_k - theta*| ~ e^{-r k}, per step.

    The least-squares slope of the logarithm of the envelope max_{j >= k} |theta_j - theta*| (which
    looks through oscillations), over the steps at which it lies between one half of its start and
    the larger of 1e-3 of its start and twice its end: after the initial phase, in which all three
    methods walk at constant speed, and before rounding or a limit cycle takes over.

    The bits are those of any processor: XLA's logarithm is its own, where NumPy's and the C library's
    depend on the instructions there are, and the slope is a quotient of sums, where a library's fit
    depends on the kernels of its linear algebra.

    Returns:
        NaN where fewer than 5 steps are left, as where theta stays where it is.
    """
    envelope = np.maximum.accumulate(np.abs(distance)[::-1])[::-1]
    start, end = envelope[0], envelope[-1]
    window = (envelope <= start / 2) & (envelope >= max(1e-3 * start, 2 * end)) & (envelope > 0)
    if window.sum() < 5:
        return float("nan")
    # of the whole envelope, since JAX compiles for every shape anew
    logarithm = np.asarray(jnp.log(jnp.asarray(envelope)))[window]
    step = k[window] - k[window].mean()
    return float(np.sum(step * (logarithm.mean() - logarithm)) / np.sum(step**2))


def memory_length(beta: float) -> float:
    """Steps over which an exponential average with decay beta remembers, 1 / (1 - beta)."""
    return 1 / (1 - beta)

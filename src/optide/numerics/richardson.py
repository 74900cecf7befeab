"""The limit of a method for small steps, from solutions at halved steps (Richardson extrapolation)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from optide.numerics import elementary

ORDER_MARGIN = 0.5
"""How far an observed order may be from that of the method: halfway to the next."""
SOLVED = 1e-7
"""Differences below it, relative to the largest value, show no order: an equation is left with up to 1e-10, which
moves theta by more where v is small."""


class Limit(NamedTuple):
    """What a sequence of solutions tends to.

    Attributes:
        values: extrapolated from the two finest solutions.
        order: observed, from the three finest; NaN where they are equal up to `SOLVED`.
        error: the largest difference to the values extrapolated from the two solutions before.
        convergent: whether the observed order is that of the method, up to `ORDER_MARGIN`.
    """

    values: Float64[np.ndarray, " n"]
    order: float
    error: float
    convergent: bool


def extrapolate(
    coarse: Float64[np.ndarray, " n"], fine: Float64[np.ndarray, " n"], order: int
) -> Float64[np.ndarray, " n"]:
    """What solutions with steps 2 h and h tend to, if their error is of the order h^order."""
    return np.asarray(fine + (fine - coarse) / (2**order - 1))


def limit(solutions: Sequence[Float64[np.ndarray, " n"]], order: int) -> Limit:
    """The limit of solutions at the same points.

    Args:
        solutions: at least three, each with half of the step of the one before.
        order: of the method.
    """
    coarse, middle, fine = solutions[-3:]
    before, last = (float(np.max(np.abs(a - b))) for a, b in ((coarse, middle), (middle, fine)))
    values = extrapolate(middle, fine, order)
    error = float(np.max(np.abs(values - extrapolate(coarse, middle, order))))
    if max(before, last) <= SOLVED * max(1.0, float(np.max(np.abs(fine)))):
        return Limit(values, float("nan"), error, True)
    if last == 0:
        return Limit(values, float("inf"), error, False)
    observed = float(elementary.log(before / last) / elementary.log(2.0))
    return Limit(values, observed, error, abs(observed - order) <= ORDER_MARGIN)

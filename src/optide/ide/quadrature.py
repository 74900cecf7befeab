"""Gauss-Legendre rules on [0, 1]."""

import functools

import numpy as np
from jaxtyping import Float64


@functools.cache
def gauss_legendre(order: int) -> tuple[Float64[np.ndarray, " {order}"], Float64[np.ndarray, " {order}"]]:
    """Nodes and weights; the weights add up to 1.

    NumPy's nodes are eigenvalues, whose last bit depends on the linear-algebra kernel that the
    processor selects.  One Newton step on the Legendre polynomial in extended precision, rounded
    once, removes that dependence.
    """
    x = np.polynomial.legendre.leggauss(order)[0].astype(np.longdouble)
    x = x - np.divide(*_legendre(order, x))
    slope = _legendre(order, x)[1]
    weights = 2 / ((1 - x**2) * slope**2)
    return ((1 + x) / 2).astype(float), (weights / 2).astype(float)


def _legendre(order: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P_n(x) and P_n'(x), by the three-term recurrence."""
    before, p = np.ones_like(x), x
    for n in range(1, order):
        before, p = p, ((2 * n + 1) * x * p - n * before) / (n + 1)
    return p, order * (x * p - before) / (x**2 - 1)

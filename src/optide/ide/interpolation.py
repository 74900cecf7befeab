r"""Cubic Hermite interpolation on a uniform grid, one polynomial per cell.

Slopes are the mean of the two adjacent secants, one-sided at the two ends; this is the Catmull-Rom
spline with each end continued by one linearly extrapolated node.  (It equals
`interpax.interp1d(method="cubic", extrap=True)`.)
"""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64

Cubics = tuple[Float64[Array, " *n"], ...]
"""The four coefficients, of 1, x, x^2 and x^3, for one cell or any array of them."""

# theta(t_j + x h) = sum_p x^p sum_m CATMULL_ROM[p][m] theta_{j-1+m},  0 <= x <= 1
CATMULL_ROM = (
    (0.0, 1.0, 0.0, 0.0),
    (-0.5, 0.0, 0.5, 0.0),
    (1.0, -2.5, 2.0, -0.5),
    (-0.5, 1.5, -1.5, 0.5),
)


def pad(theta: Float64[Array, " n *S"]) -> Float64[Array, " n+2 *S"]:
    """Continue theta by one node at either end."""
    return jnp.concatenate([2 * theta[:1] - theta[1:2], theta, 2 * theta[-1:] - theta[-2:-1]])


def polynomial(
    a: Float64[Array, " *n"], b: Float64[Array, " *n"], c: Float64[Array, " *n"], d: Float64[Array, " *n"]
) -> Cubics:
    """The coefficients of the cell between nodes b and c, whose outer neighbours are a, d."""
    return tuple(
        jnp.asarray(sum(weight * node for weight, node in zip(row, (a, b, c, d), strict=True) if weight))
        for row in CATMULL_ROM
    )


def evaluate(coefficients: Cubics, x: Array | float) -> Array:
    """The polynomial at the local coordinate x, in cells from the left node (Horner's rule)."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = coefficient + x * value
    return value


def cells(theta: Float64[Array, " n *S"], reach: int = 1) -> tuple[Float64[Array, " {reach}+n-1+{reach} *S"], ...]:
    """Coefficients of every cell, the extrapolated ones included.

    Beyond its ends the published scheme continues the end pieces over one learning rate alpha.
    On a grid refined by `reach` = alpha / h those are `reach` cells, and the pieces to continue
    are those of the published grid: continued that far, a piece of length h would amplify its
    curvature by 1/h, and the refined scheme would have no limit.

    Args:
        theta: node values, n >= 2 reach + 1 or (for reach 1) n >= 2.
        reach: number of extrapolated cells at either end.

    Returns:
        The four coefficients; cell j starts at node j - reach.
    """
    padded = pad(theta)
    inner = polynomial(padded[:-3], padded[1:-2], padded[2:-1], padded[3:])
    coarse = pad(theta[::reach][:3]), pad(theta[::-reach][:3][::-1])
    left = _continue(polynomial(*coarse[0][:4]), -1, reach)
    right = _continue(polynomial(*coarse[1][-4:]), 1, reach)
    return tuple(jnp.concatenate(parts) for parts in zip(left, inner, right, strict=True))


def _continue(
    piece: tuple[Float64[Array, " *S"], ...], start: int, reach: int
) -> tuple[Float64[Array, " {reach} *S"], ...]:
    """Expand a polynomial of the coarse grid about each of the fine cells from `start` on."""
    c0, c1, c2, c3 = (c[None] for c in piece)
    left = (start + jnp.arange(reach, dtype=float) / reach).reshape(-1, *(1,) * (c0.ndim - 1))
    h = 1 / reach
    return (
        c0 + left * (c1 + left * (c2 + left * c3)),
        h * (c1 + left * (2 * c2 + left * 3 * c3)),
        h**2 * (c2 + 3 * left * c3),
        h**3 * jnp.broadcast_to(c3, left.shape[:1] + c3.shape[1:]),
    )

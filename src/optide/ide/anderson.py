"""A fixed point of a map, by Anderson's acceleration.

D. G. Anderson, Iterative procedures for nonlinear integral equations, J. ACM 12 (1965) 547; in the form of H. F. Walker
and P. Ni, SIAM J. Numer. Anal. 49 (2011) 1715.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.elimination import solve

REGULARISATION = 1e-13
"""Of the least-squares problem, relative to its matrix: differences that are nearly dependent are not told apart."""


class Fixed(NamedTuple):
    """Where the iteration is.

    Attributes:
        x: an argument of the map.
        y: its value there.
        other: what else the map has returned.
        by_y, by_gap: how y and y - x have changed in the last iterations.
        gap: the largest element of y - x, in absolute value.
        first: that of the first x.
        turns: how often the map was asked.
    """

    x: Float64[Array, " *n"]
    y: Float64[Array, " *n"]
    other: Any
    by_y: Float64[Array, " depth *n"]
    by_gap: Float64[Array, " depth *n"]
    gap: Float64[Array, ""]
    first: Float64[Array, ""]
    turns: Int[Array, ""]


def fixed_point(
    function: Callable[[Array, Any], tuple[Array, Any]],
    x: Float64[Array, " *n"],
    other: Any,
    *,
    depth: int,
    reduction: float,
    most: int,
) -> Fixed:
    """Iterate x <- y(x) - the combination of its last changes that would have left the least.

    Args:
        function: maps x, and what it returned last beside y, to y and the same.
        depth: changes that are remembered; without any, x <- y(x).
        reduction: of the gap, that ends it; so does rounding.
        most: turns.
    """

    def gap_of(x: Array, y: Array) -> Array:
        return jnp.max(jnp.abs(y - x))

    def going_on(now: Fixed) -> Array:
        rounding = np.finfo(float).eps * jnp.max(jnp.abs(now.y))
        return (now.turns < most) & (now.gap > reduction * now.first) & (now.gap > rounding) & jnp.isfinite(now.gap)

    def dot(a: Array, b: Array) -> Array:
        return jnp.sum(a * b, axis=tuple(range(1, a.ndim)))

    def turn(now: Fixed) -> Fixed:
        if depth == 0:
            y, other = function(now.y, now.other)
            return Fixed(now.y, y, other, now.by_y, now.by_gap, gap_of(now.y, y), now.first, now.turns + 1)
        left = now.y - now.x
        used = min(depth, now.by_gap.shape[0])
        normal = jnp.stack([dot(now.by_gap, now.by_gap[i][None]) for i in range(used)])
        right = dot(now.by_gap, left[None])
        size = jnp.trace(normal)
        # without any change yet, the zeros that are remembered count for nothing
        normal = normal + jnp.where(size > 0, REGULARISATION * size, 1.0) * jnp.eye(used)
        ((weights,), _) = solve(normal, right[:, None])
        x = now.y - jnp.tensordot(weights[:, 0], now.by_y, 1)
        y, other = function(x, now.other)
        slot = now.turns % used - 1

        def remember(changes: Array, new: Array) -> Array:
            longer: Array = jax.lax.dynamic_update_index_in_dim(changes, new, slot % used, 0)
            return longer

        return Fixed(
            x, y, other,
            remember(now.by_y, y - now.y),
            remember(now.by_gap, (y - x) - left),
            gap_of(x, y), now.first, now.turns + 1,
        )  # fmt: skip

    y, other = function(x, other)
    none = jnp.zeros((depth, *x.shape))
    start = Fixed(x, y, other, none, none, gap_of(x, y), gap_of(x, y), jnp.ones((), int))
    found: Fixed = jax.lax.while_loop(going_on, turn, start)
    return found

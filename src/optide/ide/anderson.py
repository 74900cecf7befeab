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
        x: an argument of the map; none without any depth.
        y: its value there.
        other: what else the map has returned.
        by_y, by_gap: how y and y - x have changed in the last iterations, without what stands still.
        gap: the largest element of y - x, in absolute value.
        first: that of the first x.
        turns: how often the map was asked.
    """

    x: Float64[Array, " n *S"] | None
    y: Float64[Array, " n *S"]
    other: Any
    by_y: Float64[Array, " depth m *S"]
    by_gap: Float64[Array, " depth m *S"]
    gap: Float64[Array, ""]
    first: Float64[Array, ""]
    turns: Int[Array, ""]


def fixed_point(
    function: Callable[[Array, Any], tuple[Array, Any, Array]],
    x: Float64[Array, " n *S"],
    other: Any,
    *,
    depth: int,
    reduction: float,
    most: int,
    still: int,
) -> Fixed:
    """Iterate x <- y(x) - the combination of its last changes that would have left the least.

    Args:
        function: maps x, and what it returned last beside y, to y and the same, and the gap.
        depth: changes that are remembered; without any, x <- y(x), and y may overwrite x.
        reduction: of the gap, that ends it; so does rounding.
        most: turns.
        still: rows of x at its start that are those of y.
    """

    def going_on(now: Fixed) -> Array:
        rounding = np.finfo(float).eps * jnp.max(jnp.abs(now.y[still:]))
        return (now.turns < most) & (now.gap > reduction * now.first) & (now.gap > rounding) & jnp.isfinite(now.gap)

    def dot(a: Array, b: Array) -> Array:
        return jnp.sum(a * b, axis=tuple(range(1, a.ndim)))

    def turn(now: Fixed) -> Fixed:
        if now.x is None:
            y, other, gap = function(now.y, now.other)
            return now._replace(y=y, other=other, gap=gap, turns=now.turns + 1)
        left = (now.y - now.x)[still:]
        used = min(depth, now.by_gap.shape[0])
        normal = jnp.stack([dot(now.by_gap, now.by_gap[i][None]) for i in range(used)])
        right = dot(now.by_gap, left[None])
        size = jnp.trace(normal)
        # without any change yet, the zeros that are remembered count for nothing
        normal = normal + jnp.where(size > 0, REGULARISATION * size, 1.0) * jnp.eye(used)
        ((weights,), _) = solve(normal, right[:, None])
        x = now.y.at[still:].add(-jnp.tensordot(weights[:, 0], now.by_y, 1))
        y, other, gap = function(x, now.other)
        slot = now.turns % used - 1

        def remember(changes: Array, new: Array) -> Array:
            longer: Array = jax.lax.dynamic_update_index_in_dim(changes, new, slot % used, 0)
            return longer

        return Fixed(
            x, y, other,
            remember(now.by_y, (y - now.y)[still:]),
            remember(now.by_gap, (y - x)[still:] - left),
            gap, now.first, now.turns + 1,
        )  # fmt: skip

    y, other, gap = function(x, other)
    none = jnp.zeros((depth, len(x) - still, *x.shape[1:]))
    start = Fixed(x if depth else None, y, other, none, none, gap, gap, jnp.ones((), int))
    found: Fixed = jax.lax.while_loop(going_on, turn, start)
    return found

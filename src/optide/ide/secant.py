"""Equations x = y(x), each element by itself, by the secant's rule within limits."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64, Int


class Bracket(NamedTuple):
    """A search for x = y(x): the last x, the one before with what y(x) - x was there, and limits of the solution."""

    x: Float64[Array, " *S"]
    before: Float64[Array, " *S"]
    left: Float64[Array, " *S"]
    low: Float64[Array, " *S"]
    high: Float64[Array, " *S"]
    turns: Int[Array, ""]


def root(
    function: Callable[[Array], Array], x: Float64[Array, " *S"], y: Float64[Array, " *S"], trials: int
) -> Float64[Array, " *S"]:
    """Solve x = y(x) for each element by itself, by the secant's rule within limits: y - x is taken to fall.

    Args:
        function: y.
        x: a first guess.
        y: its value there.
        trials: the most.
    """

    def going_on(now: Bracket) -> Array:
        # the change of the last turn, and so much more than what the next would be
        small = 1e-14 * jnp.maximum(1.0, jnp.max(jnp.abs(now.x)))
        return (now.turns < trials) & (jnp.max(jnp.abs(now.x - now.before)) > small)

    def turn(now: Bracket) -> Bracket:
        left = function(now.x) - now.x
        low = jnp.where(left > 0, jnp.maximum(now.low, now.x), now.low)
        high = jnp.where(left < 0, jnp.minimum(now.high, now.x), now.high)
        fall = now.left - left
        change = left * (now.x - now.before) / jnp.where(fall == 0, 1.0, fall)
        x = now.x + jnp.where((fall != 0) & (change * left > 0), change, left)
        middle = jnp.where(jnp.isfinite(low) & jnp.isfinite(high), (low + high) / 2, now.x + left)
        x = jnp.where(left == 0, now.x, jnp.where((x > low) & (x < high), x, middle))
        return Bracket(x, now.x, left, low, high, now.turns + 1)

    left = y - x
    low, high = jnp.where(left > 0, x, -jnp.inf), jnp.where(left < 0, x, jnp.inf)
    found: Bracket = jax.lax.while_loop(going_on, turn, Bracket(y, x, left, low, high, jnp.zeros((), int)))
    return found.x

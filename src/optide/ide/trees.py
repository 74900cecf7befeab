"""Arrays, and trees of them, as wholes."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float64

Arguments = ParamSpec("Arguments")
Tree = TypeVar("Tree")
FEW = 1000
"""Numbers of which XLA finds the maximum; from about 4,100 on it may not."""


def magnitude(values: Float64[Array, "..."]) -> Float64[Array, ""]:
    """The largest absolute value; no number where one of them is none.

    XLA's own maximum of thousands leaves out, as it compiles for a processor unless told otherwise, what is no number.
    """
    largest = jnp.max(jnp.abs(values))
    # to look at a few as well would only be compiled: a first solve would take 4 % longer
    return largest if values.size <= FEW else jnp.where(jnp.any(jnp.isnan(values)), jnp.nan, largest)


def choose(condition: Bool[Array, ""], one: Tree, other: Tree) -> Tree:
    """One of two trees of arrays."""
    chosen: Tree = jax.tree.map(
        lambda a, b: jax.lax.select(jnp.broadcast_to(condition, jnp.shape(a)), a, b), one, other
    )
    return chosen


def zeros_of(function: Callable[Arguments, Tree], *arguments: Arguments.args, **keywords: Arguments.kwargs) -> Tree:
    """Zeros like what a function would return."""
    found = jax.eval_shape(function, *arguments, **keywords)
    zeros: Tree = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), found)
    return zeros

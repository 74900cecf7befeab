"""Arrays, and trees of them, as wholes."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float64

Arguments = ParamSpec("Arguments")
Tree = TypeVar("Tree")


def magnitude(values: Float64[Array, "..."]) -> Float64[Array, ""]:
    """The largest absolute value; no number where one of them is none or infinite.

    XLA's own maximum of thousands leaves out, as it compiles for a processor unless told otherwise, what is no number.
    """
    return jnp.where(jnp.all(jnp.isfinite(values)), jnp.max(jnp.abs(values)), jnp.nan)


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

"""Trees of arrays, as wholes."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool

Arguments = ParamSpec("Arguments")
Tree = TypeVar("Tree")


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

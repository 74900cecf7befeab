"""Parameters of any structure: a run and a solve know one array, a user's functions and results his tree.

An array goes as it is.  A tree of arrays (dictionary, list, tuple, or whatever else JAX knows as one) becomes a vector
of all its numbers, leaf after leaf, and the objective a function of that.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.base.arithmetic import traced
from optide.base.errors import ParameterError
from optide.problem import arguments
from optide.problem.tracing import PROGRAMS, check_function, check_traced, is_array


class Structure(NamedTuple):
    """How a tree of arrays is made of a vector: hashable."""

    tree: jax.tree_util.PyTreeDef
    shapes: tuple[tuple[int, ...], ...]

    def of(self, values: Float64[Array | np.ndarray, " *n"]) -> Any:
        """The tree of a vector; of several, (..., D), with their axes before those of each leaf."""
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        ends = np.cumsum(sizes).tolist()
        return jax.tree.unflatten(
            self.tree,
            [
                values[..., end - size : end].reshape(*values.shape[:-1], *shape)
                for shape, size, end in zip(self.shapes, sizes, ends, strict=True)
            ],
        )


class Parameters(NamedTuple):
    """A start, as a run and a solve know it.

    Attributes:
        theta0: the numbers: of shape S, or a vector if the user's is a tree.
        structure: of the user's tree; None for an array.
    """

    theta0: Float64[Array | np.ndarray, " *S"]
    structure: Structure | None

    def seen_by(self, name: str, function: Any, returns: str = "a loss") -> Callable[[Any], Any]:
        """A user's function of theta, as one of the numbers; the same whenever it is asked for.

        Raises:
            ParameterError: it is no function, or one that no compiled program can be kept for.
        """
        found = check_function(name, function, returns)
        return found if self.structure is None else _of_vector(found, self.structure)

    def observed_by(self, observe: Any) -> Callable[[Any], Any] | None:
        """Likewise, what is kept of theta, if that is not all: a tree of arrays."""
        if observe is None:
            return None
        found = _of_arrays(self.seen_by("observe", observe, "a tree of arrays"))
        check_traced("observe", found, self.theta0)
        return found

    def restore(self, values: Any) -> Any:
        """Theta or a state at some times, in the user's structure."""
        return values if self.structure is None else self.structure.of(values)


def parameters(name: str, theta0: Any, lanes: bool = False) -> Parameters:
    """A start as a user may give it, in float64.

    Args:
        name: for errors.
        theta0: an array or a tree of them.
        lanes: whether it is several starts, by the first axis of the array, or of each leaf.

    Raises:
        ParameterError: it, or a leaf of it, which is named, is not made of finite numbers; or it is empty; or the
            leaves are of several lengths.
    """
    try:
        paths, tree = jax.tree_util.tree_flatten_with_path(theta0)
    except ValueError:  # names that have no order
        raise ParameterError(name, theta0, "a tree of arrays that JAX can flatten") from None
    if not is_tree(theta0):
        return Parameters(arguments.start(name, theta0), None)
    leaves = [arguments.finite(f"{name}{jax.tree_util.keystr(path)}", leaf) for path, leaf in paths]
    if not sum(leaf.size for leaf in leaves):
        raise ParameterError(name, theta0, "a finite number, an array or a tree of arrays that is not empty")
    axes = int(lanes)
    if len({leaf.shape[:axes] for leaf in leaves}) > 1 or leaves[0].ndim < axes:
        raise ParameterError(name, theta0, "a tree of arrays whose first axes, those of the lanes, are of one length")
    join = jnp.concatenate if traced(leaves) else np.concatenate
    numbers = join([leaf.reshape(*leaf.shape[:axes], -1) for leaf in leaves], axis=axes)
    return Parameters(numbers, Structure(tree, tuple(leaf.shape[axes:] for leaf in leaves)))


def is_tree(theta0: Any) -> bool:
    """Whether a start is a tree of arrays: numbers in lists and tuples, however deep, are one array."""

    def numbers(part: Any) -> bool:
        return all(map(numbers, part)) if type(part) in (list, tuple) else np.ndim(part) == 0

    if not jax.tree.leaves(theta0) or jax.tree_util.all_leaves([theta0]):
        return False
    return type(theta0) not in (list, tuple) or not numbers(theta0)


@functools.lru_cache(maxsize=PROGRAMS)
def _of_arrays(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(function)
    def of_arrays(theta: Any) -> Any:
        found = function(theta)
        leaves = jax.tree.leaves(found)
        if not leaves or not all(is_array(leaf) and not isinstance(leaf, complex) for leaf in leaves):
            raise ParameterError("observe", function, "a function of theta that returns a tree of arrays")
        return jax.tree.map(jnp.asarray, found)

    return of_arrays


@functools.lru_cache(maxsize=PROGRAMS)
def _of_vector(function: Callable[[Any], Any], structure: Structure) -> Callable[[Any], Any]:
    @functools.wraps(function)
    def of_vector(theta: Any) -> Any:
        return function(structure.of(theta))

    return of_vector

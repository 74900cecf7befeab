"""That JAX can trace what a user wrote, an objective with its gradient or an optimizer, and gets float64 from it."""

import functools
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from optide.base.errors import ConfigError, ObjectiveError, OptideError, ParameterError, TracedError
from optide.problem.optimizer import Optimizer

PROGRAMS = 16
"""Compiled programs that are kept, of each kind, and what else takes as long to make: of the objectives used last."""

_JAX, _HERE = Path(jax.__file__).parent, Path(__file__).parent
_CONCRETE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What JAX raises where Python or NumPy asks for the value of what is traced."""


def check_function(name: str, function: Any, returns: str, of: str = "theta") -> Callable[[Any], Any]:
    """Make sure that something is a function that compiled programs can be kept for; returns it.

    Raises:
        ParameterError: it is not.
    """
    if not callable(function) or isinstance(function, type):
        raise ParameterError(name, function, f"a function of {of} that returns {returns}")
    try:
        hash(function)
        weakref.ref(function)
    except TypeError:
        allowed = "hashable and open to weak references, as functions in Python are: compiled programs are kept by it"
        raise ParameterError(name, function, allowed) from None
    else:
        found: Callable[[Any], Any] = function
        return found


def check_objective(objective: object, theta0: ArrayLike, where: str) -> None:
    """Make sure that an objective maps theta to one float64 and has a gradient, without computing anything.

    An exception of the objective's own is let through as it is.

    Args:
        objective: as given by the user.
        theta0: a start.
        where: names the configuration, for the error.

    Raises:
        ParameterError: it is no function, or one that no compiled program can be kept for.
        ObjectiveError: naming the configuration, and what it returns, or what JAX cannot trace.
    """
    check_function("objective", objective, "a loss")
    with _told_of_values(ObjectiveError, "the objective, or its gradient,", where):
        found = returned(objective, jnp.shape(theta0))
    if found:
        raise ObjectiveError(f"{where}: the objective returns {found}, from t = 0 on; it must return one float64")


def check_traced(name: str, function: Callable[[Any], Any], theta0: ArrayLike) -> None:
    """Make sure that JAX can trace a function of theta.

    Raises:
        ObjectiveError: it cannot; names the place.
    """
    with _told_of_values(ObjectiveError, "the function", name):
        jax.eval_shape(function, jax.ShapeDtypeStruct(jnp.shape(theta0), float))  # type: ignore[no-untyped-call]


def check_schedule(schedule: Any) -> Callable[[Array], Array] | None:
    """Likewise, that a schedule maps the number of a step to one float64; returns it.

    Raises:
        ParameterError: it does not, or is no function that compiled programs can be kept for.
        TracedError: it depends on what JAX traces.
    """
    if schedule is None:
        return None
    found = check_function("schedule", schedule, "one float64", "the number of a step")

    def number(k: Array) -> None:
        value = found(k)
        if getattr(value, "shape", None) != () or value.dtype != jnp.float64:
            raise ParameterError("schedule", schedule, "a function of the number of a step that returns one float64")

    check_traced("schedule", number, 0.0)
    if closed_over(found, 0.0):
        raise TracedError("schedule: depends on what JAX traces; it may depend on the number of a step alone")
    return found


def check_optimizer(optimizer: Optimizer, method: str, theta0: ArrayLike, where: str) -> None:
    """Likewise, that a method of an optimizer gives what it must: as many float64 as theta has.

    Args:
        optimizer: with one number for each hyper-parameter.
        method: "step", which gives theta and all states, or "velocity".
        theta0: a start.
        where: names the configuration, for the error.

    Raises:
        ConfigError: naming the configuration, and what it gives instead, what JAX cannot trace, or that there is no
            memory, of which a velocity is made.
    """
    if method == "velocity" and not optimizer.memories():
        raise ConfigError(f"{where}: {type(optimizer).__name__} has no memories; without one there is no equation")
    with _told_of_values(ConfigError, f"{type(optimizer).__name__}.{method}", where):
        found, wanted = _given(jax.tree.structure(optimizer), method, jnp.shape(theta0))
    if found != wanted:
        raise ConfigError(f"{where}: {type(optimizer).__name__}.{method} returns {found}; it must return {wanted}")


def closed_over(objective: Callable[[Array], Array], theta0: ArrayLike) -> list[Array]:
    """The values that an objective depends on beside theta and that JAX traces.

    The trace goes where the objective goes; `jax.closure_convert` keeps each that it is given.
    """
    return [value for value in jax.make_jaxpr(objective)(theta0).consts if isinstance(value, jax.core.Tracer)]


@contextmanager
def _told_of_values(kind: type[OptideError], what: str, where: str) -> Iterator[None]:
    """One line in place of what JAX raises where a value is asked for."""
    try:
        yield
    except _CONCRETE as error:
        frames = [(frame, Path(frame.filename).parents) for frame in traceback.extract_tb(error.__traceback__)]
        # below the last frame of this room is what the user wrote, and what it calls
        called = max(i for i, (_, folders) in enumerate(frames) if _HERE in folders)
        own = [frame for frame, folders in frames[called + 1 :] if _JAX not in folders]
        place = f" in {own[-1].filename}, line {own[-1].lineno}" if own else ""
        raise kind(
            f"{where}: {what} asks for a value{place}, "
            "where JAX traces it: use jnp.where for `if`, and jnp.sin and the like for those of NumPy and math"
        ) from None


# tracing a gradient takes as long as a short solve
@functools.lru_cache(maxsize=PROGRAMS)
def returned(objective: Callable[[Array], Array], shape: tuple[int, ...]) -> str:
    """What an objective returns in place of one float64; or nothing, once its gradient has been traced, too."""
    theta = jax.ShapeDtypeStruct(shape, float)  # type: ignore[no-untyped-call]  # of JAX, which leaves it untyped
    value = _shapes(objective, theta)
    found, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if found != () or dtype != jnp.float64:
        return f"shape {found} and dtype {dtype}" if dtype else type(value).__name__
    jax.eval_shape(jax.grad(objective), theta)
    return ""


@functools.lru_cache(maxsize=PROGRAMS)
def _given(kind: jax.tree_util.PyTreeDef, method: str, shape: tuple[int, ...]) -> tuple[str, str]:
    """What a method of an optimizer gives where theta has a shape, and what it must give."""
    theta = jax.ShapeDtypeStruct(shape, float)  # type: ignore[no-untyped-call]  # of JAX, which leaves it untyped
    number = jax.ShapeDtypeStruct((), float)  # type: ignore[no-untyped-call]
    optimizer: Optimizer = jax.tree.unflatten(kind, [number] * kind.num_leaves)
    state = dict.fromkeys(type(optimizer).powers(), theta)
    call = getattr(type(optimizer), method)
    found = _shapes(call, optimizer, number, theta, theta, state)
    return _outlined(found), _outlined((theta, state) if method == "step" else theta)


def is_array(leaf: object) -> bool:
    """Whether JAX knows something as an array or a number."""
    if isinstance(leaf, np.ndarray | np.generic):
        return jnp.issubdtype(leaf.dtype, np.number) or leaf.dtype == bool
    return isinstance(leaf, Array | bool | int | float | complex)


def _shapes(function: Callable[..., Any], *given: Any) -> Any:
    """As `jax.eval_shape`; but all as it is, where some of what a function returns is nothing that JAX knows."""
    unknown: list[Any] = []

    def known(*given: Any) -> Any:
        found = function(*given)
        if all(map(is_array, jax.tree.leaves(found))):
            return found
        unknown.append(found)
        return None

    shapes = jax.eval_shape(known, *given)
    return unknown[0] if unknown else shapes


def _outlined(tree: object) -> str:
    """As "(float64[2], {m: float64[2]})"; what is no array by its type."""

    def outlined(leaf: Any) -> str:
        known = isinstance(leaf, Array | jax.ShapeDtypeStruct)
        return f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]" if known else type(leaf).__name__

    return str(jax.tree.map(outlined, tree)).replace("'", "")

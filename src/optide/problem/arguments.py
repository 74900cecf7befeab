"""What a run or a solve is given: checked at once, and brought into one form, which is float64."""

import operator
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Float64

from optide.base.arithmetic import traced
from optide.base.errors import ParameterError
from optide.base.words import nearest
from optide.problem.finite import real
from optide.problem.optimizer import Optimizer

Start = ArrayLike | Sequence[float] | Mapping[str, Any] | list[Any] | tuple[Any, ...]
"""A start as a user may give it; and what else JAX knows as a tree of arrays."""
MOST = 2**31 - 1
"""Grid points of a solve, and steps of a run: they are counted in 32 bits in places."""


def tracing() -> bool:
    """Whether JAX traces what is computed now, as under `jit`, though nothing it was given need be traced."""
    return traced(jax.device_put(0.0))  # which compiles nothing


def at_least(least: int, name: str, value: Any) -> int:
    """An integer of Python, NumPy or JAX, not below `least` nor above `MOST`; truth values are none.

    Raises:
        ParameterError: it is something else.
    """
    number = _integer(value)
    if number is None or number < least:
        raise ParameterError(name, value, f"an integer >= {least}")
    if number > MOST:
        raise ParameterError(name, value, f"an integer <= {MOST}")
    return number


def check_room(steps: int, numbers: int) -> None:
    """Make sure that what is kept of so many steps fits into memory: where it doesn't, XLA ends the process.

    Args:
        steps: for the error.
        numbers: how many float64 are kept.

    Raises:
        ParameterError: there is no room for them.
    """
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if 8 * numbers > room:
        size = f"{8 * numbers / 2**30:,.0f} GiB, fits into the {room / 2**30:,.0f} GiB of this machine"
        raise ParameterError("steps", steps, f"so few that what is kept, {size}")


def one_of(choices: Sequence[int], method: str, name: str, value: Any) -> int:
    """Likewise, one of those that a method has.

    Raises:
        ParameterError: it is something else.
    """
    number = _integer(value)
    if number is None or number not in choices:
        raise ParameterError(name, value, f"{' or '.join(map(str, choices))} by {method}")
    return number


def one_name(choices: Sequence[str], method: str, name: str, value: Any) -> str:
    """One of the names that a method has.

    Raises:
        ParameterError: it is something else.
    """
    if not isinstance(value, str) or value not in choices:
        raise ParameterError(name, value, f"{' or '.join(choices)} by {method}{nearest(value, choices)}")
    return value


def _integer(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def several(name: str, values: Any) -> list[Any]:
    """The members of a sequence that has some.

    Raises:
        ParameterError: there are none.
    """
    try:
        members = [] if isinstance(values, Mapping) else list(values)
    except TypeError:
        members = []
    if not members:
        raise ParameterError(name, values, "a sequence, with one for each lane")
    return members


def numbers_of(optimizer: object) -> Optimizer:
    """An optimizer whose hyper-parameters are float64, in any shape; equal numbers of any type are one program.

    Raises:
        ParameterError: it is no optimizer.
    """
    if not isinstance(optimizer, Optimizer):
        example = f"{optimizer.__name__}(0.1)" if _is_optimizer_class(optimizer) else "Adam(0.1)"
        raise ParameterError("optimizer", optimizer, f"an optimizer, such as {example}")
    numbers: Optimizer = jax.tree.map(lambda leaf: jnp.asarray(leaf, float) if traced(leaf) else real(leaf), optimizer)
    return numbers


def _is_optimizer_class(value: object) -> TypeGuard[type[Optimizer]]:
    return isinstance(value, type) and issubclass(value, Optimizer)


def one_optimizer(optimizer: object) -> Optimizer:
    """As `numbers_of`, for one run.

    Raises:
        ParameterError: it is no optimizer, or has an array for a hyper-parameter.
    """
    numbers = numbers_of(optimizer)
    for name, value in numbers.hyperparameters.items():
        if np.ndim(value):
            raise ParameterError(
                name, getattr(optimizer, name), "one number here; optide.ide.solve_batch takes arrays (N,)"
            )
    return numbers


def start(name: str, theta0: Any) -> Float64[Array | np.ndarray, " *S"]:
    """theta0 as float64, in its shape.

    Raises:
        ParameterError: it is not made of finite numbers, or empty.
    """
    found = finite(name, theta0)
    if not found.size:
        raise ParameterError(name, theta0, NUMBERS)
    return found


NUMBERS = "a finite number, or an array of them that is not empty"


def finite(name: str, value: Any) -> Float64[Array | np.ndarray, " *S"]:
    """Numbers as float64, in their shape; there may be none.

    Raises:
        ParameterError: they are not finite, or something else.
    """
    if traced(value):
        kind = jnp.result_type(*jax.tree.leaves(value))
        if not (jnp.issubdtype(kind, jnp.floating) or jnp.issubdtype(kind, jnp.integer)):
            raise ParameterError(name, value, NUMBERS)
        return jnp.asarray(value, float)
    numbers = real(value)
    if numbers is None or not np.isfinite(numbers).all():
        raise ParameterError(name, value, NUMBERS)
    return numbers

"""That JAX can trace an objective and its gradient, and gets one float64 from it."""

import functools
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from optide.base.errors import ObjectiveError, ParameterError

_JAX, _HERE = Path(jax.__file__).parent, Path(__file__).parent
_CONCRETE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What JAX raises where Python or NumPy asks for the value of what is traced."""


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
    if not callable(objective) or isinstance(objective, type):
        raise ParameterError("objective", objective, "a function of theta that returns a loss")
    try:
        hash(objective)
        weakref.ref(objective)
    except TypeError:
        allowed = "hashable and open to weak references, as functions in Python are: compiled programs are kept by it"
        raise ParameterError("objective", objective, allowed) from None
    try:
        found = _returned(objective, jnp.shape(theta0))
    except _CONCRETE as error:
        frames = [(frame, Path(frame.filename).parents) for frame in traceback.extract_tb(error.__traceback__)]
        # below the last frame of this room is the objective, and what it calls
        called = max(i for i, (_, folders) in enumerate(frames) if _HERE in folders)
        own = [frame for frame, folders in frames[called + 1 :] if _JAX not in folders]
        place = f" in {own[-1].filename}, line {own[-1].lineno}" if own else ""
        raise ObjectiveError(
            f"{where}: the objective, or its gradient, asks for a value{place}, "
            "where JAX traces it: use jnp.where for `if`, and jnp.sin and the like for those of NumPy and math"
        ) from None
    if found:
        raise ObjectiveError(f"{where}: the objective returns {found}, from t = 0 on; it must return one float64")


# kept for the last few: tracing a gradient takes as long as a short solve
@functools.lru_cache(maxsize=16)
def _returned(objective: Callable[[Array], Array], shape: tuple[int, ...]) -> str:
    """What an objective returns in place of one float64; or nothing, once its gradient has been traced, too."""
    theta = jax.ShapeDtypeStruct(shape, float)  # type: ignore[no-untyped-call]  # of JAX, which leaves it untyped
    value = jax.eval_shape(objective, theta)
    found, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if found != () or dtype != jnp.float64:
        return f"shape {found} and dtype {dtype}" if dtype else type(value).__name__
    jax.eval_shape(jax.grad(objective), theta)
    return ""

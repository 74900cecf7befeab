"""What a number is, and that no trajectory leaves the finite ones, at either end, unnoticed."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from optide.base.errors import NonFiniteError, UnderflowError
from optide.base.lazy import Array, jnp


def real(value: Any) -> np.ndarray | None:
    """Real numbers as float64, in their shape; None for all else: text, truth values, complex, masked, traced."""
    if np.ma.is_masked(value):  # an array of NumPy would have what is below the mask
        return None
    try:
        numbers = np.asarray(value)
    except (TypeError, ValueError):
        return None
    # by JAX, which knows bfloat16
    known = jnp.issubdtype(numbers.dtype, jnp.integer) or jnp.issubdtype(numbers.dtype, jnp.floating)
    return numbers.astype(float) if known else None


def finite_at(values: np.ndarray | Array) -> np.ndarray:
    """At which points, (n,), all of an array (n, ...) is finite."""
    found: np.ndarray = np.isfinite(np.asarray(values)).all(axis=tuple(range(1, np.ndim(values))))
    return found


@runtime_checkable
class Trajectory(Protocol):
    """Anything with a grid, theta and states on it."""

    @property
    def t(self) -> np.ndarray: ...
    @property
    def theta(self) -> np.ndarray: ...
    @property
    def state(self) -> dict[str, np.ndarray]: ...


def check_finite(
    trajectory: Trajectory, where: str, gradient: Callable[[Any], Any] | None = None, advice: str = "", every: int = 1
) -> None:
    """Make sure that theta and all states are finite.

    Args:
        trajectory: a discrete run or a solution.
        where: names the configuration, for the error.
        gradient: of the objective; where given, a gradient that is to blame is named.
        advice: where theta itself is not, what is to be said of it.
        every: which points of the grid the trajectory has.

    Raises:
        NonFiniteError: naming the configuration, the time from which on they are not, as far as it is known, and what.
    """
    points = len(trajectory.theta)  # of a trajectory that is only observed one, the last
    values = {"theta": trajectory.theta, **trajectory.state}
    finite = {name: finite_at(value) for name, value in values.items()}
    bad = np.flatnonzero(~np.all([*finite.values()], axis=0))
    if bad.size:
        first = int(bad[0])
        time = float(trajectory.t[first - points])
        names = ", ".join(name for name, good in finite.items() if not good[first])
        if first and gradient and not np.isfinite(gradient(trajectory.theta[first - 1])).all():
            names += f"; the gradient at theta = {trajectory.theta[first - 1]}, one step before, is not"
        if advice and not finite["theta"][first]:
            names += f"; {advice}"
        place = f"from t = {time:.6g} (grid point {every * first}) on"
        if points < len(trajectory.t):
            place = f"at t = {time:.6g} (grid point {every * (len(trajectory.t) - 1)})"
        raise NonFiniteError(f"{where}: not finite {place}: {names}")


def check_losses(losses: np.ndarray, theta: np.ndarray, where: str) -> None:
    """Make sure that the loss is finite where theta is: its gradient, which is all that a model sees of it, may be.

    Args:
        losses: at points of a trajectory.
        theta: at these points.
        where: names the configuration, for the error.

    Raises:
        NonFiniteError: naming the configuration, and theta where the loss is not.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        raise NonFiniteError(f"{where}: the loss is {losses[bad[0]]} at theta = {theta[bad[0]]} (point {bad[0]})")


SMALLEST = np.finfo(float).tiny
NEGLIGIBLE = np.sqrt(SMALLEST) / np.finfo(float).eps
"""From this eps on, the root of a second moment that underflows is below half a rounding of eps."""


def check_underflow(low: Mapping[str, np.ndarray], t: np.ndarray, eps: float, where: str) -> None:
    """Make sure that no update of a discrete run divided by the root of a second moment that underflowed.

    Args:
        low: for each second moment, which updates did.
        t: the time before each of them, and after the last.
        eps: of the optimizer.
        where: names the configuration, for the error.

    Raises:
        UnderflowError: naming the configuration, the moment, the step and the time.
    """
    if eps >= NEGLIGIBLE:
        return
    for name, updates in low.items():
        bad = np.flatnonzero(updates)
        if bad.size:
            raise UnderflowError(
                f"{where}: {name} underflows in step {bad[0]}, t = {float(t[bad[0]]):.6g}; "
                f"with eps >= {NEGLIGIBLE:.0e} that would not matter"
            )


def name_of(objective: object) -> str:
    """What to call an objective in an error."""
    return str(getattr(objective, "name", getattr(objective, "__name__", repr(objective))))

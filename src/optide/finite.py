"""No trajectory leaves the finite numbers unnoticed."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from optide.errors import NonFiniteError


class Trajectory(Protocol):
    """Anything with a grid, theta and states on it."""

    t: Any
    theta: Any
    state: dict[str, Any]


def check_finite(trajectory: Trajectory, where: str) -> None:
    """Make sure that theta and all states are finite.

    Args:
        trajectory: a discrete run or a solution.
        where: names the configuration, for the error.

    Raises:
        NonFiniteError: naming the configuration and the time from which on they are not.
    """
    points = len(trajectory.t)
    values = [np.asarray(value).reshape(points, -1) for value in (trajectory.theta, *trajectory.state.values())]
    bad = np.flatnonzero(~np.all([np.isfinite(value).all(axis=1) for value in values], axis=0))
    if bad.size:
        time = float(trajectory.t[bad[0]])
        raise NonFiniteError(f"{where}: not finite from t = {time:.6g} (grid point {bad[0]}) on")


def name_of(objective: Callable) -> str:
    """What to call an objective in an error."""
    return getattr(objective, "name", getattr(objective, "__name__", repr(objective)))

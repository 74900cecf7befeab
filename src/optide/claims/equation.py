"""What a claim measures on the equation along a trace: how one sweep of the published scheme treats it.

The one place where claims meet the solver.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from optide.base.arithmetic import in_float64
from optide.data.traces import Trace
from optide.numerics import elementary
from optide.problem.registry import OBJECTIVES, OPTIMIZERS


def sweep_movement(trace: Trace) -> float:
    """How far one published sweep moves theta, at most: 0 for a solution, but for the quadrature."""
    theta = trace.values["theta"]
    return float(np.max(np.abs(_Published(trace).sweep(theta) - theta)))


def quadrature_gap(trace: Trace) -> float:
    """How far the published rule is from the trace's v, at most, relative to the largest v."""
    v = trace.values["v"]
    return float(np.max(np.abs(_Published(trace).memories(trace.values["theta"])["v"] - v)) / np.max(v))


def relaxation_growth(trace: Trace, *, weight: float, iterations: float, size: float) -> float:
    """The factor by which an error grows in one relaxed iteration of the published scheme.

    The iteration is theta <- weight theta + (1 - weight) sweep(theta), begun at the trace with an error
    of `size` cos(k) in every value but the first; the factor is the geometric mean over `iterations`.
    """
    published, theta = _Published(trace), trace.values["theta"]
    error = np.where(trace.values["k"] == trace.values["k"][0], 0.0, size * elementary.cos(trace.values["k"]))
    iterate = theta + error
    for _ in range(int(iterations)):
        iterate = weight * iterate + (1 - weight) * published.sweep(iterate)
    growth = np.sum(np.square(iterate - theta)) / np.sum(np.square(error))
    return float(elementary.exp(elementary.log(growth) / (2 * iterations)))


EQUATION: dict[str, Callable[..., float]] = {
    measure.__name__: measure for measure in (sweep_movement, quadrature_gap, relaxation_growth)
}
"""Measured on the equation along the trace of one model."""


class _Published:
    """The published scheme's sweep and memory integrals for the configuration of a trace, on its grid."""

    def __init__(self, trace: Trace):
        # planning a workflow, which checks the names of the measures, needs no JAX
        import jax  # noqa: PLC0415

        from optide.ide import picard  # noqa: PLC0415
        from optide.ide.problem import Problem  # noqa: PLC0415

        configuration = trace.configuration
        make = OPTIMIZERS[configuration["optimizer"]]
        optimizer = make(configuration["learning_rate"], **configuration["hyperparameters"])
        theta0: Any = np.asarray(configuration["theta0"])  # of NumPy, float64 whatever the settings of JAX are
        problem = Problem(
            optimizer,
            OBJECTIVES[configuration["objective"]],
            theta0,
            trace.values["t"][0],
            len(trace.values["t"]),
            1,
            1,
        )
        self._compiled = {
            function: in_float64(jax.jit(lambda theta, function=function: getattr(picard, function)(problem, theta)))
            for function in ("sweep", "memories")
        }

    def sweep(self, theta: np.ndarray) -> np.ndarray:
        return np.asarray(self._compiled["sweep"](theta))

    def memories(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.asarray(values) for name, values in self._compiled["memories"](theta).items()}

"""Decay rates on the quadratic against the length of the memory: computed for both models."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from optide.ide.batch import solve_lanes
from optide.numerics import elementary, metrics
from optide.problem import plugins
from optide.problem.discrete import run_discrete
from optide.problem.objectives import quadratic
from optide.problem.registry import OPTIMIZERS
from optide.settings.config import Config
from optide.studies.rates import CLOSER, FITTED, schema

Array = np.ndarray


def compute(settings: Config) -> pa.Table:
    """All rates of the entry `rates` of the configuration, by both models."""
    with plugins.blamed():
        return pa.Table.from_pylist([*_curves(settings), *_adagrad(settings)], schema=schema(settings))


def memories(curve: Config) -> Array:
    """The memory lengths of a curve, evenly spread in their logarithm."""
    grid = curve["memory"]
    return elementary.geometric(grid["shortest"], grid["longest"], grid["values"])


def _curves(settings: Config) -> Iterator[dict[str, Any]]:
    for name, curve in settings["curves"].items():
        lengths = memories(curve)
        choices: list[Mapping[str, float]] = [
            {**curve.get("fixed", {}), curve["varies"]: 1 - 1 / length} for length in lengths
        ]
        for rate, steps in zip(settings["learning_rates"], curve["steps"], strict=True):
            for model, runs in _run(curve["optimizer"], rate, choices, settings["theta0"], steps).items():
                for length, choice, (distance, converged) in zip(lengths, choices, runs, strict=True):
                    fit, status = assess(distance, converged)
                    row = {"curve": name, "optimizer": curve["optimizer"], "model": model, "learning_rate": rate}
                    row |= {"distance": abs(distance[0]), "memory": length, "status": status, **choice}
                    yield row | _measured(fit)


def assess(distance: Array, converged: bool) -> tuple[metrics.Fit, str]:
    """The rate of one run, or the reason why there is none.

    A run that ends in a limit cycle has none: its fit would end where the cycle begins, and its value
    depend on that.

    Args:
        distance: theta_k - theta*, (n,).
        converged: whether the solver did.
    """
    outline = metrics.envelope(distance)
    fit = metrics.decay_fit(np.arange(len(distance)), distance)
    if not converged:
        return metrics.NO_FIT, "not converged"
    # over the last tenth: a cycle passes through the minimum now and then, and may do so in the last step
    end = outline[-max(1, len(outline) // 10)]
    if CLOSER * end > metrics.FIT_FLOOR * outline[0]:
        return metrics.NO_FIT, "stays away"
    return (fit, FITTED) if np.isfinite(fit.rate) else (metrics.NO_FIT, "too fast")


def _adagrad(settings: Config) -> Iterator[dict[str, Any]]:
    """The rate of AdaGrad on its way: slopes of log|theta - theta*| between steps evenly spread in their logarithm."""
    points = settings["adagrad"]["values"]
    for rate, steps in zip(settings["learning_rates"], settings["adagrad"]["steps"], strict=True):
        marks = np.unique(elementary.geometric(1, steps - 1, points + 1).astype(int))
        for model, ((distance, converged),) in _run("adagrad", rate, [{}], settings["theta0"], steps).items():
            logarithms = elementary.log(np.abs(distance[marks]))
            slopes = -np.diff(logarithms) / np.diff(marks)
            for first, last, slope in zip(marks[:-1], marks[1:], slopes, strict=True):
                row = {"curve": "adagrad", "optimizer": "adagrad", "model": model, "learning_rate": rate}
                row |= {"distance": abs(distance[0]), "status": FITTED if converged else "not converged"}
                yield row | _measured(metrics.Fit(slope if converged else np.nan, np.nan, np.nan, first, last))


def _measured(fit: metrics.Fit) -> dict[str, Any]:
    return {name: None if np.isnan(value) else value for name, value in fit._asdict().items()}


def _run(
    optimizer: str, learning_rate: float, choices: list[Mapping[str, float]], theta0: float, steps: int
) -> dict[str, list[tuple[Array, bool]]]:
    """Distances from the minimum of the quadratic and whether the solver converged, for each model and choice."""
    (minimum,) = quadratic.minima
    optimizers = [OPTIMIZERS[optimizer](learning_rate, **choice) for choice in choices]
    discrete = [run_discrete(o, quadratic, theta0, steps) for o in optimizers]
    solutions = solve_lanes(optimizers, quadratic, [theta0] * len(choices), steps)
    return {
        "discrete": [(np.asarray(run.theta) - minimum, True) for run in discrete],
        "equation": [(solution.theta - minimum, solution.converged) for solution in solutions],
    }

"""Decay rates on the quadratic against the length of the memory, for both models: computed, written, read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from optide.data import results
from optide.numerics import elementary, metrics
from optide.problem import plugins
from optide.problem.objectives import quadratic
from optide.problem.registry import HYPERPARAMETERS, OPTIMIZERS
from optide.settings.config import Config

Array = np.ndarray

MODELS = ("discrete", "equation")
FITTED = "fitted"
CLOSER = 10
"""How much further than to the floor of the fit a run must come, so that the fit sees nothing of its end."""
STATUS = {
    "not converged": "the solver did not converge",
    "stays away": f"the run ends above 1/{CLOSER / metrics.FIT_FLOOR:.0f} of its first distance: a limit cycle, or too "
    "few steps",
    "too fast": f"fewer than {metrics.SMALLEST_WINDOW} steps are left for a fit",
}
"""Why a rate is missing."""


def schema(settings: Config) -> pa.Schema:
    """The columns of the entry `rates` of a configuration.

    A row is one rate: per step, over the steps first to last, with its confidence interval; null if status is not
    "fitted".
    """
    names = {name for curve in settings["curves"].values() for name in (curve["varies"], *curve.get("fixed", ()))}
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in ("curve", "optimizer", "model")),
            *(pa.field(name, pa.float64(), nullable=False) for name in ("learning_rate", "distance")),
            *(pa.field(name, pa.float64()) for name in (*HYPERPARAMETERS, *sorted(names - {*HYPERPARAMETERS}))),
            *(pa.field(name, pa.float64()) for name in ("memory", "rate", "low", "high")),
            *(pa.field(name, pa.int64(), nullable=False) for name in ("first", "last")),
            pa.field("status", pa.string(), nullable=False),
        ]
    )


def write(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Write rates with the settings they were computed for, sealed, whole or not at all."""
    results.write(path, table.cast(schema(settings)), settings)


def read(path: str | Path) -> list[dict[str, Any]]:
    """Read rates, as rows of `schema`.

    Raises:
        FileError: the file cannot be read, was damaged, or has other columns.
    """
    return results.read(path, lambda found: schema(found["configuration"]), "rates").to_pylist()


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
        choices = [{**curve.get("fixed", {}), curve["varies"]: 1 - 1 / length} for length in lengths]
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
    """Distances from the minimum of the quadratic and whether the solver converged, for each model and choice.

    The one place where rates meet the solver.
    """
    # drawing, which reads what was computed, needs no JAX
    from optide.ide.batch import solve_lanes  # noqa: PLC0415
    from optide.problem.discrete import run_discrete  # noqa: PLC0415

    (minimum,) = quadratic.minima
    optimizers = [OPTIMIZERS[optimizer](learning_rate, **choice) for choice in choices]
    discrete = [run_discrete(o, quadratic, theta0, steps) for o in optimizers]
    solutions = solve_lanes(optimizers, quadratic, [theta0] * len(choices), steps)
    return {
        "discrete": [(np.asarray(run.theta) - minimum, True) for run in discrete],
        "equation": [(solution.theta - minimum, solution.converged) for solution in solutions],
    }

"""Run one experiment at one learning rate by one scheme: from configuration to trace."""

import functools
import importlib.metadata
import itertools
import platform
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import pyarrow as pa
from jax import Array

from optide.base.arithmetic import in_float64
from optide.base.errors import ConvergenceError
from optide.base.words import counted
from optide.data import layout
from optide.ide.batch import solve_lanes
from optide.problem import plugins
from optide.problem.discrete import run_discrete
from optide.problem.finite import check_losses
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.problem.tracing import PROGRAMS
from optide.settings.config import Config, Lane, label, lanes
from optide.settings.schemes import SCHEMES, Scheme


class Found(NamedTuple):
    """What a scheme gives for one lane.

    Attributes:
        values: t and u, (n,); theta and each state, (n, *S).
        report: of the solver; empty for the algorithm.
    """

    values: dict[str, np.ndarray]
    report: dict[str, Any]


def run(experiment: Config, scheme: str) -> tuple[pa.Table, dict[str, Any]]:
    """The trace of an experiment slice (see `optide.settings.config.experiment_slice`), and its metadata.

    Args:
        experiment: the slice.
        scheme: its name (`optide.settings.schemes`).

    Raises:
        ConvergenceError: a scheme that must converge did not; names the configuration.
        NonFiniteError: a solution left the finite numbers, or its loss did.
        ConfigError: the code of a plug-in fails; names file and line.
    """
    objective, make = OBJECTIVES[experiment["objective"]], OPTIMIZERS[experiment["optimizer"]]
    all_lanes = [*lanes(experiment)]
    with plugins.blamed():
        found = [
            one
            for _, group in itertools.groupby(all_lanes, key=lambda lane: (lane.set, lane.steps))
            for one in _run_lanes(experiment, SCHEMES[scheme], objective, make, [*group])
        ]
        of_lanes = [losses(objective, one.values["theta"]) for one in found]
    for lane, one, loss in zip(all_lanes, found, of_lanes, strict=True):
        check_losses(loss, one.values["theta"], _named(experiment, lane))
    schema = layout.schema(experiment, make.states)
    same = {name: experiment[name] for name in ("experiment", "objective", "optimizer", "learning_rate")}
    tables = []
    for i, (lane, one, loss) in enumerate(zip(all_lanes, found, of_lanes, strict=True)):
        k = np.rint(one.values["t"] / experiment["learning_rate"]).astype(int)
        constants = {**same, **lane._asdict(), "scheme": scheme, "converged": one.report.get("converged"), "lane": i}
        tables.append(layout.lane(schema, {"k": k, **one.values, "loss": loss}, constants))
    description = {
        "scheme": scheme,
        "configuration": dict(experiment),
        "states": [*make.states],
        "lanes": [{**lane._asdict(), **one.report} for lane, one in zip(all_lanes, found, strict=True)],
        "versions": versions(),
    }
    return pa.concat_tables(tables), description


def report(metadata: dict[str, Any]) -> str:
    """One line per lane, for the log of a job."""
    where = f"{metadata['configuration']['experiment']} {metadata['scheme']}"
    lines = []
    for lane in metadata["lanes"]:
        choice = label(metadata["configuration"]["optimizer"], lane["hyperparameters"])
        line = f"{where}: {choice} theta0={lane['theta0']} steps={lane['steps']}"
        if "converged" in lane:
            verdict = "converged" if lane["converged"] else "NOT CONVERGED"
            line += f": {verdict} after {counted(lane['iterations'], 'iteration')}, residual {lane['residual']:.3g}"
        lines.append(line + "\n")
    return "".join(lines)


def versions() -> dict[str, str]:
    """The versions that produced a trace."""
    packages = ("optide", "jax", "jaxlib", "numpy", "pyarrow")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


def _run_lanes(
    experiment: Config, scheme: Scheme, objective: Objective, make: type[Optimizer], group: Sequence[Lane]
) -> list[Found]:
    """Run the lanes of one set, which have as many steps."""
    optimizers = [make(experiment["learning_rate"], **lane.hyperparameters) for lane in group]
    if scheme.method is None:
        return [_discrete(optimizer, objective, lane) for optimizer, lane in zip(optimizers, group, strict=True)]
    solutions = solve_lanes(
        optimizers,
        objective,
        [lane.theta0 for lane in group],
        group[0].steps,
        method=scheme.method,
        t_start=experiment["t_start"],
    )
    found = []
    for solution, lane in zip(solutions, group, strict=True):
        if scheme.must_converge and not solution.converged:
            raise ConvergenceError(
                f"{_named(experiment, lane)}: {scheme.method} did not converge in "
                f"{counted(solution.iterations, 'iteration')}, residual {solution.residual:.3g}"
            )
        report = {name: getattr(solution, name) for name in ("converged", "iterations", "residual")}
        report["residuals"] = solution.residuals.tolist()
        found.append(Found({"t": solution.t, "u": solution.u, "theta": solution.theta, **solution.state}, report))
    return found


def _named(experiment: Config, lane: Lane) -> str:
    choice = label(experiment["optimizer"], lane.hyperparameters)
    return f"{experiment['experiment']}: {choice}, learning rate {experiment['learning_rate']}, theta0 {lane.theta0}"


def _discrete(optimizer: Optimizer, objective: Objective, lane: Lane) -> Found:
    trace = run_discrete(optimizer, objective, lane.theta0, lane.steps)
    return Found({"t": trace.t, "u": trace.t, "theta": trace.theta, **trace.state}, {})


@in_float64
def losses(objective: Objective, theta: np.ndarray) -> np.ndarray:
    """The loss at each point of a trajectory, (n, *S): (n,)."""
    return np.asarray(_losses(objective)(jax.numpy.asarray(theta)))


@functools.lru_cache(maxsize=PROGRAMS)
def _losses(objective: Objective) -> Callable[[Array], Array]:
    """An objective at each of many points, compiled."""
    return jax.jit(jax.vmap(objective))

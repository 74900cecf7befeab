"""Run one experiment at one learning rate by one scheme: from configuration to trace."""

import importlib.metadata
import itertools
import platform
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from optide.base.arithmetic import in_float64
from optide.base.errors import ConvergenceError
from optide.data import traces
from optide.ide.batch import solve_lanes
from optide.ide.solution import Solution
from optide.ide.solve import ORIGIN
from optide.problem.discrete import run_discrete
from optide.problem.objectives import OBJECTIVES, Objective
from optide.problem.optimizers import OPTIMIZERS, Optimizer
from optide.settings.config import Config, Lane, label, lanes

METHODS = {"published": "picard", "converged": "march"}
"""How each continuous scheme solves the equation."""

MUST_CONVERGE = ("converged",)
"""The published iteration is known to fail in places: its traces are kept and flagged."""


def run(experiment: Config, scheme: str) -> tuple[pa.Table, dict[str, Any]]:
    """The trace of an experiment slice (see `optide.settings.config.experiment_slice`), and its metadata.

    Args:
        experiment: the slice.
        scheme: "discrete", "published" or "converged".

    Raises:
        ConvergenceError: a scheme that must converge did not; names the configuration.
        NonFiniteError: a solution left the finite numbers.
    """
    tables, reports = [], []
    for (_, steps), group in itertools.groupby(lanes(experiment), key=lambda lane: (lane.set, lane.steps)):
        part, reported = _run_lanes(experiment, scheme, list(group), steps)
        tables += part
        reports += reported
    description = {"scheme": scheme, "configuration": dict(experiment), "lanes": reports, "versions": versions()}
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
            line += f": {verdict} after {lane['iterations']} iterations, residual {lane['residual']:.3g}"
        lines.append(line + "\n")
    return "".join(lines)


def versions() -> dict[str, str]:
    """The versions that produced a trace."""
    packages = ("optide", "jax", "jaxlib", "numpy", "pyarrow")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


@in_float64
def _run_lanes(experiment, scheme, group: list[Lane], steps):
    objective = OBJECTIVES[experiment["objective"]]
    rate = experiment["learning_rate"]
    optimizers = [OPTIMIZERS[experiment["optimizer"]](rate, **lane.hyperparameters) for lane in group]
    if scheme == "discrete":
        found = [_discrete(o, objective, lane) for o, lane in zip(optimizers, group, strict=True)]
    else:
        solutions = solve_lanes(
            optimizers,
            objective,
            [lane.theta0 for lane in group],
            steps,
            method=METHODS[scheme],
            t_start={"origin": ORIGIN, "one_step": rate, "zero": 0.0}[experiment["t_start"]],
        )
        found = [_continuous(s, scheme, experiment, lane) for s, lane in zip(solutions, group, strict=True)]
    tables, reports = [], []
    for lane, (values, report) in zip(group, found, strict=True):
        values["k"] = np.rint(np.asarray(values["t"]) / rate).astype(int)
        values["loss"] = jax.vmap(objective)(values["theta"])
        tables.append(_table(experiment, scheme, lane, report.get("converged"), values))
        reports.append({**lane._asdict(), **report})
    return tables, reports


def _discrete(optimizer: Optimizer, objective: Objective, lane: Lane):
    trace = run_discrete(optimizer, objective, lane.theta0, lane.steps)
    return {"t": trace.t, "u": trace.t, "theta": trace.theta, **trace.state}, {}


def _continuous(solution: Solution, scheme: str, experiment: Config, lane: Lane):
    if scheme in MUST_CONVERGE and not solution.converged:
        raise ConvergenceError(
            f"{experiment['experiment']}: {label(experiment['optimizer'], lane.hyperparameters)}, learning rate "
            f"{experiment['learning_rate']}, theta0 {lane.theta0}: {METHODS[scheme]} did not converge in "
            f"{solution.iterations} iterations, residual {solution.residual:.3g}"
        )
    report = {name: getattr(solution, name) for name in ("converged", "iterations", "residual")}
    report["residuals"] = solution.residuals.tolist()
    return {"t": solution.t, "u": solution.u, "theta": solution.theta, **solution.state}, report


def _table(experiment, scheme, lane: Lane, converged, values) -> pa.Table:
    rows = len(values["t"])
    constants = {
        "experiment": experiment["experiment"],
        "set": lane.set,
        "scheme": scheme,
        "objective": experiment["objective"],
        "optimizer": experiment["optimizer"],
        "learning_rate": experiment["learning_rate"],
        "theta0": lane.theta0,
        "steps": lane.steps,
        "converged": converged,
        **lane.hyperparameters,
    }
    columns = [pa.repeat(pa.scalar(constants.get(f.name), f.type), rows) for f in traces.CONFIGURATION]
    for field in traces.VALUES:
        if field.name in values:
            columns.append(pa.array(np.asarray(values[field.name]), field.type))
        else:
            columns.append(pa.nulls(rows, field.type))
    return pa.table(columns, schema=traces.SCHEMA)

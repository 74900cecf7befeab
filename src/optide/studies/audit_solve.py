"""Solve the equation in all ways of the audit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from optide.data import layout
from optide.ide.batch import solve_lanes
from optide.ide.solution import Solution
from optide.problem import plugins
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.settings.config import Config, Lane, elements, lanes
from optide.studies.audit import Treatment, schema, treatments

Array = jax.Array

DISTANCE = 64.0
"""From the origin of one objective to that of the next; a power of two, so that (64 + x) - 64 is x up to 1e-14."""


@dataclass(frozen=True)
class SideBySide:
    """Several objectives as one function of a scalar theta, each on a piece of the line around its own origin.

    The equations do not depend on where the origin of theta is.  So one compiled program solves them for
    several objectives: compiling takes seconds, solving milliseconds.  All must be finite on all pieces.
    """

    objectives: tuple[Objective, ...]
    name: str = "objectives side by side"

    def origin(self, objective: Objective) -> float:
        """The theta that stands for 0 of one of the objectives."""
        return DISTANCE * self.objectives.index(objective)

    def __call__(self, theta: Array) -> Array:
        """The loss of the objective to whose origin theta is nearest."""
        loss = self.objectives[0](theta)
        for objective in self.objectives[1:]:
            place = theta - self.origin(objective)
            loss = jnp.where(place < -DISTANCE / 2, loss, objective(place))
        return loss


class _Run(NamedTuple):
    """A lane, with what its configuration does not hold of it."""

    slice: Config
    lane: Lane

    @property
    def optimizer(self) -> Optimizer:
        return OPTIMIZERS[self.slice["optimizer"]](self.slice["learning_rate"], **self.lane.hyperparameters)

    @property
    def objective(self) -> Objective:
        return OBJECTIVES[self.slice["objective"]]

    @property
    def size(self) -> int:
        return elements(self.lane.theta0)

    def described(self, treatment: Treatment) -> dict[str, Any]:
        named = {name: self.slice[name] for name in ("experiment", "learning_rate")}
        return {**named, **self.lane._asdict(), **treatment._asdict()}


def compute(slices: Sequence[Config], settings: Config) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Solve all experiments of one optimizer in all ways.

    All go through one program for each treatment, each over its own steps; but where theta is a list, through one for
    each objective.

    Args:
        slices: of the experiments, one for each of their learning rates (`optide.settings.config.experiment_slice`).
        settings: the entry `audit` of the configuration; its substeps and order are read.

    Returns:
        a table of `optide.studies.audit.schema`, and what is known of each lane of it.
    """
    runs = [_Run(part, lane) for part in slices for lane in lanes(part)]
    wanted = [treatments(run.slice["t_start"], settings) for run in runs]
    found: list[tuple[dict[str, Any], Solution]] = []
    with plugins.blamed():
        for treatment in dict.fromkeys(treatment for some in wanted for treatment in some):
            chosen = [run for run, some in zip(runs, wanted, strict=True) if treatment in some]
            for together in _alike(chosen):
                found += _solve(together, treatment)
    columns, tables = schema(slices), []
    for i, (lane, solution) in enumerate(found):
        constants = {**lane, "lane": i, "converged": solution.converged, "residual": solution.residual}
        values = {"k": np.arange(len(solution.theta)), "theta": solution.theta}
        tables.append(layout.lane(columns, values, constants))
    return pa.concat_tables(tables), [lane for lane, _ in found]


def _alike(runs: Sequence[_Run]) -> list[list[_Run]]:
    """The runs that one program can solve."""
    groups: dict[Any, list[_Run]] = {}
    for run in runs:
        groups.setdefault((run.size, run.objective if run.size else None), []).append(run)
    return [*groups.values()]


def _solve(runs: Sequence[_Run], treatment: Treatment) -> Iterator[tuple[dict[str, Any], Solution]]:
    objective = SideBySide(tuple(dict.fromkeys(run.objective for run in runs)))
    origins = [objective.origin(run.objective) for run in runs]
    solutions = solve_lanes(
        [run.optimizer for run in runs],
        objective,
        [np.asarray(run.lane.theta0, float) + origin for run, origin in zip(runs, origins, strict=True)],
        [run.lane.steps for run in runs],
        t_start="origin",
        save_every=treatment.substeps,
        **treatment._asdict(),
    )
    for run, origin, solution in zip(runs, origins, solutions, strict=True):
        yield run.described(treatment), replace(solution, theta=solution.theta - origin)

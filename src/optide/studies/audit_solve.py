"""Solve the equation in all ways of the audit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from optide.ide.batch import solve_lanes
from optide.problem.objectives import OBJECTIVES, Objective
from optide.problem.optimizers import OPTIMIZERS, Optimizer
from optide.settings.config import Config, Lane, lanes
from optide.studies.audit import SOLUTIONS, Treatment, treatments

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


def compute(slices: Sequence[Config], settings: Config) -> pa.Table:
    """Solve all experiments of one optimizer in all ways.

    All go through one program for each treatment, each over its own steps.

    Args:
        slices: of the experiments, one for each of their learning rates (`optide.settings.config.experiment_slice`).
        settings: the entry `audit` of the configuration; its substeps and order are read.

    Returns:
        a table of `SOLUTIONS`.
    """
    runs = [_Run(part, lane) for part in slices for lane in lanes(part)]
    objective = SideBySide(tuple(dict.fromkeys(run.objective for run in runs)))
    wanted = [treatments(run.slice["t_start"], settings) for run in runs]
    tables = []
    for treatment in dict.fromkeys(treatment for some in wanted for treatment in some):
        chosen = [run for run, some in zip(runs, wanted, strict=True) if treatment in some]
        tables += _solve(chosen, objective, treatment)
    return pa.concat_tables(tables)


def _solve(runs: Sequence[_Run], objective: SideBySide, treatment: Treatment) -> Iterator[pa.Table]:
    origins = [objective.origin(run.objective) for run in runs]
    solutions = solve_lanes(
        [run.optimizer for run in runs],
        objective,
        [run.lane.theta0 + origin for run, origin in zip(runs, origins, strict=True)],
        [run.lane.steps for run in runs],
        t_start="origin",
        save_every=treatment.substeps,
        **treatment._asdict(),
    )
    for run, origin, solution in zip(runs, origins, solutions, strict=True):
        values = {"experiment": run.slice["experiment"], "set": run.lane.set, "theta0": run.lane.theta0}
        values |= {"learning_rate": run.slice["learning_rate"], **run.lane.hyperparameters, **treatment._asdict()}
        values |= {"converged": solution.converged, "residual": solution.residual}
        yield _table(values, solution.theta - origin)


def _table(constants: Mapping[str, Any], theta: np.ndarray) -> pa.Table:
    columns = [pa.repeat(pa.scalar(constants.get(f.name), f.type), len(theta)) for f in [*SOLUTIONS][:-2]]
    return pa.table([*columns, pa.array(np.arange(len(theta))), pa.array(theta)], schema=SOLUTIONS)

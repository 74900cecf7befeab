"""One configuration by both models, without a configuration file: traces of it, and how far they are apart."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from optide.base.errors import ParameterError
from optide.base.words import shown
from optide.data.traces import Trace
from optide.ide import Solution, solve_ide
from optide.numerics import metrics
from optide.problem import plugins
from optide.problem.discrete import run_discrete
from optide.problem.finite import check_losses
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer
from optide.problem.registry import parts
from optide.settings.config import elements
from optide.settings.schemes import CONTINUOUS, DISCRETE
from optide.studies.experiments import losses

APART = 0.01
"""Steps that two times may differ by and be equal: the published start, 1e-12, is not 0."""


class Single(NamedTuple):
    """A configuration, and how its equation is solved.

    Attributes:
        optimizer: with its hyper-parameters.
        objective: a built-in one, or a plug-in's.
        theta0: a number, or a list of them.
        steps: of the algorithm.
        how: the keywords of `solve_ide`.
    """

    optimizer: Optimizer
    objective: Objective
    theta0: float | Sequence[float]
    steps: int
    how: Mapping[str, Any]

    def described(self) -> dict[str, Any]:
        """What a `Trace` says of it, hyper-parameters beside the learning rate by themselves."""
        given = {name: float(value) for name, value in self.optimizer.hyperparameters.items()}
        named = {"experiment": "", "set": "", "objective": self.objective.name, "optimizer": self.optimizer.name}
        rate = given.pop("learning_rate")
        return {**named, "learning_rate": rate, "hyperparameters": given, "theta0": self.theta0, "steps": self.steps}


class Compared(NamedTuple):
    """A quantity by both models, over the steps that both have.

    Attributes:
        step: the last of them.
        algorithm: the value there.
        equation: likewise.
        largest_gap: the largest difference.
        at_step: where it is.
        rms_gap: the root mean square of differences.
    """

    step: int
    algorithm: float
    equation: float
    largest_gap: float
    at_step: int
    rms_gap: float


def by_equation(single: Single) -> tuple[Solution, Trace]:
    """Solve the equation.

    Raises:
        OptideError: as in `solve_ide`; naming file and line where the code of a plug-in fails.
    """
    with plugins.blamed():
        solution = solve_ide(single.optimizer, single.objective, single.theta0, single.steps, **single.how)
    scheme = next(scheme for scheme in CONTINUOUS.values() if scheme.method == single.how["method"])
    report = {"scheme": scheme.name, "converged": solution.converged, "iterations": solution.iterations}
    values = {"t": solution.t, "u": solution.u, "theta": solution.theta, **solution.state}
    return solution, _trace(single, report, values)


def by_algorithm(single: Single) -> Trace:
    """Run the discrete algorithm.

    Raises:
        OptideError: as in `run_discrete`; naming file and line where the code of a plug-in fails.
    """
    with plugins.blamed():
        run = run_discrete(single.optimizer, single.objective, single.theta0, single.steps)
    return _trace(
        single, {"scheme": DISCRETE.name, "converged": None}, {"t": run.t, "u": run.t, "theta": run.theta, **run.state}
    )


def _trace(single: Single, report: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> Trace:
    with plugins.blamed():
        loss = losses(single.objective, values["theta"])
    where = f"{single.optimizer} on {single.objective.name} from theta0 = {shown(single.theta0)}"
    check_losses(loss, values["theta"], where)
    configuration = {**single.described(), **report}
    k = np.rint(values["t"] / configuration["learning_rate"]).astype(int)
    return Trace(configuration, {"k": k, **_columns(single, {**values, "loss": loss})})


def _columns(single: Single, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As in a trace's file: theta and loss before the states, and each element of a list by itself."""
    size = elements(single.theta0)
    columns: dict[str, np.ndarray] = {}
    for name in ("t", "u", "theta", "loss", *single.optimizer.states):
        of = values[name]
        columns |= {name: of} if of.ndim == 1 else {p: of[:, i] for i, p in enumerate(parts(name, size))}
    return columns


def compare(discrete: Trace, equation: Trace, substeps: int = 1, save_every: int = 1) -> dict[str, Compared]:
    """The two models at equal steps, by quantity.

    Args:
        discrete: of the algorithm.
        equation: of its equation.
        substeps: of the solve, whose every so many points are steps of the algorithm.
        save_every: of the solve, which kept every so many points.

    Raises:
        ParameterError: the equation starts between two steps, so that there are no equal ones.
    """
    start = equation.place("theta")[0]
    if abs(start - np.rint(start)) > APART:
        raise ParameterError(
            "t_start", float(equation.values["t"][0]), "a whole number of steps where models are compared"
        )
    at_steps = np.arange(len(equation.values["t"])) * save_every % substeps == 0
    whole = Trace(equation.configuration, {name: of[at_steps] for name, of in equation.values.items()})
    return {name: _compared(*discrete.curve(name), *whole.curve(name)) for name in discrete.quantities}


def _compared(k: np.ndarray, values: np.ndarray, other_k: np.ndarray, other: np.ndarray) -> Compared:
    both, here, there = np.intersect1d(k, other_k, assume_unique=True, return_indices=True)
    with np.errstate(over="ignore"):  # of squares of what runs away
        gap = metrics.gap(k, values, other_k, other)
    worst = both[np.argmax(np.abs(values[here] - other[there]))]
    return Compared(int(both[-1]), float(values[here][-1]), float(other[there][-1]), gap.largest, int(worst), gap.rms)

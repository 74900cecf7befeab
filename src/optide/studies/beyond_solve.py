"""Optimizers beyond the paper's problems: both models run and compared, with what that costs."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pyarrow as pa
from jax import Array

from optide.base.arithmetic import in_float64
from optide.ide.solve import solve_ide
from optide.numerics import metrics
from optide.problem import plugins
from optide.problem.discrete import run_discrete
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OPTIMIZERS
from optide.settings.config import Config, steps_of
from optide.studies.beyond import LOOKAHEADS, MODELS, schema
from optide.studies.beyond_problems import Problem, flat, problem, told

BRIEF = 2
"""Steps of a first solve, by which what is compiled is there before anything is timed."""

Counted = tuple[Callable[[Array], Array], list[None]]
Row = dict[str, Any]


@in_float64
def compute(settings: Config) -> tuple[pa.Table, list[Row], list[Row]]:
    """All runs of one optimizer on one problem.

    Args:
        settings: a slice (`optide.settings.config.beyond_slice`).

    Returns:
        The trace, what is known of each of its lanes, and the processor seconds that both models took in each.

    Raises:
        ConfigError: the data of the problem are not there.
        NonFiniteError: a solution left the finite numbers.
    """
    with plugins.blamed():
        found = [*_runs(settings, problem(settings["problem"], settings["settings"]))]
    tables, lanes, seconds = zip(*found, strict=True)
    return pa.concat_tables(tables), [*lanes], [*seconds]


def counted(loss: Callable[[Array], Array]) -> Counted:
    """A loss, and a list that grows by one for each gradient that is computed of it."""
    asked: list[None] = []

    @jax.custom_jvp
    def watched(theta: Array) -> Array:
        return loss(theta)

    @watched.defjvp
    def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        found: tuple[Array, Array] = jax.jvp(loss, primals, tangents)
        jax.debug.callback(lambda: asked.append(None))
        return found

    return watched, asked


def _runs(settings: Config, given: Problem) -> Iterator[tuple[pa.Table, Row, Row]]:
    watched = counted(given.loss)
    rates, columns = settings["learning_rates"], schema(settings)
    for rate in rates:
        optimizer = OPTIMIZERS[settings["optimizer"]](rate, **settings["hyperparameters"])
        steps = steps_of(settings["span"], rate)
        run_discrete(optimizer, given.loss, given.theta0, steps)
        discrete, discrete_seconds = _timed(lambda *run: run_discrete(*run).theta, optimizer, given, steps)
        of_discrete = told(given, discrete)
        for lookahead in LOOKAHEADS:
            lane = len(LOOKAHEADS) * rates.index(rate) + LOOKAHEADS.index(lookahead)
            ways = {"lookahead": lookahead, "order": settings["order"]}
            known, theta, seconds = _solved(settings, given, watched, optimizer, steps, ways)
            if rate == max(rates):
                known["halved"] = _halved(settings, given, optimizer, steps, ways, theta)
            same = {name: settings[name] for name in ("problem", "optimizer")} | settings["hyperparameters"]
            same |= {"learning_rate": rate, "lookahead": lookahead, "steps": steps, "lane": lane}
            of_both = zip(MODELS, (of_discrete, told(given, theta)), strict=True)
            values = {f"{model}_{name}": column for model, of in of_both for name, column in of.items()}
            values |= {"k": np.arange(steps), "t": rate * np.arange(steps), **_apart(discrete, theta)}
            constants = same | {"converged": known["converged"]}
            yield (
                pa.table(
                    [
                        pa.array(values[field.name], field.type)
                        if field.name in values
                        else pa.repeat(pa.scalar(constants.get(field.name), field.type), steps)
                        for field in columns
                    ],
                    schema=columns,
                ),
                {"learning_rate": rate, "parameters": given.theta0.size, "steps": steps, **known},
                same | {"discrete_seconds": discrete_seconds, "equation_seconds": seconds},
            )


def _solved(
    settings: Config, given: Problem, watched: Counted, optimizer: Optimizer, steps: int, ways: dict[str, int]
) -> tuple[Row, np.ndarray, float]:
    """What is known of a solve, its path at the steps, (steps, *S), and its processor seconds, counting included."""
    loss, asked = watched
    substeps = settings["settings"]["substeps"]
    ways = {**ways, "substeps": substeps, "save_every": substeps}

    def solve(optimizer: Optimizer, _: Any, theta0: np.ndarray, steps: int) -> Any:
        solution = solve_ide(optimizer, loss, theta0, steps, **ways, coupling="products")
        jax.effects_barrier()
        return solution

    solve(optimizer, None, given.theta0, BRIEF)
    asked.clear()
    solution, seconds = _timed(solve, optimizer, given, steps)
    known = {name: getattr(solution, name) for name in ("converged", "iterations", "residual")}
    return {"lookahead": ways["lookahead"], **known, "gradients": len(asked), "halved": None}, solution.theta, seconds


def _halved(
    settings: Config, given: Problem, optimizer: Optimizer, steps: int, ways: dict[str, int], theta: np.ndarray
) -> float:
    """How much theta moves at most if the time step is half as long."""
    finer = 2 * settings["settings"]["substeps"]
    solution = solve_ide(
        optimizer, given.loss, given.theta0, steps, **ways, substeps=finer, save_every=finer, coupling="products"
    )
    return float(np.max(np.abs(solution.theta - theta)))


def _apart(discrete: np.ndarray, equation: np.ndarray) -> dict[str, np.ndarray]:
    """How far two paths are apart at each step, (steps,): over all parameters the most, and the root mean square."""
    difference = flat(np.abs(equation - discrete))
    return {
        "gap": np.max(difference, axis=1),
        "gap_rms": metrics.length(difference) / np.sqrt(difference.shape[1]),
    }


def _timed(run: Callable[..., Any], optimizer: Optimizer, given: Problem, steps: int) -> tuple[Any, float]:
    """What a run gives, and the processor seconds it takes."""
    before = time.process_time()
    found = run(optimizer, given.loss, given.theta0, steps)
    return found, time.process_time() - before

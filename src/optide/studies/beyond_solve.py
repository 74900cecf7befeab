"""Optimizers beyond the paper's problems: both models run and compared, with what that costs."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import pyarrow as pa
from jax import Array

from optide.base.arithmetic import in_float64
from optide.data import layout
from optide.ide.solution import Solution
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
"""Steps of a first solve."""

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


def counted(loss: Callable[[Array], Array]) -> tuple[Callable[[Array], Array], list[None]]:
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


class _Case(NamedTuple):
    """An optimizer with its learning rate on a problem, whose loss counts the gradients that `asked` is to know of."""

    given: Problem
    watched: Callable[[Array], Array]
    asked: list[None]
    optimizer: Optimizer
    steps: int
    stepping: Config

    def solution(self, steps: int, lookahead: int, finer: int = 1) -> Solution:
        """The equation solved over so many steps, with more grid points than `stepping` has."""
        substeps = finer * self.stepping["substeps"]
        found = solve_ide(
            self.optimizer,
            self.watched,
            self.given.theta0,
            steps,
            lookahead=lookahead,
            order=self.stepping["order"],
            substeps=substeps,
            save_every=substeps,
            coupling="products",
        )
        jax.effects_barrier()  # type: ignore[no-untyped-call]  # counts come late
        return found


def _runs(settings: Config, given: Problem) -> Iterator[tuple[pa.Table, Row, Row]]:
    watched, asked = counted(given.loss)
    rates, columns, stepping = settings["learning_rates"], schema(settings), settings["settings"]["stepping"]
    same = {name: settings[name] for name in ("problem", "optimizer")} | settings["hyperparameters"]
    for rate in rates:
        optimizer = OPTIMIZERS[settings["optimizer"]](rate, **settings["hyperparameters"])
        steps = steps_of(settings["span"], rate)
        case = _Case(given, watched, asked, optimizer, steps, stepping)
        _discrete(case)
        discrete, discrete_seconds = _timed(_discrete, case)
        of_discrete = told(given, discrete)
        for lookahead in LOOKAHEADS:
            # by a brief one, what is compiled is there before anything is timed
            case.solution(BRIEF, lookahead)
            asked.clear()
            solution, seconds = _timed(case.solution, steps, lookahead)
            run = {"learning_rate": rate, "lookahead": lookahead, "steps": steps, "converged": solution.converged}
            known = run | {"parameters": given.theta0.size, "gradients": len(asked)}
            known |= {name: stepping[name] for name in ("order", "substeps")}
            known |= {name: getattr(solution, name) for name in ("iterations", "residual")}
            halved = None
            if stepping["halved"] and rate == max(rates):
                halved = float(np.max(np.abs(case.solution(steps, lookahead, finer=2).theta - solution.theta)))
            of_both = zip(MODELS, (of_discrete, told(given, solution.theta)), strict=True)
            values = {f"{model}_{name}": column for model, of in of_both for name, column in of.items()}
            values |= {"k": np.arange(steps), "t": rate * np.arange(steps), **_apart(discrete, solution.theta)}
            lane = len(LOOKAHEADS) * rates.index(rate) + LOOKAHEADS.index(lookahead)
            yield (
                layout.rows(columns, values, same | run | {"lane": lane}),
                known | {"halved": halved},
                same | run | {"discrete_seconds": discrete_seconds, "equation_seconds": seconds},
            )


def _discrete(case: _Case) -> np.ndarray:
    """The path of the algorithm, (steps, *S)."""
    return run_discrete(case.optimizer, case.given.loss, case.given.theta0, case.steps).theta


def _apart(discrete: np.ndarray, equation: np.ndarray) -> dict[str, np.ndarray]:
    """How far two paths are apart at each step, (steps,): over all parameters the most, and the root mean square."""
    difference = flat(np.abs(equation - discrete))
    return {
        "gap": np.max(difference, axis=1),
        "gap_rms": metrics.length(difference) / np.sqrt(difference.shape[1]),
    }


def _timed(run: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """What a run gives, and the processor seconds it takes; those of the equation have the counting in them."""
    before = time.process_time()
    found = run(*given)
    return found, time.process_time() - before

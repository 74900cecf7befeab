"""Solve a few configurations, or any number of them, through one compiled program."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jax import Array
from jaxtyping import Int

from optide.base.arithmetic import in_float64, traced
from optide.base.errors import ParameterError, TracedError
from optide.ide import march, methods
from optide.ide.methods import METHODS
from optide.ide.solution import Solution
from optide.ide.solve import (
    Lane,
    Options,
    checked,
    finished,
    in_turn,
    restored,
    run,
    side_by_side,
    where_of,
)
from optide.problem import arguments
from optide.problem.arguments import Start
from optide.problem.lanes import Lanes, at_once, by_threads, lanes, lanes_of_call, processor, threads
from optide.problem.optimizer import Optimizer
from optide.problem.parameters import parameters
from optide.problem.tracing import check_objective, check_optimizer, check_schedule, closed_over


@in_float64
def solve_lanes(
    optimizers: Sequence[Optimizer],
    objective: Callable[[Any], Array],
    theta0s: Sequence[Start] | np.ndarray | Array,
    steps: int | Sequence[int],
    *,
    method: str = methods.DEFAULT,
    t_start: float | str | None = None,
    lookahead: int = 1,
    substeps: int = 1,
    order: int = 1,
    save_every: int = 1,
    coupling: str = "auto",
    observe: Callable[[Any], Any] | None = None,
    schedule: Callable[[Any], Any] | None = None,
) -> list[Solution]:
    """Solve several configurations through one compiled program, one after another; see `solve_ide`.

    No lane changes another.

    Args:
        optimizers: one for each lane, all of one class.
        objective: of all lanes.
        theta0s: one for each lane, all of one shape S.
        steps: of all lanes, or with "march" one number for each.
        t_start: of all lanes: a number must be in the range of each, and "one_step" is one learning rate of each.
        method, lookahead, substeps, order, save_every, coupling, observe, schedule: of all lanes, as in `solve_ide`.

    Returns:
        A solution for each lane, in their order.

    Raises:
        ParameterError: an argument is not what it must be, as where there are more optimizers than theta0.
        TracedError: JAX traces the call: under `jit`, `vmap` and `grad` it is `solve_ide` that works.
        NonFiniteError, ObjectiveError, ConfigError: as in `solve_ide`.
    """
    optimizers, theta0s = arguments.several("optimizers", optimizers), arguments.several("theta0s", theta0s)
    _refuse_traced((optimizers, theta0s))
    if len(theta0s) != len(optimizers):
        raise ParameterError("theta0s", theta0s, f"as many as there are optimizers, {len(optimizers)}")
    numbers = [arguments.one_optimizer(optimizer) for optimizer in optimizers]
    given = [parameters("theta0s", theta0) for theta0 in theta0s]
    starts = [one.theta0 for one in given]
    if len({type(optimizer) for optimizer in optimizers}) > 1:
        raise ParameterError("optimizers", optimizers, "of one class")
    if len({(one.theta0.shape, one.structure) for one in given}) > 1:
        raise ParameterError("theta0s", theta0s, "of one shape")
    together = jax.tree.map(lambda *leaves: np.stack(leaves), *numbers)
    own_steps = isinstance(steps, list | tuple) or np.ndim(steps) > 0
    lengths: list[Any] = arguments.several("steps", steps) if own_steps else [steps]
    chosen = Options(
        given[0].seen_by("objective", objective), 0, methods.named(method), "", lookahead, substeps, order, save_every,
        coupling, given[0].observed_by(observe), check_schedule(schedule),
    )  # fmt: skip
    if own_steps and not (chosen.method.own_steps and len(lengths) == len(optimizers)):
        able = " or ".join(name for name, one in METHODS.items() if one.own_steps)
        raise ParameterError("steps", steps, f"one number for all lanes, or with {able} one for each")
    settled = [checked(together, replace(chosen, steps=length), t_start) for length in lengths]
    settled = settled if own_steps else settled * len(optimizers)
    each_has = [options.steps * options.substeps for options, _ in settled]
    nodes = sum(n for n in each_has if n <= march.LONG)
    names = [
        where_of(optimizer, own[0], theta0) for optimizer, own, theta0 in zip(optimizers, settled, theta0s, strict=True)
    ]
    check_objective(chosen.objective, starts[0], names[0])
    check_optimizer(numbers[0], "velocity", starts[0], names[0])
    _refuse_traced(closed_over(chosen.objective, starts[0]))
    each = zip(numbers, given, settled, names, strict=True)
    return [
        restored(finished(run(Lane(own, one.theta0), first, replace(options, nodes=nodes)), name, options), one)
        for own, one, (options, first), name in each
    ]


@in_float64
def solve_batch(
    optimizers: Optimizer,
    objective: Callable[[Any], Array],
    theta0s: Start,
    steps: int,
    *,
    method: str = methods.DEFAULT,
    t_start: float | str | None = None,
    lookahead: int = 1,
    substeps: int = 1,
    order: int = 1,
    save_every: int = 1,
    coupling: str = "auto",
    observe: Callable[[Any], Any] | None = None,
    schedule: Callable[[Any], Any] | None = None,
    shard: int | None = None,
    beside: bool | None = None,
) -> Solution:
    r"""Solve any number N of configurations; see `solve_ide`.

    Shards of equal size go through one compiled program, in which the lanes of a shard are solved in turn, so that none
    holds up another; or, where that takes no longer than one, side by side, and those of them that are hard in turn, by
    all threads that JAX has on the processor.

    Args:
        optimizers: one whose hyper-parameters are arrays (N,), or numbers for all lanes alike.
        theta0s: of shape (N, \*S), with an axis of lanes before those of S.  For all lanes alike: a number, or
            (1, \*S).  Or a tree of such arrays.
        t_start: as in `solve_lanes`.
        objective, steps, method, lookahead, substeps, order, save_every, coupling, observe, schedule: of all lanes, as
            in `solve_ide`.
        shard: lanes of one call of the program; memory is bounded by it, apart from what is returned.  With a number
            the program is the same however few lanes there are.
        beside: whether lanes are solved side by side; if it is None, on a GPU.

    Returns:
        A solution all of whose arrays have a leading axis N; lanes that failed, or left the finite
        numbers, say so in `converged`.

    Raises:
        ParameterError: an argument is not what it must be, as where arrays are of several lengths.
        TracedError: as in `solve_lanes`.
        ObjectiveError, ConfigError: as in `solve_ide`.
    """
    _refuse_traced((optimizers, theta0s))
    several, shard, beside = lanes(optimizers, theta0s), lanes_of_call(shard), at_once(beside)
    numbers, starts, given = several
    chosen = Options(
        given.seen_by("objective", objective), steps, methods.named(method), "", lookahead, substeps, order, save_every,
        coupling, given.observed_by(observe), check_schedule(schedule), batched=True,
    )  # fmt: skip
    options, t_start = checked(numbers, chosen, t_start)
    one = jax.tree.map(lambda leaf: float(leaf[0]), numbers)
    where = where_of(one, options, starts[0])
    check_objective(options.objective, starts[0], where)
    check_optimizer(one, "velocity", starts[0], where)
    _refuse_traced(closed_over(options.objective, starts[0]))
    joined = _all(several, t_start, replace(options, beside=beside), shard)
    with processor():
        if beside and len(lost := np.flatnonzero(~joined.converged)):
            _put(joined, lost, _all(several.only(lost), t_start, options, None, threads()))
        if options.method.persistent and len(lost := np.flatnonzero(~joined.converged)):
            ones = [Lane(*several.taken(place)) for place in lost]
            alone = by_threads(lambda one: run(one, t_start, options), ones, threads() if beside else 1)
            for place, solution in zip(lost, alone, strict=True):
                _put(joined, place, solution)
    return restored(joined, given)


def _refuse_traced(values: Any) -> None:
    if traced(values) or arguments.tracing():
        raise TracedError("many configurations are solved from known numbers; under jit, vmap and grad use solve_ide")


def _all(several: Lanes, t_start: float | None, options: Options, shard: int | None, threads: int = 1) -> Solution:
    program = (side_by_side if options.beside else in_turn)(t_start, options)
    found: Solution = several.in_shards(
        shard, lambda some, count: program(Lane(*some), np.asarray(count)), beside=options.beside, threads=threads
    )
    return found


def _put(solution: Solution, places: Int[np.ndarray, " n"] | np.integer, other: Solution) -> None:
    """Other solutions in the places of some lanes."""
    for whole, part in zip(jax.tree.leaves(solution), jax.tree.leaves(other), strict=True):
        whole[places] = part

"""Solve an optimizer's integro-differential equation: one configuration, a few, or any number."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optide import arguments
from optide._runtime import arithmetic, in_float64
from optide.errors import ParameterError, TracedError
from optide.finite import check_finite, name_of, real
from optide.ide import march, picard
from optide.ide.problem import ORIGIN, Problem
from optide.objectives import check_objective
from optide.optimizers import Optimizer
from optide.words import outline, shown

Array = jax.Array

METHODS = {"march": march, "picard": picard}
ORDERS = {"march": (1, 2), "picard": (picard.ORDER,)}
STARTS = ("origin", "one_step", "zero")
"""Names of `t_start`: 1e-12, one learning rate, 0."""


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["t", "u", "theta", "state", "converged", "iterations", "residual", "residuals", "ambiguous"],
    meta_fields=["arithmetic"],
)
@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """The solution of the equation on its grid, or on every `save_every`-th point of it.

    Arrays of NumPy; of JAX where a transformation (`jit`, `vmap`, `grad`) traces the solve.

    Attributes:
        t: grid, (n,), in units of time: step k of the discrete algorithm is at k alpha.
        u: (n,) the time up to which the memories run, t + lookahead alpha.
        theta: (n, *S).
        state: memories at u, by name, each (n, *S).
        converged: whether the method reached its tolerance.
        iterations: outer iterations used.
        residual: the last residual, in the norm of the method (see its module).
        residuals: one per outer iteration; where traced, as many as there may be.
        ambiguous: whether the discrete equations are known to have other solutions as well.
        arithmetic: "pinned", or why its last bits need not be those of the workflow (`optide.pin`).
    """

    t: np.ndarray
    u: np.ndarray
    theta: np.ndarray
    state: dict[str, np.ndarray]
    converged: bool
    iterations: int
    residual: float
    residuals: np.ndarray
    ambiguous: bool
    arithmetic: str

    __repr__ = outline

    @property
    def message(self) -> str:
        """What became of the solve, and what to do, in a sentence; of a batch, how many lanes converged."""
        if np.ndim(self.converged):
            return f"{np.count_nonzero(self.converged)} of {len(self.converged)} lanes converged"
        if not self.converged:
            return (
                f"not converged after {self.iterations} iterations, residual {self.residual:.2g}; "
                "a smaller learning rate, more substeps or order=2 make the equations easier"
            )
        others = "; the discrete equations have other solutions, too" if self.ambiguous else ""
        return f"converged in {self.iterations} iterations, residual {self.residual:.2g}{others}"


@dataclass(frozen=True)
class Options:
    """What a compiled program is specialised for: arguments of `solve_ide`, and of `optide.ide.march.solve`.

    `start` is the name of t_start; "between" for a number between the origin and the learning rate.
    """

    objective: Callable[[Array], Array]
    steps: int
    method: str = "march"
    start: str = "origin"
    lookahead: int = 1
    substeps: int = 1
    order: int = 1
    save_every: int = 1
    persistent: bool = True
    window: int = march.WINDOW


class Lane(NamedTuple):
    """A configuration; or several, where every array has a leading axis N.

    Attributes:
        optimizer: with its hyper-parameters.
        theta0: (*S).
        end: index of the last node, where that is not the one of the options.
    """

    optimizer: Optimizer
    theta0: Array
    end: Array | None = None


@in_float64
def solve_ide(
    optimizer: Optimizer,
    objective: Callable[[Array], Array],
    theta0: float | Array,
    steps: int,
    *,
    method: str = "march",
    t_start: float | str | None = None,
    lookahead: int = 1,
    substeps: int = 1,
    order: int = 1,
    save_every: int = 1,
) -> Solution:
    """Solve the equation of `optimizer` on `objective` over [t_start, steps * learning_rate).

    `jax.jit` and `jax.vmap` work over theta0, all hyper-parameters and what the objective closes over, and with
    "march" so do `jax.grad` and the like, by implicit differentiation.  Traced, no number is checked: see `converged`.

    Args:
        optimizer: with its hyper-parameters.
        objective: maps theta to a scalar loss; differentiable by JAX.
        theta0: initial value, of any shape S.
        steps: length of the interval in steps of the discrete algorithm.
        method: "march" (fast), or "picard" (the published scheme).
        t_start: first grid point: "origin" (1e-12, the default), "one_step" (one learning rate), "zero",
            or a number in [0, learning_rate].  0 sets the memories at that point to 0, as the
            published scheme does.
        lookahead: 1 for memories up to t + learning_rate, 0 for memories up to t.  From t = 0 on, where theta may
            start like sqrt(t), the first increment is then the integral of the leading term, and refinements
            (substeps, order 2) divide the first step so that sqrt(t) is resolved.
        substeps: grid points per step; the kernels stay as they are.
        order: 1 for Euler's method, 2 ("march" only) for the trapezoidal rule.
        save_every: keep every so many grid points; "march" needs no memory for the others.

    Raises:
        ParameterError: an argument is not what it must be.
        TracedError: JAX traces the call, without float64.
        NonFiniteError: the solution left the finite numbers; names the configuration and time.
        ObjectiveError: the objective does not return one float64, or JAX cannot trace it.

    >>> import jax
    >>> from optide import Adam, solve_ide
    >>> from optide.objectives import double_well
    >>> solution = solve_ide(Adam(0.1, beta1=0.9, beta2=0.999), double_well, theta0=0.1, steps=100)
    >>> bool(solution.converged), solution.theta.shape, round(float(solution.theta[-1]), 3)
    (True, (100,), 1.0)
    >>> def end(learning_rate):
    ...     return solve_ide(Adam(learning_rate), double_well, 0.1, steps=20).theta[-1]
    >>> with jax.enable_x64(True):
    ...     round(float(jax.grad(end)(0.1)), 2)
    -5.16
    """
    numbers, start = arguments.one_optimizer(optimizer), arguments.start("theta0", theta0)
    chosen = Options(objective, steps, method, "", lookahead, substeps, order, save_every)
    options, t_start = _checked(numbers, chosen, t_start)
    where = _where(optimizer, options, theta0)
    check_objective(objective, start, where)
    given = Lane(numbers, start), t_start
    hoisted, data = jax.closure_convert(objective, start)
    if not arguments.traced((given, data)):
        solution = _solve(*given, replace(options, persistent=False))
        # under `jit` it is traced though nothing it was given is
        if not arguments.traced(solution):
            if not solution.converged and options.method == "march":
                solution = _solve(*given, replace(options, window=march.SHORT_WINDOW))
            return _finished(jax.device_get(solution), where)
    return _solve(*given, replace(options, objective=hoisted if data else objective), tuple(data))


@in_float64
def solve_lanes(
    optimizers: Sequence[Optimizer],
    objective: Callable[[Array], Array],
    theta0s: Sequence[float | Array],
    steps: int | Sequence[int],
    *,
    method: str = "march",
    t_start: float | str | None = None,
    lookahead: int = 1,
    substeps: int = 1,
    order: int = 1,
    save_every: int = 1,
) -> list[Solution]:
    """Solve several configurations through one compiled program, one after another; see `solve_ide`.

    All optimizers are of one class, and all theta0 share their shape.  No lane changes another.  A number for
    `t_start` must be in the range of each lane, and "one_step" is one learning rate of each.  With "march" each lane
    may have a number of steps of its own.

    Raises:
        ParameterError: an argument is not what it must be, as where there are more optimizers than theta0.
        NonFiniteError, ObjectiveError: as in `solve_ide`.
    """
    optimizers, theta0s = arguments.several("optimizers", optimizers), arguments.several("theta0s", theta0s)
    _refuse_traced((optimizers, theta0s))
    if len(theta0s) != len(optimizers):
        raise ParameterError("theta0s", theta0s, f"as many as there are optimizers, {len(optimizers)}")
    numbers = [arguments.one_optimizer(optimizer) for optimizer in optimizers]
    starts = [arguments.start("theta0s", theta0) for theta0 in theta0s]
    if len({type(optimizer) for optimizer in optimizers}) > 1:
        raise ParameterError("optimizers", optimizers, "of one class")
    if len({start.shape for start in starts}) > 1:
        raise ParameterError("theta0s", theta0s, "of one shape")
    lanes = Lane(*jax.tree.map(lambda *leaves: np.stack(leaves), *zip(numbers, starts, strict=True)))
    lengths = [steps] if np.ndim(steps) == 0 else arguments.several("steps", steps)
    if np.ndim(steps) and (method != "march" or len(lengths) != len(optimizers)):
        raise ParameterError("steps", steps, "one number for all lanes, or with march one for each")
    chosen = Options(objective, 0, method, "", lookahead, substeps, order, save_every)
    checked = [_checked(lanes.optimizer, replace(chosen, steps=length), t_start) for length in lengths]
    options, t_start = max(checked, key=lambda one: one[0].steps)
    if np.ndim(steps):
        lanes = lanes._replace(end=np.asarray([_intervals(own) for own, _ in checked], float))
    names = [_where(*lane) for lane in zip(optimizers, [options] * len(starts), theta0s, strict=True)]
    check_objective(objective, starts[0], names[0])
    _refuse_traced(jax.closure_convert(objective, starts[0])[1])
    solved = _persistently(lanes, t_start, options, len(names))
    solutions = [jax.tree.map(lambda leaf, i=i: leaf[i], solved) for i in range(len(names))]
    if lanes.end is not None:
        points = lanes.end.astype(int) // options.save_every + 1
        solutions = [*map(_cut, solutions, points)]
    return [*map(_finished, solutions, names)]


@in_float64
def solve_batch(
    optimizers: Optimizer,
    objective: Callable[[Array], Array],
    theta0s: Array,
    steps: int,
    *,
    method: str = "march",
    t_start: float | str | None = None,
    lookahead: int = 1,
    substeps: int = 1,
    order: int = 1,
    save_every: int = 1,
    shard: int = 256,
) -> Solution:
    """Solve any number N of configurations; see `solve_ide`.

    Shards of equal size go through one compiled program, in which the lanes of a shard are solved in
    turn, so that none holds up another.  The few in which Newton's method gets stuck are solved again.

    Args:
        optimizers: one whose hyper-parameters are arrays (N,), or numbers for all lanes.
        theta0s: (N, *S): its first axis is that of the lanes.  For all lanes alike: a number, or (1, *S).
        t_start: as in `solve_lanes`.
        shard: lanes of one call of the program; memory is bounded by it, apart from what is returned.

    Returns:
        A solution all of whose arrays have a leading axis N; lanes that failed, or left the finite
        numbers, say so in `converged`.

    Raises:
        ParameterError: an argument is not what it must be, as where arrays are of several lengths.
        ObjectiveError: as in `solve_ide`.
    """
    _refuse_traced((optimizers, theta0s))
    numbers, starts = arguments.numbers_of(optimizers), arguments.start("theta0s", theta0s)
    shard = arguments.at_least(1, "shard", shard)
    sizes = {name: np.shape(value) for name, value in numbers.hyperparameters.items()} | {"theta0s": starts.shape[:1]}
    if many := next((name for name, size in sizes.items() if len(size) > 1), None):
        raise ParameterError(many, getattr(optimizers, many), "a number, or an array (N,) with one for each lane")
    try:
        (count,) = np.broadcast_shapes((1,), *sizes.values())
    except ValueError:
        found = {name: size[0] for name, size in sizes.items() if size}
        raise ParameterError("lanes", found, "one number N, or 1, for all that has a leading axis") from None
    starts = np.broadcast_to(starts, (count, *starts.shape[1:]))
    numbers = jax.tree.map(lambda leaf: np.broadcast_to(leaf, count), numbers)
    chosen = Options(objective, steps, method, "", lookahead, substeps, order, save_every)
    options, t_start = _checked(numbers, chosen, t_start)
    first = jax.tree.map(lambda leaf: float(leaf[0]), numbers)
    check_objective(objective, starts[0], _where(first, options, starts[0]))
    _refuse_traced(jax.closure_convert(objective, starts[0])[1])
    return _persistently(Lane(numbers, starts), t_start, options, min(shard, count))


def _cut(solution: Solution, points: int) -> Solution:
    """The first points of a solution."""
    named = {name: getattr(solution, name)[:points] for name in ("t", "u", "theta")}
    return replace(solution, state={name: value[:points] for name, value in solution.state.items()}, **named)


def _persistently(lanes: Lane, start: Array | None, options: Options, shard: int) -> Solution:
    """Solve all lanes, (N, ...), quickly; then again those that have not converged, at any cost, (N, ...)."""

    def solve(places, options):
        parts = []
        for first in range(0, len(places), shard):
            count = min(shard, len(places) - first)
            padded = np.resize(places[first:], shard)
            chosen = jax.tree.map(lambda leaf, places=padded: leaf[places], lanes)
            solved = _solve_in_turn(chosen, start, count, options)
            _refuse_traced(solved)
            # to NumPy at once: taking lanes apart in JAX would compile a program for each slice
            solved = jax.device_get(solved)
            parts.append(jax.tree.map(lambda leaf, count=count: leaf[:count], solved))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    solution = solve(np.arange(len(lanes.theta0)), replace(options, persistent=False))
    failed = np.flatnonzero(~solution.converged)
    if not len(failed) or options.method != "march":
        return solution

    def merge(old, new):
        old[failed] = new
        return old

    return jax.tree.map(merge, solution, solve(failed, replace(options, window=march.SHORT_WINDOW)))


def _refuse_traced(values: Any) -> None:
    if arguments.traced(values):
        raise TracedError("many configurations are solved from known numbers; under jit, vmap and grad use solve_ide")


def _intervals(options: Options) -> int:
    """The number of time steps, which is the index of the last node."""
    return (options.steps - (2 if options.start == "one_step" else 1)) * options.substeps


def _problem(lane: Lane, t_start: Array | None, options: Options, data: tuple[Array, ...]) -> Problem:
    optimizer, theta0, end = lane
    rate = optimizer.learning_rate
    # with neither, it is the published scheme
    refined = options.order > 1 or options.substeps > 1
    stretched = options.lookahead == 0 and options.start in ("origin", "zero") and refined
    start = jnp.asarray(rate if t_start is None else jnp.zeros(()) if stretched else t_start, float)
    return Problem(
        optimizer, options.objective, theta0, start, _intervals(options) + 1,
        options.lookahead, options.substeps, options.order, stretched, data, end,
    )  # fmt: skip


@functools.partial(jax.jit, static_argnames="options")
def _solve(lane: Lane, t_start: Array | None, options: Options, data: tuple[Array, ...] = ()) -> Solution:
    """Solve one lane, without the leading axes of several."""
    problem = _problem(lane, t_start, options, data)
    if options.method == "march":
        result = march.solve(problem, options.save_every, options.persistent, options.window)
    else:
        result = METHODS[options.method].solve(problem)
        thin = slice(None, None, options.save_every)
        result = result._replace(theta=result.theta[thin], state={k: v[thin] for k, v in result.state.items()})
    # not thinned afterwards: of a long run the grid alone would need much memory
    j = options.save_every * jnp.arange(len(result.theta), dtype=float)
    t = problem.t_start + problem.clock(j)
    u = t + problem.lookahead * lane.optimizer.learning_rate
    return Solution(t, u, **result._asdict(), arithmetic=arithmetic())


@functools.partial(jax.jit, static_argnames="options")
def _solve_in_turn(lanes: Lane, t_start: Array | None, count: Array, options: Options) -> Solution:
    """Solve the first `count` of the lanes, (N, ...); the others are zero."""

    def solve(lane):
        return _solve(lane, t_start, options)

    def solve_first(given):
        place, lane = given
        return jax.lax.cond(place < count, solve, functools.partial(march.zeros_of, solve), lane)

    return jax.lax.map(solve_first, (jnp.arange(len(lanes.theta0)), lanes))


def _finished(solution: Solution, where: str) -> Solution:
    """A solution as it is given out: plain numbers, the residuals that there are, all values finite.

    Raises:
        NonFiniteError: they are not.
    """
    check_finite(solution, where)
    iterations = int(solution.iterations)
    return replace(
        solution,
        converged=bool(solution.converged),
        iterations=iterations,
        residual=float(solution.residual),
        residuals=solution.residuals[:iterations],
        ambiguous=bool(solution.ambiguous),
    )


def _where(optimizer: Optimizer, options: Options, theta0: float | Array) -> str:
    return f"{optimizer} on {name_of(options.objective)} from theta0 = {shown(theta0)} by {options.method}"


def _checked(optimizer: Optimizer, given: Options, t_start: Any) -> tuple[Options, float | None]:
    """Check all arguments of a solve that have a range, for one lane or, with hyper-parameters (N,), for all.

    Args:
        given: with the arguments as they are, and without a start.

    Returns:
        What a program depends on, and t_start if it is a number.
    """
    method = given.method
    if not isinstance(method, str) or method not in METHODS:
        raise ParameterError("method", method, " or ".join(METHODS))
    start = _start(optimizer, t_start)
    options = replace(
        given,
        start=start,
        # two grid points
        steps=arguments.at_least(3 if start == "one_step" else 2, "steps", given.steps),
        lookahead=arguments.one_of((0, 1), method, "lookahead", given.lookahead),
        substeps=arguments.at_least(1, "substeps", given.substeps),
        order=arguments.one_of(ORDERS[method], method, "order", given.order),
        save_every=arguments.at_least(1, "save_every", given.save_every),
    )
    numbers = {"origin": ORIGIN, "zero": 0.0, "one_step": None}
    return options, numbers[start] if start in numbers else float(t_start)


def _start(optimizer: Optimizer, t_start: float | str | None) -> str:
    """The name of a start; "between" for a number above the origin and below every learning rate."""
    rates, allowed = optimizer.learning_rate, f"one of {', '.join(STARTS)} or a number in [0, learning_rate]"
    if t_start is None or (isinstance(t_start, str) and t_start in STARTS):
        return t_start or "origin"
    number = real(t_start)
    if number is None or number.ndim or not number >= 0:
        raise ParameterError("t_start", t_start, allowed)
    if number <= ORIGIN:
        return "zero" if number == 0 else "origin"
    if isinstance(rates, jax.core.Tracer):
        raise ParameterError("t_start", t_start, f"one of {', '.join(STARTS)} where the learning rate is traced")
    if number > np.min(rates):
        raise ParameterError("t_start", t_start, f"{allowed} = {np.min(rates)}")
    if np.any(number == rates) and not np.all(number == rates):
        # the grids of the lanes would be of two lengths
        raise ParameterError("t_start", t_start, "below the learning rates of all lanes, or 'one_step'")
    return "one_step" if np.all(number == rates) else "between"

"""Solve an optimizer's integro-differential equation: one configuration, a few, or any number."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.base.arithmetic import arithmetic, in_float64, traced
from optide.base.errors import ParameterError
from optide.base.words import nearest, shown
from optide.ide import methods
from optide.ide.methods import Method
from optide.ide.problem import ORIGIN, Observe, Problem, Result, Schedule, watched
from optide.ide.solution import EASIER, Solution
from optide.ide.trees import zeros_of
from optide.problem import arguments
from optide.problem.arguments import Start
from optide.problem.finite import check_finite, name_of, real
from optide.problem.kernels import Scalar
from optide.problem.optimizer import Optimizer
from optide.problem.parameters import Parameters, parameters
from optide.problem.tracing import PROGRAMS, check_objective, check_optimizer, check_schedule, closed_over

STARTS = ("origin", "one_step", "zero")
"""Names of `t_start`: 1e-12, one learning rate, 0."""


@dataclass(frozen=True)
class Options:
    """What a compiled program is specialised for: arguments of `solve_ide`.

    `start` is the name of t_start; "between" for a number between the origin and the learning rate.  `nodes` are those
    of all runs of a call (`Problem`).
    """

    objective: Callable[..., Array]
    steps: int
    method: Method
    start: str = "origin"
    lookahead: int = 1
    substeps: int = 1
    order: int = 1
    save_every: int = 1
    coupling: str = "auto"
    observe: Observe | None = None
    schedule: Schedule | None = None
    batched: bool = False
    beside: bool = False
    nodes: int = 0


class Lane(NamedTuple):
    """A configuration; or several, where every array has a leading axis N.

    Attributes:
        optimizer: with its hyper-parameters.
        theta0: its start.
    """

    optimizer: Optimizer
    theta0: Float64[Array | np.ndarray, " *S"]


@in_float64
def solve_ide(
    optimizer: Optimizer,
    objective: Callable[[Any], Array],
    theta0: Start,
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
) -> Solution:
    """Solve the equation of `optimizer` on `objective` over [t_start, steps * learning_rate).

    The equations are those of C. Heredia, arXiv:2411.09734; docs/solver.md derives how they are solved.

    `jax.jit` and `jax.vmap` work over theta0, all hyper-parameters and what the objective closes over, and with
    "march" so do `jax.grad` and the like, by implicit differentiation.  Traced, no number is checked: see `converged`.

    Args:
        optimizer: with its hyper-parameters; its learning rate is at least 1e-12, from which on the memories integrate.
        objective: maps theta to a scalar loss; differentiable by JAX.
        theta0: initial value: a number, or an array of any shape S; or a tree of arrays, as JAX knows them
            (dictionaries, lists, tuples, dataclasses), which the objective is given, and theta and each state have
            with an axis of time before those of each leaf.  Lists and tuples of nothing but numbers are one array.
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
        coupling: how "march" solves for the numbers in theta, which the objective couples: with their "matrix", by
            "products" with it alone, whose memory and cost are those of gradients, or "auto": the faster one.
        observe: what is kept of theta, such as a loss, an accuracy or norms: maps theta to a tree of arrays.  Then
            `observed` has it at each time, and theta and the states are those of the last of these times alone.
        schedule: maps the number of a step, t / learning_rate, to what the learning rate of that step is multiplied
            by: theta'(t) is the velocity times it.  The kernels, whose time scale is in learning rates, stay.

    Returns:
        The solution at n times, every `save_every`-th of the grid, which has `substeps` points per step.

    Raises:
        ParameterError: an argument is not what it must be.
        TracedError: JAX traces the call, without float64; or differentiates it, and the method has no derivatives.
        NonFiniteError: the solution left the finite numbers; names the configuration and time.
        ObjectiveError: the objective does not return one float64, or JAX cannot trace it.
        ConfigError: the optimizer's velocity is not like theta, or JAX cannot trace it.

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
    numbers, given = arguments.one_optimizer(optimizer), parameters("theta0", theta0)
    start = given.theta0
    chosen = Options(
        given.seen_by("objective", objective), steps, methods.named(method), "", lookahead, substeps, order, save_every,
        coupling, given.observed_by(observe), check_schedule(schedule),
    )  # fmt: skip
    options, t_start = checked(numbers, chosen, t_start)
    where = where_of(optimizer, options, theta0)
    check_objective(options.objective, start, where)
    check_optimizer(numbers, "velocity", start, where)
    given_by_functions = [closed_over(f, start) for f in (options.objective, options.observe) if f]
    if not traced((numbers, start, given_by_functions)) and not arguments.tracing():
        return restored(finished(run(Lane(numbers, start), t_start, options), where, options), given)
    hoisted, data = jax.closure_convert(options.objective, start)
    options = replace(options, objective=hoisted if data else options.objective)
    solution: Solution = _compiled(Lane(numbers, start), t_start, options, tuple(data))
    return restored(solution, given)


def restored(solution: Solution, given: Parameters) -> Solution:
    """A solution whose theta and states have the structure of the start."""
    return replace(solution, theta=given.restore(solution.theta), state=jax.tree.map(given.restore, solution.state))


def _problem(lane: Lane, t_start: Scalar | None, options: Options, data: tuple[Array, ...] = ()) -> Problem:
    optimizer, theta0 = lane
    # with neither order nor substeps it is the published scheme
    stretched = max(options.order, options.substeps) > 1 > options.lookahead and options.start in ("origin", "zero")
    points = (options.steps - (2 if options.start == "one_step" else 1)) * options.substeps + 1
    numbers = 1 if options.observe else 1 + theta0.size * (1 + len(optimizer.states))
    arguments.check_room(options.steps, points // options.save_every * numbers)
    start = optimizer.learning_rate if t_start is None else 0.0 if stretched else t_start
    return Problem(
        optimizer, options.objective, theta0, start, points,
        options.lookahead, options.substeps, options.order, stretched, options.start != "origin", data,
        products=options.method.by_products(options.coupling, theta0.size), schedule=options.schedule,
        batched=options.batched, beside=options.beside, nodes=options.nodes,
    )  # fmt: skip


def run(lane: Lane, t_start: Scalar | None, options: Options) -> Solution:
    """Solve one lane of known numbers."""
    problem = _problem(lane, t_start, options)
    return _solution(problem, options.method.run(problem, options.save_every, options.observe))


def _solve(lane: Lane, t_start: Scalar | None, options: Options, data: tuple[Array, ...] = ()) -> Solution:
    """Solve one lane, where JAX traces it."""
    if not options.method.differentiable:
        lane, t_start, data = methods.undifferentiated(options.method.name, (lane, t_start, data))
    problem = jax.tree.map(jnp.asarray, _problem(lane, t_start, options, data))
    return _solution(problem, watched(options.method.solve(problem, options.save_every), options.observe))


_compiled = jax.jit(_solve, static_argnames="options")


def _solution(problem: Problem, result: Result) -> Solution:
    u = result.t + problem.lookahead * problem.optimizer.learning_rate
    # of JAX's arrays, here where it traces them
    return Solution(**{**result._asdict(), "u": u}, arithmetic=arithmetic())


@functools.lru_cache(maxsize=PROGRAMS)
def in_turn(t_start: float | None, options: Options) -> Callable[[Lane, Int[Array | np.ndarray, ""]], Solution]:
    """A compiled function that solves the first so many of N lanes, (N, ...); the others are zero."""

    def solve(lane: Lane) -> Solution:
        return _solve(lane, t_start, options)

    def all_of(lanes: Lane, count: Int[Array, ""]) -> Solution:
        def one(given: tuple[Array, Lane]) -> Solution:
            place, lane = given
            solution: Solution = jax.lax.cond(place < count, solve, lambda lane: zeros_of(solve, lane), lane)
            return solution

        solutions: Solution = jax.lax.map(one, (jnp.arange(len(lanes.theta0)), lanes))
        return solutions

    return jax.jit(all_of)


@functools.lru_cache(maxsize=PROGRAMS)
def side_by_side(t_start: float | None, options: Options) -> Callable[[Lane, Int[Array | np.ndarray, ""]], Solution]:
    """The same for all of them at once, for a processor that is as soon ready with many numbers as with one."""
    return jax.jit(lambda lanes, _: jax.vmap(lambda lane: _solve(lane, t_start, options))(lanes))


def finished(solution: Solution, where: str, options: Options) -> Solution:
    """A solution as it is given out: plain numbers, the residuals that there are, all values finite.

    Raises:
        NonFiniteError: they are not.
    """
    check_finite(solution, where, advice=f"no solution was found there; {EASIER}", every=options.save_every)
    iterations = int(solution.iterations)
    return replace(
        solution,
        converged=bool(solution.converged),
        iterations=iterations,
        residual=float(solution.residual),
        residuals=solution.residuals[:iterations],
        ambiguous=bool(solution.ambiguous),
    )


def where_of(optimizer: Optimizer, options: Options, theta0: Start) -> str:
    return f"{optimizer} on {name_of(options.objective)} from theta0 = {shown(theta0)} by {options.method.name}"


def checked(optimizer: Optimizer, given: Options, t_start: Any) -> tuple[Options, float | None]:
    """Check all arguments of a solve that have a range, for one lane or, with hyper-parameters (N,), for all.

    Args:
        given: with the arguments as they are, and without a start.

    Returns:
        What a program depends on, and t_start if it is a number.
    """
    method = given.method
    start = _start(optimizer, t_start)
    options = replace(
        given,
        start=start,
        # two grid points
        steps=arguments.at_least(3 if start == "one_step" else 2, "steps", given.steps),
        lookahead=arguments.one_of((0, 1), method.name, "lookahead", given.lookahead),
        substeps=arguments.at_least(1, "substeps", given.substeps),
        order=arguments.one_of(method.orders, method.name, "order", given.order),
        save_every=arguments.at_least(1, "save_every", given.save_every),
        coupling=arguments.one_name(method.couplings, method.name, "coupling", given.coupling),
    )
    if options.steps * options.substeps > arguments.MOST:
        raise ParameterError(
            "substeps", given.substeps, f"so small that there are at most {arguments.MOST} grid points"
        )
    numbers = {"origin": ORIGIN, "zero": 0.0, "one_step": None}
    return options, numbers[start] if start in numbers else float(t_start)


def _start(optimizer: Optimizer, t_start: Any) -> str:
    """The name of a start; "between" for a number above the origin and below every learning rate."""
    rates, allowed = optimizer.learning_rate, f"one of {', '.join(STARTS)} or a number in [0, learning_rate]"
    if not isinstance(rates, jax.core.Tracer) and np.min(rates) < ORIGIN:
        least = f"at least {ORIGIN}, the time from which the published scheme integrates"
        raise ParameterError("learning_rate", float(np.min(rates)), least)
    if t_start is None or (isinstance(t_start, str) and t_start in STARTS):
        return t_start or "origin"
    number = real(t_start)
    if number is None or number.ndim or not number >= 0:
        raise ParameterError("t_start", t_start, allowed + nearest(t_start, STARTS))
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

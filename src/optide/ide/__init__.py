"""Solve an optimizer's integro-differential equation: one configuration, a few, or any number."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optide.errors import ParameterError
from optide.finite import check_finite, name_of
from optide.ide import march, picard
from optide.ide.problem import ORIGIN, Problem
from optide.objectives import check_objective
from optide.optimizers import Optimizer

Array = jax.Array

METHODS = {"march": march, "picard": picard}
ORDERS = {"march": (1, 2), "picard": (picard.ORDER,)}
STARTS = ("origin", "one_step", "zero")
"""Names of `t_start`: 1e-12, one learning rate, 0."""


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["t", "u", "theta", "state", "converged", "iterations", "residual", "residuals", "ambiguous"],
    meta_fields=[],
)
@dataclass(frozen=True)
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

    @property
    def message(self) -> str:
        """What became of the solve, and what to do, in a sentence."""
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


class Lanes(NamedTuple):
    """Several configurations.

    Attributes:
        optimizers: one, whose hyper-parameters have a leading axis N.
        theta0s: (N, *S).
        ends: (N,) index of the last node of each; None: it is that of the options.
    """

    optimizers: Optimizer
    theta0s: Array
    ends: Array | None = None


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

    `jax.jit` and `jax.vmap` work over theta0 and all hyper-parameters, and with "march" so do
    `jax.grad` and the like, by implicit differentiation.  Traced, nothing is checked: see `converged`.

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
        ParameterError: an argument is outside its range.
        NonFiniteError: the solution left the finite numbers; names the configuration and time.
        ObjectiveError: the objective does not return one float64.

    >>> import jax
    >>> from optide import Adam, solve_ide
    >>> from optide.objectives import double_well
    >>> solution = solve_ide(Adam(0.1, beta1=0.9, beta2=0.999), double_well, theta0=0.1, steps=100)
    >>> bool(solution.converged), solution.theta.shape, round(float(solution.theta[-1]), 3)
    (True, (100,), 1.0)
    >>> def end(learning_rate):
    ...     return solve_ide(Adam(learning_rate), double_well, 0.1, steps=20).theta[-1]
    >>> round(float(jax.grad(end)(0.1)), 2)
    -5.16
    """
    chosen = {"method": method, "lookahead": lookahead, "substeps": substeps, "order": order, "save_every": save_every}
    options, start = _options(optimizer, objective, steps, t_start, chosen)
    theta0 = jnp.asarray(theta0, float)
    check_objective(objective, theta0, where=_where(optimizer, options, theta0))
    given = optimizer, theta0, start
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(given)):
        return _solve(*given, options)
    solution = _solve(*given, replace(options, persistent=False))
    if not solution.converged and options.method == "march":
        solution = _solve(*given, replace(options, window=march.SHORT_WINDOW))
    return _finished(jax.device_get(solution), _where(optimizer, options, theta0))


def solve_lanes(
    optimizers: Sequence[Optimizer],
    objective: Callable[[Array], Array],
    theta0s: Sequence[float | Array],
    steps: int | Sequence[int],
    *,
    t_start: float | str | None = None,
    **options: Any,
) -> list[Solution]:
    """Solve several configurations through one compiled program, one after another; see `solve_ide`.

    All optimizers are of one class, and all theta0 share their shape.  No lane changes another.  With "march" each
    lane may have a number of steps of its own.
    """
    lengths = None if isinstance(steps, int) else [*steps]
    longest = steps if lengths is None else max(lengths)
    for length in lengths or ():
        _options(optimizers[0], objective, length, t_start, options)
    chosen, start = _options(optimizers[0], objective, longest, t_start, options)
    if lengths and chosen.method != "march":
        raise ParameterError("steps", lengths, f"one number for all lanes by {chosen.method}")
    names = [_where(optimizer, chosen, theta0) for optimizer, theta0 in zip(optimizers, theta0s, strict=True)]
    for theta0, name in zip(theta0s, names, strict=True):
        check_objective(objective, theta0, name)
    stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf, float) for leaf in leaves]), *optimizers)
    theta0s = np.stack([np.asarray(theta0, float) for theta0 in theta0s])
    ends = None if lengths is None else np.asarray([_intervals(length, chosen) for length in lengths], float)
    solved = _persistently(Lanes(stacked, theta0s, ends), start, chosen, len(names))
    lanes = [jax.tree.map(lambda leaf, i=i: leaf[i], solved) for i in range(len(names))]
    if ends is not None:
        lanes = [_cut(lane, int(end) // chosen.save_every + 1) for lane, end in zip(lanes, ends, strict=True)]
    return [_finished(lane, name) for lane, name in zip(lanes, names, strict=True)]


def solve_batch(
    optimizers: Optimizer,
    objective: Callable[[Array], Array],
    theta0s: Array,
    steps: int,
    *,
    t_start: float | str | None = None,
    shard: int = 256,
    **options: Any,
) -> Solution:
    """Solve any number of configurations; see `solve_ide`.

    Shards of equal size go through one compiled program, in which the lanes of a shard are solved in
    turn, so that none holds up another.  The few in which Newton's method gets stuck are solved again.

    Args:
        optimizers: one whose hyper-parameters are arrays (N,), or numbers for all lanes.
        theta0s: (N, *S), or one theta0 for all lanes.
        shard: lanes of one call of the program; memory is bounded by it, apart from what is returned.

    Returns:
        A solution all of whose arrays have a leading axis N; lanes that failed, or left the finite
        numbers, say so in `converged`.
    """
    chosen, start = _options(jax.tree.map(lambda x: np.ravel(x)[0], optimizers), objective, steps, t_start, options)
    lanes = max(np.ndim(leaf) and len(leaf) for leaf in jax.tree.leaves(optimizers)) or len(theta0s)
    theta0s = np.asarray(theta0s, float)
    theta0s = np.broadcast_to(theta0s, (lanes, *theta0s.shape[1:]))
    optimizers = jax.tree.map(lambda leaf: np.broadcast_to(np.asarray(leaf, float), lanes), optimizers)
    check_objective(objective, theta0s[0], _where(optimizers, chosen, theta0s[0]))
    return _persistently(Lanes(optimizers, theta0s), start, chosen, min(shard, lanes))


def _cut(solution: Solution, points: int) -> Solution:
    """The first points of a solution."""
    named = {name: getattr(solution, name)[:points] for name in ("t", "u", "theta")}
    return replace(solution, state={name: value[:points] for name, value in solution.state.items()}, **named)


def _persistently(lanes: Lanes, start: Array | None, options: Options, shard: int) -> Solution:
    """Solve all lanes, (N, ...), quickly; then again those that have not converged, at any cost, (N, ...)."""

    def solve(places, options):
        parts = []
        for first in range(0, len(places), shard):
            count = min(shard, len(places) - first)
            padded = np.resize(places[first:], shard)
            chosen = jax.tree.map(lambda leaf, places=padded: leaf[places], lanes)
            # to NumPy at once: taking lanes apart in JAX would compile a program for each slice
            solved = jax.device_get(_solve_in_turn(chosen, start, count, options))
            parts.append(jax.tree.map(lambda leaf, count=count: leaf[:count], solved))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    solution = solve(np.arange(len(lanes.theta0s)), replace(options, persistent=False))
    failed = np.flatnonzero(~solution.converged)
    if not len(failed) or options.method != "march":
        return solution

    def merge(old, new):
        old[failed] = new
        return old

    return jax.tree.map(merge, solution, solve(failed, replace(options, window=march.SHORT_WINDOW)))


def _intervals(steps: int, options: Options) -> int:
    """The number of time steps, which is the index of the last node."""
    return (steps - (2 if options.start == "one_step" else 1)) * options.substeps


def _problem(
    optimizer: Optimizer, theta0: Array, t_start: Array | None, options: Options, end: Array | None
) -> Problem:
    rate = optimizer.learning_rate
    # with neither, it is the published scheme
    refined = options.order > 1 or options.substeps > 1
    stretched = options.lookahead == 0 and options.start in ("origin", "zero") and refined
    start = jnp.asarray(rate if t_start is None else jnp.zeros(()) if stretched else t_start, float)
    return Problem(
        optimizer, options.objective, theta0, start, _intervals(options.steps, options) + 1,
        options.lookahead, options.substeps, options.order, stretched, end,
    )  # fmt: skip


@functools.partial(jax.jit, static_argnames="options")
def _solve(
    optimizer: Optimizer, theta0: Array, t_start: Array | None, options: Options, end: Array | None = None
) -> Solution:
    problem = _problem(optimizer, theta0, t_start, options, end)
    if options.method == "march":
        result = march.solve(problem, options.save_every, options.persistent, options.window)
    else:
        result = METHODS[options.method].solve(problem)
        thin = slice(None, None, options.save_every)
        result = result._replace(theta=result.theta[thin], state={k: v[thin] for k, v in result.state.items()})
    # not thinned afterwards: of a long run the grid alone would need much memory
    j = options.save_every * jnp.arange(len(result.theta), dtype=float)
    t = problem.t_start + problem.clock(j)
    return Solution(t, t + problem.lookahead * optimizer.learning_rate, **result._asdict())


@functools.partial(jax.jit, static_argnames="options")
def _solve_in_turn(lanes: Lanes, t_start: Array | None, count: Array, options: Options) -> Solution:
    """Solve the first `count` of the lanes, (N, ...); the others are zero."""

    def solve(lane):
        return _solve(lane.optimizers, lane.theta0s, t_start, options, lane.ends)

    def solve_first(given):
        place, lane = given
        return jax.lax.cond(place < count, solve, functools.partial(march.zeros_of, solve), lane)

    return jax.lax.map(solve_first, (jnp.arange(len(lanes.theta0s)), lanes))


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
    return f"{optimizer} on {name_of(options.objective)} from theta0 = {theta0} by {options.method}"


def _options(
    optimizer: Optimizer, objective: Callable, steps: int, t_start: float | str | None, given: dict[str, Any]
) -> tuple[Options, float | None]:
    """Check all arguments of a solve that have a range; what a program depends on, and t_start if a number."""
    options = Options(objective, steps, start=_start(optimizer, t_start), **given)
    if options.method not in METHODS:
        raise ParameterError("method", options.method, " or ".join(METHODS))
    for name, allowed in (("lookahead", (0, 1)), ("order", ORDERS[options.method])):
        if getattr(options, name) not in allowed:
            raise ParameterError(name, getattr(options, name), f"{' or '.join(map(str, allowed))} by {options.method}")
    # two grid points
    for name, least in (("substeps", 1), ("save_every", 1), ("steps", 3 if options.start == "one_step" else 2)):
        value = getattr(options, name)
        if not (isinstance(value, int) and value >= least):
            raise ParameterError(name, value, f"an integer >= {least}")
    named = {"origin": ORIGIN, "zero": 0.0, "one_step": None}
    return options, named.get(options.start, t_start)


def _start(optimizer: Optimizer, t_start: float | str | None) -> str:
    if t_start is None or t_start in STARTS:
        return t_start or "origin"
    allowed = f"one of {', '.join(STARTS)} or a number in [0, learning_rate]"
    if isinstance(t_start, str | jax.core.Tracer) or not np.all(np.asarray(t_start) >= 0):
        raise ParameterError("t_start", t_start, allowed)
    if isinstance(optimizer.learning_rate, jax.core.Tracer) and t_start > ORIGIN:
        raise ParameterError("t_start", t_start, f"one of {', '.join(STARTS)} where the learning rate is traced")
    if t_start <= ORIGIN:
        return "zero" if t_start == 0 else "origin"
    rate = float(optimizer.learning_rate)
    if t_start > rate:
        raise ParameterError("t_start", t_start, f"{allowed} = {rate}")
    return "one_step" if t_start == rate else "between"

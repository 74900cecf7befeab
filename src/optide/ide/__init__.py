"""Solve an optimizer's integro-differential equation."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from optide.errors import ParameterError
from optide.finite import check_finite, name_of
from optide.ide import march, picard
from optide.ide.problem import ORIGIN, Problem, Result
from optide.objectives import check_objective
from optide.optimizers import Optimizer

Array = jax.Array

METHODS = {"march": march, "picard": picard}


@dataclass(frozen=True)
class Solution:
    """The solution of the equation on its grid, in NumPy arrays.

    Attributes:
        t: grid, (n,), in units of time: step k of the discrete algorithm is at k alpha.
        u: (n,) the time up to which the memories run, t + lookahead alpha.
        theta: (n, *S).
        state: memories at u, by name, each (n, *S).
        converged: whether the method reached its tolerance.
        iterations: outer iterations used.
        residual: the last residual, in the norm of the method (see its module).
        residuals: one per outer iteration.
    """

    t: np.ndarray
    u: np.ndarray
    theta: np.ndarray
    state: dict[str, np.ndarray]
    converged: bool
    iterations: int
    residual: float
    residuals: np.ndarray


def solve_ide(
    optimizer: Optimizer,
    objective: Callable[[Array], Array],
    theta0: float | Array,
    steps: int,
    *,
    method: str = "march",
    t_start: float | None = None,
    lookahead: int = 1,
    substeps: int = 1,
) -> Solution:
    """Solve the equation of `optimizer` on `objective` over [t_start, steps * learning_rate).

    Args:
        optimizer: with its hyper-parameters.
        objective: maps theta to a scalar loss; differentiable by JAX.
        theta0: initial value, of any shape S.
        steps: length of the interval in steps of the discrete algorithm.
        method: "march" (fast) or "picard" (the published scheme).
        t_start: first grid point in [0, learning_rate]; default 1e-12.  0 sets the memories at
            that point to 0, as the published scheme does.
        lookahead: 1 for memories up to t + learning_rate, 0 for memories up to t.
        substeps: grid points per step; the kernels stay as they are.

    Raises:
        ParameterError: an argument is outside its range.
        NonFiniteError: the solution left the finite numbers; names the configuration and time.
        ObjectiveError: the objective does not return one float64.

    >>> from optide import Adam, solve_ide
    >>> from optide.objectives import double_well
    >>> solution = solve_ide(Adam(0.1, beta1=0.9, beta2=0.999), double_well, theta0=0.1, steps=100)
    >>> bool(solution.converged), solution.theta.shape, round(float(solution.theta[-1]), 3)
    (True, (100,), 1.0)
    """
    return solve_lanes(
        [optimizer], objective, [theta0], steps,
        method=method, t_start=t_start, lookahead=lookahead, substeps=substeps,
    )[0]  # fmt: skip


def solve_lanes(
    optimizers: Sequence[Optimizer],
    objective: Callable[[Array], Array],
    theta0s: Sequence[float | Array],
    steps: int,
    *,
    method: str = "march",
    t_start: float | None = None,
    lookahead: int = 1,
    substeps: int = 1,
) -> list[Solution]:
    """Solve several configurations through one compiled program; see `solve_ide`.

    All optimizers are of one class and share their learning rate; all theta0 share their shape.
    Each lane iterates on its own: a slow one changes nothing for the others.
    """
    t_start = ORIGIN if t_start is None else float(t_start)
    options = _Options(objective, method, lookahead, substeps)
    _check(optimizers[0], steps, t_start, options)
    for optimizer, start in zip(optimizers, theta0s, strict=True):
        check_objective(objective, start, _where(optimizer, options, start))
    intervals = steps - 1 if t_start < optimizers[0].learning_rate else steps - 2
    points = intervals * substeps + 1
    stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf, float) for leaf in leaves]), *optimizers)
    theta0 = np.stack([np.asarray(theta0, float) for theta0 in theta0s])
    # to NumPy at once: taking lanes apart in JAX would compile a program for each slice
    solved = jax.device_get(_solve(stacked, theta0, t_start, options, points))
    lanes = [jax.tree.map(lambda leaf, i=i: leaf[i], solved) for i in range(len(theta0s))]
    solutions = [_solution(*lane) for lane in lanes]
    for optimizer, start, solution in zip(optimizers, theta0s, solutions, strict=True):
        check_finite(solution, _where(optimizer, options, start))
    return solutions


@dataclass(frozen=True)
class _Options:
    """What a compiled program is specialised for."""

    objective: Callable[[Array], Array]
    method: str
    lookahead: int
    substeps: int


@functools.partial(jax.jit, static_argnames=("options", "points"))
def _solve(optimizers, theta0s, t_start, options, points):
    def lane(arguments):
        optimizer, theta0 = arguments
        problem = Problem(optimizer, options.objective, theta0, t_start, points, options.lookahead, options.substeps)
        return problem.t, problem.u, METHODS[options.method].solve(problem)

    return jax.lax.map(lane, (optimizers, theta0s))


def _solution(t: np.ndarray, u: np.ndarray, result: Result) -> Solution:
    iterations = int(result.iterations)
    return Solution(
        t,
        u,
        result.theta,
        result.state,
        converged=bool(result.converged),
        iterations=iterations,
        residual=float(result.residual),
        residuals=result.residuals[:iterations],
    )


def _where(optimizer: Optimizer, options: _Options, theta0: float | Array) -> str:
    return f"{optimizer} on {name_of(options.objective)} from theta0 = {theta0} by {options.method}"


def _check(optimizer: Optimizer, steps: int, t_start: float, options: _Options) -> None:
    rate = float(optimizer.learning_rate)
    if options.method not in METHODS:
        raise ParameterError("method", options.method, " or ".join(METHODS))
    if options.lookahead not in (0, 1):
        raise ParameterError("lookahead", options.lookahead, "0 or 1")
    if not (isinstance(options.substeps, int) and options.substeps >= 1):
        raise ParameterError("substeps", options.substeps, "an integer >= 1")
    if not 0 <= t_start <= rate:
        raise ParameterError("t_start", t_start, f"in [0, learning_rate = {rate}]")
    least = 2 if t_start < rate else 3  # two grid points
    if not (isinstance(steps, int) and steps >= least):
        raise ParameterError("steps", steps, f"an integer >= {least}")
    if options.lookahead == 0 and t_start <= ORIGIN and not np.isfinite(optimizer.initial_velocity(jnp.ones(()))):
        raise ParameterError(
            "t_start", t_start, f"> {ORIGIN} with lookahead 0: there the velocity of {optimizer.name} is infinite"
        )

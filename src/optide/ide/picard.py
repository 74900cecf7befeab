r"""The published scheme: a relaxed fixed-point iteration over the whole interval.

Each sweep interpolates the previous iterate, computes every memory integral over [1e-12, u] with
one Gauss-Legendre rule of order 1000, and takes explicit Euler steps of length alpha.  Source:
C. Heredia, arXiv:2411.09734, and the author's public notebooks, whose run log the tests reproduce.

The grid is uniform, so the cell of a quadrature node is known by arithmetic: no search.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.interpolation import cells, evaluate
from optide.ide.problem import ORIGIN, PROGRAMS, Problem, Result, apart
from optide.ide.quadrature import gauss_legendre
from optide.problem.optimizer import States

ORDER = 1
"""Order of the time stepping in h."""

QUADRATURE_ORDER = 1000
TOLERANCE = 1e-4
MAX_ITERATIONS = 3000
RELAXATION = np.linspace(0.5, 0.9999, 1000)


class Turn(NamedTuple):
    """Where the iteration is.

    Attributes:
        iterations: that are done.
        level: the place in `RELAXATION`.
        current: the last iterate.
        swept: the sweep along it.
        error: the distance of the two.
        residuals: the errors so far.
    """

    iterations: Int[Array, ""]
    level: Int[Array, ""]
    current: Float64[Array, " n *S"]
    swept: Float64[Array, " n *S"]
    error: Float64[Array, ""]
    residuals: Float64[Array, " i"]


def solve(problem: Problem, save_every: int = 1) -> Result:
    """Iterate theta <- sweep(s theta + (1-s) sweep(theta)), s growing whenever the error grew.

    Keeps every `save_every`-th point of the grid.
    """
    schedule = jnp.asarray(RELAXATION)

    def going_on(now: Turn) -> Array:
        return (now.error > TOLERANCE) & (now.iterations < MAX_ITERATIONS)

    def relax(now: Turn) -> Turn:
        iterations, level, current, swept, error, residuals = now
        s = schedule[level]
        current = s * current + (1 - s) * swept
        swept = sweep(problem, current)
        new_error = jnp.linalg.norm((current - swept).ravel())
        level = jnp.where(new_error > error, jnp.minimum(level + 1, len(RELAXATION) - 1), level)
        residuals = residuals.at[iterations].set(new_error)
        return Turn(iterations + 1, level, current, swept, new_error, residuals)

    current = jnp.broadcast_to(problem.theta0, (problem.points, *problem.theta0.shape))
    swept = sweep(problem, current)
    error = jnp.linalg.norm((current - swept).ravel())
    residuals = jnp.zeros(MAX_ITERATIONS)
    start = Turn(jnp.zeros((), int), jnp.zeros((), int), current, swept, error, residuals)
    iterations, _, _, theta, error, residuals = jax.lax.while_loop(going_on, relax, start)
    # after the last, the last
    residuals = jnp.where(jnp.arange(MAX_ITERATIONS) < iterations, residuals, error)
    ambiguous = jnp.zeros((), bool)  # not known
    saved = {name: value[::save_every] for name, value in memories(problem, theta).items()}
    return Result(
        problem.t[::save_every], theta[::save_every], saved, error <= TOLERANCE, iterations, error, residuals, ambiguous
    )


def run(problem: Problem, save_every: int = 1) -> Result:
    """Solve a problem of known numbers."""
    found: Result = jax.device_get(program(problem.objective, save_every)(replace(problem, objective=apart)))
    return found


@functools.lru_cache(maxsize=PROGRAMS)
def program(objective: Callable[..., Array], save_every: int) -> Callable[[Problem], Result]:
    """`solve`, compiled for an objective."""
    return jax.jit(lambda problem: solve(replace(problem, objective=objective), save_every))


def sweep(problem: Problem, theta: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """One Euler sweep whose right-hand side is taken along a given iterate theta."""
    state = memories(problem, theta)
    speed = problem.speed(jnp.arange(problem.points, dtype=float), theta, problem.gradient(theta), state)
    steps = jnp.concatenate([problem.theta0[None], problem.h * speed[:-1]])
    return jnp.cumsum(steps, axis=0)


def memories(problem: Problem, theta: Float64[Array, " n *S"]) -> dict[str, Float64[Array, " n *S"]]:
    """Every memory integral at every u, by the order-1000 rule."""
    x, w = (jnp.asarray(a) for a in gauss_legendre(QUADRATURE_ORDER))
    kernels = problem.optimizer.memories()
    pieces = jnp.stack(cells(theta, problem.substeps), axis=1)
    weights = w.reshape(-1, *(1,) * problem.theta0.ndim)

    def at(u: Array) -> States:
        length = u - ORIGIN
        place = problem.node(ORIGIN + length * x - problem.t_start) + problem.substeps
        cell = jnp.clip(place.astype(int), 0, pieces.shape[0] - 1)
        local = (place - cell.astype(float)).reshape(weights.shape)
        piece = pieces.at[cell].get(mode="promise_in_bounds")
        g = problem.gradient(evaluate(tuple(piece[:, p] for p in range(4)), local))
        age = (length * (1 - x)).reshape(weights.shape)
        return {
            name: length * kernel.weight * jnp.sum(weights * jnp.exp(-kernel.rate * age) * g**kernel.power, axis=0)
            for name, kernel in kernels.items()
        }

    found: States = jax.lax.map(at, problem.u)
    return found

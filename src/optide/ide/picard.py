r"""The published scheme: a relaxed fixed-point iteration over the whole interval.

Each sweep interpolates the previous iterate, computes every memory integral over [1e-12, u] with
one Gauss-Legendre rule of order 1000, and takes explicit Euler steps of length alpha.  Source:
C. Heredia, arXiv:2411.09734, and the author's public notebooks, whose run log the tests reproduce.

The grid is uniform, so the cell of a quadrature node is known by arithmetic: no search.  Cells and kernels are those of
every sweep, and of a run that is not too long they are computed once.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float64, Int

from optide.ide.interpolation import cells, evaluate
from optide.ide.problem import ORIGIN, Observe, Problem, Result, Schedule, apart, watched
from optide.ide.quadrature import gauss_legendre
from optide.problem.kernels import Memory
from optide.problem.optimizer import States
from optide.problem.tracing import PROGRAMS

ORDER = 1
"""Order of the time stepping in h."""

QUADRATURE_ORDER = 1000
TOLERANCE = 1e-4
MAX_ITERATIONS = 3000
RELAXATION = np.linspace(0.5, 0.9999, 1000)
KEPT = 2**22
"""Quadrature nodes, of all u, up to which their cells and kernels are kept from sweep to sweep.

Each takes 12 bytes and 8 for each memory that fades, 117 MB in all for Adam.  Measured for Adam, on one core: computed
anew a node costs 16 ns, of which the two exponentials are 12, kept 4, and 5 where they don't fit the cache.
"""


class Turn(NamedTuple):
    """Where the iteration is.

    Attributes:
        iterations: that are done; -1 before the sweep along the start.
        level: the place in `RELAXATION`.
        current: the last iterate.
        swept: the sweep along it.
        error: the distance of the two.
        residuals: the errors so far, from the start's on.
        state: the memories along the last iterate or, in the end, along the solution.
        ended: whether they are.
    """

    iterations: Int[Array, ""]
    level: Int[Array, ""]
    current: Float64[Array, " n *S"]
    swept: Float64[Array, " n *S"]
    error: Float64[Array, ""]
    residuals: Float64[Array, " i"]
    state: States
    ended: Bool[Array, ""]


class Nodes(NamedTuple):
    """The quadrature nodes for one u, or for all: what does not depend on theta.

    Attributes:
        cell: of the interpolant, in which a node lies.
        local: where in it, in cells from its left end.
        weights: of the memories that fade, by name: the rule's, times the kernel at the node over that at u.
    """

    cell: Int[Array, " *n q"]
    local: Float64[Array, " *n q"]
    weights: dict[str, Float64[Array, " *n q"]]


def solve(problem: Problem, save_every: int = 1) -> Result:
    """Iterate theta <- sweep(s theta + (1-s) sweep(theta)), s growing whenever the error grew.

    Keeps every `save_every`-th point of the grid.
    """
    schedule = jnp.asarray(RELAXATION)
    known = jax.lax.map(lambda u: nodes(problem, u), problem.u) if problem.points * QUADRATURE_ORDER <= KEPT else None

    def turn(now: Turn) -> Turn:
        """One sweep, which is all that is compiled: the first along the start, the last along the solution."""
        further = (now.error > TOLERANCE) & (now.iterations < MAX_ITERATIONS)
        s = jnp.where(further, jnp.where(now.iterations < 0, 1.0, schedule[now.level]), 0.0)
        current = s * now.current + (1 - s) * now.swept
        state = memories(problem, current, known)
        swept = sweep(problem, current, state)
        error = jnp.linalg.norm((current - swept).ravel())
        level = jnp.where(error > now.error, jnp.minimum(now.level + 1, len(RELAXATION) - 1), now.level)
        residuals = now.residuals.at[now.iterations + 1].set(error)
        new = Turn(now.iterations + 1, level, current, swept, error, residuals, state, ~further)
        kept: Turn = jax.tree.map(functools.partial(jnp.where, further), new, now)
        return kept._replace(state=state, ended=~further)

    theta = jnp.broadcast_to(problem.theta0, (problem.points, *problem.theta0.shape))
    state = {name: jnp.zeros_like(theta) for name in problem.optimizer.memories()}
    start = Turn(
        jnp.array(-1),
        jnp.array(0),
        theta,
        theta,
        jnp.array(jnp.inf),
        jnp.zeros(MAX_ITERATIONS + 1),
        state,
        jnp.array(False),
    )
    end = jax.lax.while_loop(lambda now: ~now.ended, turn, start)
    # after the last, the last
    residuals = jnp.where(jnp.arange(MAX_ITERATIONS) < end.iterations, end.residuals[1:], end.error)
    ambiguous = jnp.zeros((), bool)  # not known
    saved = {name: value[::save_every] for name, value in end.state.items()}
    return Result(
        problem.t[::save_every],
        end.swept[::save_every],
        saved,
        end.error <= TOLERANCE,
        end.iterations,
        end.error,
        residuals,
        ambiguous,
    )


def run(problem: Problem, save_every: int = 1, observe: Observe | None = None) -> Result:
    """Solve a problem of known numbers."""
    served = replace(problem, objective=apart, schedule=None)
    solved = program(problem.objective, problem.schedule, save_every)(served)
    found: Result = jax.device_get(watched(solved, observe))
    return found


@functools.lru_cache(maxsize=PROGRAMS)
def program(objective: Callable[..., Array], schedule: Schedule | None, save_every: int) -> Callable[[Problem], Result]:
    """`solve`, compiled for an objective."""
    return jax.jit(lambda problem: solve(replace(problem, objective=objective, schedule=schedule), save_every))


def sweep(problem: Problem, theta: Float64[Array, " n *S"], state: States | None = None) -> Float64[Array, " n *S"]:
    """One Euler sweep whose right-hand side is taken along a given iterate theta.

    Args:
        problem: to be solved.
        theta: the iterate.
        state: the memories along it, where they are known.
    """
    state = memories(problem, theta) if state is None else state
    speed = problem.speed(jnp.arange(problem.points, dtype=float), theta, problem.gradient(theta), state)
    steps = jnp.concatenate([problem.theta0[None], problem.h * speed[:-1]])
    return jnp.cumsum(steps, axis=0)


def memories(
    problem: Problem, theta: Float64[Array, " n *S"], known: Nodes | None = None
) -> dict[str, Float64[Array, " n *S"]]:
    """Every memory integral at every u, by the order-1000 rule.

    Args:
        problem: to be solved.
        theta: the iterate.
        known: the nodes for all u, where they have been computed.
    """
    _, w = gauss_legendre(QUADRATURE_ORDER)
    pieces = jnp.stack(cells(theta, problem.substeps), axis=1)
    wide = (-1, *(1,) * problem.theta0.ndim)

    def at(given: tuple[Array, Nodes | None]) -> States:
        u, found = given
        cell, local, weights = nodes(problem, u) if found is None else found
        piece = pieces.at[cell].get(mode="promise_in_bounds")
        g = problem.gradient(evaluate(tuple(piece[:, p] for p in range(4)), local.reshape(wide)))
        return {
            name: (u - ORIGIN)
            * kernel.weight
            * jnp.sum(weights.get(name, jnp.asarray(w)).reshape(wide) * g**kernel.power, axis=0)
            for name, kernel in problem.optimizer.memories().items()
        }

    states: States = jax.lax.map(at, (problem.u, known))
    return states


def nodes(problem: Problem, u: Float64[Array, ""]) -> Nodes:
    """The quadrature nodes for one u."""
    x, w = (jnp.asarray(a) for a in gauss_legendre(QUADRATURE_ORDER))
    length = u - ORIGIN
    place = problem.node(ORIGIN + length * x - problem.t_start) + problem.substeps
    # as many as `cells` has
    cell = jnp.clip(place.astype(int), 0, problem.points + 2 * problem.substeps - 2)
    age = length * (1 - x)
    weights = {
        name: w * jnp.exp(-kernel.rate * age)
        for name, kernel in problem.optimizer.memories().items()
        if not _constant(kernel)
    }
    return Nodes(cell.astype("int32"), place - cell.astype(float), weights)


def _constant(kernel: Memory) -> bool:
    """Whether a kernel is known not to fade, so that its exponential is 1."""
    return isinstance(kernel.rate, float) and kernel.rate == 0

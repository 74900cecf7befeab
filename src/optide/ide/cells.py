"""Integrals over the cells of the grid, with their derivatives; and what is remembered before the first.

The objective is called once, with all points of all cells and all nodes: gradients and their derivatives
(`optide.ide.problem.Problem.curvature`) are all that is asked of it.
"""

from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.interpolation import CATMULL_ROM, evaluate, pad, polynomial
from optide.ide.problem import ORIGIN, Problem
from optide.ide.quadrature import gauss_legendre
from optide.ide.window import Layout, Window, over, straight_on

QUADRATURE_ORDER = 6
"""Points of the Gauss-Legendre rule on one cell."""

ONWARDS = np.asarray([[-1.0, 4.0, -3.0, 1.0], [0.0, 0.0, 1.0, 0.0], [-1.0, 3.0, -3.0, 2.0], [-5.0, 16.0, -18.0, 8.0]])
"""The corners of the cell after one, made of its own four, in which its cubic goes on."""


def basis() -> Float64[np.ndarray, " 4 Q"]:
    """What each of the four corners of a cell counts at each point of the rule."""
    x, _ = gauss_legendre(QUADRATURE_ORDER)
    return np.stack([sum(row[m] * x**p for p, row in enumerate(CATMULL_ROM)) for m in range(4)])


class Rule(NamedTuple):
    """The quadrature of some cells, for a memory; of one where all are alike.

    Attributes:
        weight: of the points.
        decay: over a cell.
    """

    weight: Float64[Array, " Q c"]
    decay: Float64[Array, " c"]


def rules(problem: Problem, s: Float64[Array | np.ndarray, ""], count: int) -> list[Rule]:
    """The quadrature of so many cells from node s on, for each memory."""
    x, w = gauss_legendre(QUADRATURE_ORDER)
    # alike in all cells, but where the clock is stretched
    begin = s + jnp.arange(count, dtype=float) if problem.stretched else jnp.zeros(1)
    passed = begin[None] + np.append(x, 0.0)[:, None]
    ages, pace = problem.clock(begin + 1)[None] - problem.clock(passed), problem.pace(passed[:-1])
    found = []
    for kernel in problem.optimizer.memories().values():
        fading = jnp.exp(-kernel.rate * ages)
        weight = jnp.asarray(w[:, None] * problem.h) * (kernel.weight * pace * fading[:-1])
        found.append(Rule(weight, fading[-1]))
    return found


Memories = TypeVar("Memories", Array, dict[str, Array])
"""Of one time or, with a leading axis, of some: an array with an axis for them all, or one of each."""


def after(V: Memories, decay: Memories, add: Memories) -> Memories:
    """The memories at the end of a cell, from those at its start and the integrals over it."""
    found: Memories = jax.tree.map(lambda V, decay, add: over(decay, V.ndim) * V + add, V, decay, add)
    return found


def remembered(resting: Memories, decay: Memories, add: Memories) -> Memories:
    """The memories at node s and at the ends of all cells after it."""

    def further(V: Memories, cell: tuple[Memories, Memories]) -> tuple[Memories, Memories]:
        V = after(V, *cell)
        return V, V

    later = jax.lax.scan(further, resting, (decay, add))[1]
    found: Memories = jax.tree.map(lambda first, later: jnp.concatenate([first[None], later]), resting, later)
    return found


def at_start(problem: Problem, nodes: Float64[Array, " 3 *S"]) -> dict[str, Float64[Array, " *S"]]:
    """The memories at t_start, for theta at t_start and one and two learning rates later.

    The published scheme continues the first piece of its grid back to 1e-12.  At t_start = 0 that
    interval, and with it the integral, is slightly negative, so that all later ones start at 1e-12.
    """
    if problem.stretched or not problem.early:
        return {name: jnp.zeros_like(problem.theta0) for name in problem.optimizer.memories()}
    x, w = (over(part, nodes.ndim) for part in gauss_legendre(QUADRATURE_ORDER))
    length = problem.t_start - ORIGIN
    piece = polynomial(*(corner[None] for corner in pad(nodes)[:4]))
    g = problem.gradient(evaluate(piece, jnp.asarray((x - 1) * (length / problem.alpha))))
    return {
        name: jnp.sum(w * length * kernel.weight * jnp.exp(-kernel.rate * length * (1 - x)) * g**kernel.power, axis=0)
        for name, kernel in problem.optimizer.memories().items()
    }


class Cells(NamedTuple):
    """Consecutive cells, for each memory: the integrals, their derivatives by the corners, the decay over a cell."""

    integral: Float64[Array, " c K *S"]
    slope: Float64[Array, " c K 4 D D"]
    decay: Float64[Array, " c K"]


def onwards(nodes: Float64[Array, " 3 *S"]) -> Float64[Array, " 4 *S"]:
    """The corners of the cell after the last of some nodes, in which the cubic before it goes on."""
    corners = jnp.concatenate([nodes, straight_on(nodes, jnp.ones(1))])
    last = nodes[2:3]
    return last + jnp.sum(over(ONWARDS, corners.ndim + 1) * (corners - last)[None], axis=1)


def integrate(
    problem: Problem, window: Window, corners: list[Float64[Array, " c *S"]], nodes: Float64[Array, " m *S"]
) -> tuple[Cells, Float64[Array, " m *S"], Float64[Array, " m D D"]]:
    """Cells from node s on, by their corners; and the gradient, with its derivatives, at some nodes."""
    own, counts = corners[1][None], basis()
    # where theta rests, exactly there: the basis adds up to 1 but for rounding
    theta = own + sum(over(counts[m][:, None], own.ndim) * (corners[m][None] - own) for m in (0, 2, 3))
    shape, D = theta.shape[:2], problem.theta0.size
    g, H = problem.curvature(jnp.concatenate([theta.reshape(-1, *theta.shape[2:]), nodes]))
    points = shape[0] * shape[1]
    inner, outer = g[:points].reshape(theta.shape), H[:points].reshape(*shape, D, D)

    integrals, slopes, decays = [], [], []
    for kernel, (weight, decay) in zip(
        problem.optimizer.memories().values(), rules(problem, window.s, shape[1]), strict=True
    ):
        by_g = over(kernel.power * weight, inner.ndim) * inner ** (kernel.power - 1)
        by_theta = by_g.reshape(*shape, D, 1) * outer
        integrals.append(jnp.sum(over(weight, inner.ndim) * inner**kernel.power, axis=0))
        slopes.append(jnp.sum(counts[:, :, None, None, None] * by_theta[None], axis=1))
        decays.append(jnp.broadcast_to(decay, shape[1]))
    slope = jnp.stack(slopes).transpose(2, 0, 1, 3, 4)
    return Cells(jnp.stack(integrals, axis=1), slope, jnp.stack(decays, axis=1)), g[points:], H[points:]


def at_window(
    problem: Problem, window: Window, chain: Float64[Array, " m *S"]
) -> tuple[Float64[Array, " K *S"], Float64[Array, " K D _"]]:
    """The memories at node s, and their derivatives by the unknowns."""
    (_, _, lead, unknown), D, r = Layout.of(problem), problem.theta0.size, problem.substeps
    # JAX has put those of the window in the order of the alphabet
    resting = jnp.stack([jnp.asarray(window.memory[name]) for name in problem.optimizer.memories()])
    start = jnp.zeros((len(resting), D, unknown, D))
    if not problem.early:
        return resting, start.reshape(len(resting), D, -1)

    def begun(nodes: Array) -> Array:
        return jnp.stack([*at_start(problem, nodes).values()])

    nodes, first = chain[1 : 2 * r + 2 : r], window.s == 0
    changes = jax.jacfwd(begun)(nodes).reshape(len(resting), D, 3, D)[:, :, 1:]
    start = start.at[:, :, [r + lead - 1, 2 * r + lead - 1]].set(jnp.where(first, changes, 0.0))
    return jnp.where(first, begun(nodes), resting), start.reshape(len(resting), D, -1)

r"""The discrete equations as blocks in time: what a block of nodes says, given its past and the next block.

On the grid t_j = t_start + j h, h = alpha / substeps, the unknowns are theta_1, theta_2, ...  An exponential
kernel makes a memory a recursion over cells, V(t_{c+1}) = e^{-rate h} V(t_c) + I_c, where I_c, the
integral over the cell [t_c, t_{c+1}], depends on the cubic there, that is on theta_{c-1} .. theta_{c+2}.
The equation at t_j needs V up to u_j, `shift` cells ahead.  So a block of q >= shift unknowns,

    X = (theta_{s+1}, .., theta_{s+q}),

is coupled to its past (the nodes up to theta_s and one value of each memory) and to the next block Y only:

    residual(past, X, Y) = 0,   past of the next block = advance(past, X, Y).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64, Shaped

from optide.ide.interpolation import Cubics, evaluate, pad, polynomial
from optide.ide.problem import ORIGIN, Problem
from optide.ide.quadrature import gauss_legendre
from optide.problem.optimizer import Scalar, States

QUADRATURE_ORDER = 6
"""Points of the Gauss-Legendre rule on one cell."""
NEWTON_ORDER = 4
"""The same in the derivatives that Newton's method uses: exact for a squared gradient that is linear in theta, but
for the kernel."""


class Past(NamedTuple):
    """What a block knows of the time before it.

    Attributes:
        nodes: (behind + 1, *S), the last of them theta_s.
        memory: the memories `shift - 1` cells after theta_s, each (*S).
    """

    nodes: Array
    memory: States


class Layout(NamedTuple):
    """The sizes of blocks; all static.

    Attributes:
        shift: cells from a node to the end of the last memory in its equation.
        size: q, nodes of a block.
        behind: nodes before theta_s that a block refers to.
    """

    shift: int
    size: int
    behind: int

    @classmethod
    def of(cls, problem: Problem) -> "Layout":
        shift = problem.lookahead * problem.substeps + problem.order - 1
        # the start of the memories refers to nodes as far as 2 alpha
        return cls(shift, max(1, shift, 1 if problem.stretched else problem.substeps), max(1, 2 - shift))


def remember(
    problem: Problem,
    past: Past,
    X: Float64[Array, " q *S"],
    Y: Float64[Array, " q *S"],
    s: Float64[Array, ""],
    *,
    quadrature: int = QUADRATURE_ORDER,
) -> dict[str, Float64[Array, " q *S"]]:
    """The memories at the q nodes that follow the one `past` has."""
    shift, q, behind = Layout.of(problem)
    chain = jnp.concatenate([past.nodes, X, Y])
    first = behind + shift - 2  # place in the chain of the node before the first cell
    pieces = polynomial(*(chain[first + i : first + i + q] for i in range(4)))
    cell = s + (shift - 1.0)
    integrals, decay = cell_integrals(problem, pieces, cell, quadrature)
    if shift == 0:  # before the start there is nothing
        inside = over(cell + jnp.arange(q, dtype=float), X.ndim) >= 0
        integrals = {name: jnp.where(inside, value, 0.0) for name, value in integrals.items()}
    memory = {}
    for name, kernel in problem.optimizer.memories().items():
        if q == 1:
            memory[name] = decay[name] * past.memory[name][None] + integrals[name]
        else:
            age = jnp.arange(q, dtype=float)
            lags = age[:, None] - age[None]  # cells from the end of each to each node
            fading = jnp.where(lags < 0, 0.0, jnp.exp(-kernel.rate * problem.h * jnp.abs(lags)))
            fresh = jnp.sum(over(fading, X.ndim + 1) * integrals[name][None], axis=1)
            old = over(jnp.exp(-kernel.rate * problem.h * (age + 1)), X.ndim)
            memory[name] = old * past.memory[name][None] + fresh
    return memory


def over(weights: Shaped[Array, "..."], ndim: int) -> Shaped[Array, "..."]:
    """Weights (or conditions) of the leading axes of an array with `ndim` axes."""
    return weights.reshape(*weights.shape, *(1,) * (ndim - weights.ndim))


def decay_over_block(problem: Problem, s: Float64[Array, " n"]) -> dict[str, Float64[Array, " n"]]:
    """The factor by which each memory fades over the q cells of a block, for several blocks."""
    shift, q, _ = Layout.of(problem)
    span = (
        problem.clock(s + (q + shift - 1.0)) - problem.clock(s + (shift - 1.0)) if problem.stretched else q * problem.h
    )
    return {
        name: jnp.exp(-k.rate * jnp.broadcast_to(span, s.shape)) for name, k in problem.optimizer.memories().items()
    }


def block(
    problem: Problem,
    past: Past,
    X: Float64[Array, " q *S"],
    Y: Float64[Array, " q *S"],
    s: Float64[Array, ""],
    *,
    last: Scalar,
    quadrature: int = QUADRATURE_ORDER,
) -> tuple[Float64[Array, " q *S"], Past, dict[str, Float64[Array, " q *S"]]]:
    """What the equations of one block leave, the past of the next, and the memories at u.

    Args:
        last: index of the last node, a float; beyond it theta goes straight on.
        past: of the block.
        X: its nodes.
        Y: those of the next block.
        s: index of the node before X, a float.
        quadrature: points of the rule on one cell.

    Returns:
        The residual, the past, and the memories in the q equations.
    """
    _, q, behind = Layout.of(problem)
    memory = remember(problem, past, X, Y, s, quadrature=quadrature)
    nodes = jnp.concatenate([past.nodes, X])
    here = nodes[behind:]
    j = s + jnp.arange(q + 1, dtype=float)
    if problem.order == 1:
        speed = problem.speed(j[:-1], here[:-1], memory)
        states = memory
    else:
        longer = {name: jnp.concatenate([past.memory[name][None], memory[name]]) for name in memory}
        speeds = problem.speed(j, here, longer)
        speed = (speeds[:-1] + speeds[1:]) / 2
        states = {name: value[:-1] for name, value in longer.items()}
    equations = here[1:] - here[:-1] - problem.h * speed
    # beyond the last node theta goes straight on
    straight = nodes[behind + 1 :] - 2 * nodes[behind:-1] + nodes[behind - 1 : -2]
    residual = jnp.where(over(j[:-1], X.ndim) < last, equations, straight)
    return residual, Past(nodes[-behind - 1 :], {name: value[-1] for name, value in memory.items()}), states


def cell_integrals(
    problem: Problem, pieces: Cubics, cell: Float64[Array, ""], quadrature: int = QUADRATURE_ORDER
) -> tuple[dict[str, Float64[Array, " *n"]], dict[str, Float64[Array, ""]]]:
    """The integral of K(t_{c+1} - s) g(s)^p over consecutive cells, or over one, and the decay over one.

    Args:
        pieces: the cubics.
        cell: index of the first cell; read only where the clock is stretched, and q is 1.
        quadrature: points of the rule.
    """
    x, w = gauss_legendre(quadrature)
    begin = cell if problem.stretched else 0.0
    left, right = problem.clock(begin), problem.clock(begin + 1.0)
    # point by point, so that XLA makes one loop over all cells of it
    g = [problem.gradient(evaluate(pieces, point)) for point in x]
    integrals, decay = {}, {}
    for name, kernel in problem.optimizer.memories().items():
        weights = [
            weight
            * problem.h
            * problem.pace(begin + point)
            * kernel.weight
            * jnp.exp(-kernel.rate * (right - problem.clock(begin + point)))
            for point, weight in zip(x, w, strict=True)
        ]
        integrals[name] = jnp.asarray(
            sum(weight * value**kernel.power for weight, value in zip(weights, g, strict=True))
        )
        decay[name] = jnp.exp(-kernel.rate * (right - left))
    return integrals, decay


def start(problem: Problem, X: Float64[Array, " q *S"], Y: Float64[Array, " q *S"]) -> Past:
    """The past of the first block: theta goes straight back, and the memories are those at t_start.

    The published scheme continues the first piece of its grid back to 1e-12.  At t_start = 0 that
    interval, and with it the integral, is slightly negative, so that all later ones start at 1e-12.
    """
    shift, _, behind = Layout.of(problem)
    nodes = jnp.concatenate([problem.theta0[None], X, Y])
    before = nodes[:1] + (nodes[1:2] - nodes[:1]) * over(jnp.arange(-behind, 0.0), nodes.ndim)
    chain = jnp.concatenate([before, nodes])
    memory = at_start(problem, nodes)
    if shift > 1:
        pieces = polynomial(*(chain[behind - 1 + i : behind + shift - 2 + i] for i in range(4)))
        integrals, _ = cell_integrals(problem, pieces, jnp.zeros(()))
    for name, kernel in problem.optimizer.memories().items():
        age = problem.h * jnp.arange(shift - 1, 0, -1.0)
        memory[name] = memory[name] * jnp.exp(-kernel.rate * problem.h * (shift - 1.0))
        if shift > 1:
            fading = jnp.exp(-kernel.rate * (age - problem.h))
            memory[name] += jnp.sum(over(fading, nodes.ndim) * integrals[name], axis=0)
    return Past(chain[: behind + 1], memory)


def at_start(problem: Problem, nodes: Float64[Array, " n *S"]) -> dict[str, Float64[Array, " *S"]]:
    """The memories at t_start, for theta at the first n > 2 substeps nodes."""
    if problem.stretched:
        return {name: jnp.zeros_like(problem.theta0) for name in problem.optimizer.memories()}
    piece = polynomial(*pad(nodes[:: problem.substeps][:3])[:4])
    x, w = gauss_legendre(QUADRATURE_ORDER)
    length = problem.t_start - ORIGIN
    unit = length / problem.alpha
    g = [problem.gradient(evaluate(piece, (point - 1) * unit)) for point in x]
    return {
        name: jnp.asarray(
            sum(
                weight * length * kernel.weight * jnp.exp(-kernel.rate * length * (1 - point)) * value**kernel.power
                for point, weight, value in zip(x, w, g, strict=True)
            )
        )
        for name, kernel in problem.optimizer.memories().items()
    }


def rest(problem: Problem) -> Past:
    """A past in which theta was at theta0 and nothing is remembered."""
    nodes = jnp.broadcast_to(problem.theta0, (Layout.of(problem).behind + 1, *problem.theta0.shape))
    return Past(nodes, {name: jnp.zeros_like(problem.theta0) for name in problem.optimizer.memories()})

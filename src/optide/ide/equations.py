r"""The discretised equation in a window of time: what it leaves for given nodes, and its derivatives.

On the grid t_j = t_start + j h, h = alpha / substeps, the unknowns are theta_1, theta_2, ...  An exponential
kernel makes a memory a recursion over cells,

    V_{c+1} = e^{-rate h} V_c + I_c,   I_c = the integral over the cell [t_c, t_{c+1}],

where I_c depends on the cubic there, that is on theta_{c-1} .. theta_{c+2}.  The equation

    theta_{j+1} - theta_j = h F(t_j, theta_j, g_j, V_{j+ahead})                    (order 1)

needs V, and so theta, `shift` cells ahead.  The objective is called once, with all points of all cells and all nodes:
gradients and their derivatives (`optide.ide.problem.Problem.curvature`) are all that is asked of it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Shaped

from optide.ide.interpolation import CATMULL_ROM, evaluate, pad, polynomial
from optide.ide.problem import ORIGIN, Problem
from optide.ide.quadrature import gauss_legendre
from optide.problem.optimizer import Scalar, States

QUADRATURE_ORDER = 6
"""Points of the Gauss-Legendre rule on one cell."""

ONWARDS = np.asarray([[-1.0, 4.0, -3.0, 1.0], [0.0, 0.0, 1.0, 0.0], [-1.0, 3.0, -3.0, 2.0], [-5.0, 16.0, -18.0, 8.0]])
"""The corners of the cell after one, made of its own four, in which its cubic goes on."""


class Layout(NamedTuple):
    """How far an equation reaches; all static.

    Attributes:
        ahead: cells from a node to the end of the memories that its velocity needs.
        shift: the same to the end of the last memory in its equation.
        lead: cells before that of the first equation.
        unknown: nodes after theta_{j+1} that the equation of t_j may depend on, and those before it through them.
    """

    ahead: int
    shift: int
    lead: int
    unknown: int

    @property
    def block(self) -> int:
        """Nodes that are predicted together."""
        return max(1, self.shift)

    @classmethod
    def of(cls, problem: Problem) -> "Layout":
        ahead = problem.lookahead * problem.substeps
        shift = ahead + problem.order - 1
        lead = max(shift - 1, 0)
        # the start of the memories refers to nodes as far as 2 alpha
        return cls(ahead, shift, lead, max(1, shift, 2 * problem.substeps + lead if problem.early else 0))


class Window(NamedTuple):
    """A window of time: what is known before it, and where it is.

    Attributes:
        before: theta at nodes s - 1 and s.
        memory: at node s.
        s: index of the node before its first unknown, a float.
        last: index of the last node of all, a float; beyond it theta goes straight on.
    """

    before: Float64[Array | np.ndarray, " 2 *S"]
    memory: dict[str, Float64[Array | np.ndarray, " *S"]]
    s: Float64[Array | np.ndarray, ""]
    last: Scalar


class Rows(NamedTuple):
    """The linearised equations, one after another; of the nodes before the window, which are known, at first.

    own dtheta_{j+1} + here dtheta_j + before dtheta_{j-1} + old dV_{j+shift-1} + new dV_{j+shift} = -residual, and
    dV_{j+shift} = decay dV_{j+shift-1} + the sum of cell_m dtheta_{j+shift-2+m}, for m = 0 .. 3.

    With D numbers in theta, and K memories.
    """

    own: Float64[Array, " n D D"]
    here: Float64[Array, " n D D"]
    before: Float64[Array, " n"]
    old: Float64[Array, " n K D"]
    new: Float64[Array, " n K D"]
    decay: Float64[Array, " n K"]
    cell: Float64[Array, " n K 4 D D"]


class Linear(NamedTuple):
    """The linearised equations, and the derivatives of the first memories by the first unknowns."""

    rows: Rows
    start: Float64[Array, " K unknown D D"]


class Evaluation(NamedTuple):
    """The equations of a window for given nodes.

    Attributes:
        residual: what they leave.
        nodes: theta from node s - 1 on.
        memory: at node s and all after it.
        states: the memories in the equations.
        ends: the same in that of the last node, if theta goes on beyond it as the published scheme continues it.
    """

    residual: Float64[Array, " n *S"]
    nodes: Float64[Array, " m *S"]
    memory: dict[str, Float64[Array, " k *S"]]
    states: dict[str, Float64[Array, " n *S"]]
    ends: dict[str, Float64[Array, " *S"]]


def over(weights: Shaped[Array | np.ndarray, "..."], ndim: int) -> Shaped[Array | np.ndarray, "..."]:
    """Weights (or conditions) of the leading axes of an array with `ndim` axes."""
    return weights.reshape(*weights.shape, *(1,) * (ndim - weights.ndim))


def straight_on(nodes: Float64[Array, " n *S"], steps: Float64[Array, " m"]) -> Float64[Array, " m *S"]:
    """Theta so many steps after the last of some nodes, if it goes on as between the last two."""
    return nodes[-1:] + over(steps, nodes.ndim) * (nodes[-1:] - nodes[-2:-1])


def whole(problem: Problem) -> Window:
    """All the time there is, as one window."""
    theta = problem.theta0[None] * np.ones((2, *(1,) * problem.theta0.ndim))
    memory = {name: np.zeros(problem.theta0.shape) for name in problem.optimizer.memories()}
    return Window(theta, memory, np.zeros(()), problem.last)


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
    g = problem.gradient(evaluate(piece, (x - 1) * (length / problem.alpha)))
    return {
        name: jnp.sum(w * length * kernel.weight * jnp.exp(-kernel.rate * length * (1 - x)) * g**kernel.power, axis=0)
        for name, kernel in problem.optimizer.memories().items()
    }


def linearise(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> tuple[Evaluation, Linear]:
    """The equations for the nodes X after node s, and their derivatives."""
    n, *shape = X.shape
    ahead, shift, lead, unknown = Layout.of(problem)
    D, r, h, order = problem.theta0.size, problem.substeps, problem.h, problem.order
    names = list(problem.optimizer.memories())
    first = window.s == 0

    # from node s - 1 on; at the start of all, theta goes straight back
    back = jnp.where(first, 2 * window.before[1] - X[0], window.before[0])
    chain = jnp.concatenate([back[None], jnp.asarray(window.before[1:]), X, straight_on(X, jnp.arange(1.0, shift + 1))])
    cells = n + shift - 1
    corners = [chain[m : m + cells] for m in range(4)]
    continued = ahead * order == 1
    if continued:
        place = jnp.asarray(window.last - window.s).astype(int)
        final = jax.lax.dynamic_slice_in_dim(chain, place - 1, 3)
        final = jnp.concatenate([final, straight_on(final, jnp.ones(1))])
        beyond = final[2:3] + jnp.sum(over(ONWARDS, final.ndim + 1) * (final - final[2:3])[None], axis=1)
        corners = [jnp.concatenate([corner, beyond[m : m + 1]]) for m, corner in enumerate(corners)]

    # theta, gradient and its derivative at the points of all cells, and at the nodes
    x, w = gauss_legendre(QUADRATURE_ORDER)
    basis = np.stack([sum(row[m] * x**p for p, row in enumerate(CATMULL_ROM)) for m in range(4)])
    # where theta rests, exactly there: the corners add up to 1 but for rounding
    theta = corners[1][None] + sum(
        over(basis[m][:, None], X.ndim + 1) * (corners[m] - corners[1])[None] for m in (0, 2, 3)
    )
    nodes = chain[1 : n + order]
    points = theta.shape[0] * theta.shape[1]
    g, H = problem.curvature(jnp.concatenate([theta.reshape(-1, *shape), nodes]))
    inner, outer = g[:points].reshape(theta.shape), H[:points].reshape(*theta.shape[:2], D, D)

    # the integrals over all cells, their derivatives by the corners, and the decay over a cell
    begin = window.s + jnp.arange(len(corners[0]), dtype=float) if problem.stretched else jnp.zeros(1)
    passed = begin[None] + np.append(x, 0.0)[:, None]
    ages, pace = problem.clock(begin + 1)[None] - problem.clock(passed), problem.pace(passed[:-1])
    integrals, slopes, decays = [], [], []
    for kernel in problem.optimizer.memories().values():
        fading = jnp.exp(-kernel.rate * ages)
        weight = (w[:, None] * h) * (kernel.weight * pace * fading[:-1])
        slope = over(kernel.power * weight, inner.ndim) * inner ** (kernel.power - 1)
        integrals.append(jnp.sum(over(weight, inner.ndim) * inner**kernel.power, axis=0))
        part = slope.reshape(*theta.shape[:2], D, 1) * outer
        slopes.append(jnp.sum(basis[:, :, None, None, None] * part[None], axis=1))
        decays.append(jnp.broadcast_to(fading[-1], len(corners[0])))
    cell, decay = jnp.stack(slopes).transpose(2, 0, 1, 3, 4)[:cells], jnp.stack(decays, axis=1)
    # theta straight back, at the start
    cell = cell.at[0, :, 2].add(jnp.where(first, -cell[0, :, 0], 0.0))

    # the memories
    resting, start = jnp.stack([window.memory[name] for name in names]), jnp.zeros((len(names), unknown, D, D))
    if problem.early:
        three = chain[1 : 2 * r + 2 : r]
        changes = jax.jacfwd(lambda three: jnp.stack([*at_start(problem, three).values()]))(three)
        changes = jnp.moveaxis(changes.reshape(len(names), D, 3, D), 2, 1)[:, 1:]
        start = start.at[:, [r + lead - 1, 2 * r + lead - 1]].set(jnp.where(first, changes, 0.0))
        resting = jnp.where(first, jnp.stack([*at_start(problem, three).values()]), resting)

    def recall(V: Array, given: tuple[Array, Array]) -> tuple[Array, Array]:
        V = over(given[0], V.ndim) * V + given[1]
        return V, V

    fresh = jnp.stack(integrals, axis=1)
    _, later = jax.lax.scan(recall, resting, (decay[:cells], fresh[:cells]))
    V = jnp.concatenate([resting[None], later])
    seen = V[ahead : ahead + n + order - 1]

    # the equations
    j = window.s + jnp.arange(n + order - 1, dtype=float)

    def speed(theta: Array, g: Array, seen: Array) -> Array:
        return problem.speed(j, theta, g, {name: seen[:, k] for k, name in enumerate(names)})

    velocity, push = jax.vjp(speed, nodes, g[points:], seen)
    by_theta, by_g, by_memory = push(jnp.ones_like(velocity))
    one = jnp.eye(D)[None]
    A = by_theta.reshape(-1, D, 1) * one + by_g.reshape(-1, D, 1) * H[points:]
    B = by_memory.reshape(len(A), len(names), D)
    if not ahead:  # at t = 0, where nothing changes, derivatives may be infinite
        A, B = (jnp.where(over(j, 3) == 0, 0.0, part) if not problem.early else part for part in (A, B))
    inside = j[:n] < window.last
    if order == 1:
        mean, own, here, old, new = velocity, one, -one - h * A, jnp.zeros((n, len(names), D)), -h * B
    else:
        mean = (velocity[:-1] + velocity[1:]) / 2
        own, here, old, new = one - h / 2 * A[1:], -one - h / 2 * A[:-1], -h / 2 * B[:-1], -h / 2 * B[1:]
    step, step_before = X - chain[1 : n + 1], chain[1 : n + 1] - chain[:n]
    # beyond the last node theta goes straight on
    residual = jnp.where(over(inside, X.ndim), step - h * mean, step - step_before)
    inner_rows = Rows(
        jnp.where(over(inside, 3), own, one),
        jnp.where(over(inside, 3), here, -2 * one),
        jnp.where(inside, 0.0, 1.0),
        jnp.where(over(inside, 3), old, 0.0),
        jnp.where(over(inside, 3), new, 0.0),
        decay[:cells], cell,
    )  # fmt: skip
    found = Evaluation(
        residual,
        chain,
        {name: V[:, k] for k, name in enumerate(names)},
        {name: seen[:n, k] for k, name in enumerate(names)},
        # V one step after the last node
        {name: decay[-1, k] * V[place, k] + fresh[-1, k] for k, name in enumerate(names)} if continued else {},
    )
    return found, Linear(_led(inner_rows, lead, shift), start)


def _led(rows: Rows, lead: int, shift: int) -> Rows:
    """The rows with those of the known nodes whose cells come before that of the first equation."""
    if shift == 0:  # the first equation has no cell
        return rows._replace(
            decay=jnp.concatenate([jnp.ones_like(rows.decay[:1]), rows.decay]),
            cell=jnp.concatenate([jnp.zeros_like(rows.cell[:1]), rows.cell]),
        )
    if not lead:
        return rows

    def front(part: Array, value: Array | float = 0.0) -> Array:
        return jnp.concatenate([jnp.broadcast_to(value, (lead, *part.shape[1:])), part])

    return rows._replace(
        own=front(rows.own, jnp.eye(rows.own.shape[-1])), here=front(rows.here), before=front(rows.before),
        old=front(rows.old), new=front(rows.new),
    )  # fmt: skip

r"""The discretised equation in a window of time: what it leaves for given nodes, and its derivatives.

On the grid t_j = t_start + j h, h = alpha / substeps, the unknowns are theta_1, theta_2, ...  An exponential
kernel makes a memory a recursion over cells,

    V_{c+1} = e^{-rate h} V_c + I_c,   I_c = the integral over the cell [t_c, t_{c+1}],

where I_c depends on the cubic there, that is on theta_{c-1} .. theta_{c+2}.  The equation

    theta_{j+1} - theta_j = h F(t_j, theta_j, g_j, V_{j+ahead})                    (order 1)

needs V, and so theta, `shift` cells ahead.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.cells import after, at_window, integrate, onwards, remembered
from optide.ide.problem import Problem
from optide.ide.window import Layout, Window, over, straight_on


class Rows(NamedTuple):
    """The linearised equations, one after another; of the nodes before the window, which are known, at first.

    node_i dtheta_{j-1+i} for i = 0 .. 2, old dV_{j+shift-1} and new dV_{j+shift} add up to -residual, and
    dV_{j+shift} = decay dV_{j+shift-1} + the sum of cell_m dtheta_{j+shift-2+m}, for m = 0 .. 3.

    With D numbers in theta, and K memories.

    Attributes:
        node: by nodes.
        memory: old and new.
    """

    node: Float64[Array, " n 3 D D"]
    memory: Float64[Array, " n 2 K D"]
    decay: Float64[Array, " n K"]
    cell: Float64[Array, " n K 4 D D"]


class Linear(NamedTuple):
    """The linearised equations, and the derivatives of the first memories by the first unknowns."""

    rows: Rows
    start: Float64[Array, " K D _"]


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

    def window(self, window: Window, kept: int) -> Window:
        """The window after so many nodes of the one that was evaluated."""
        memory = {name: value[kept] for name, value in self.memory.items()}
        return Window(self.nodes[kept : kept + 2], memory, window.s + kept, window.last)


def linearise(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> tuple[Evaluation, Linear]:
    """The equations for the nodes X after node s, and their derivatives."""
    n, (ahead, shift, lead, _) = len(X), Layout.of(problem)
    names = list(problem.optimizer.memories())
    first = window.s == 0
    # from node s - 1 on; at the start of all, theta goes straight back
    back = jnp.where(first, 2 * window.before[1] - X[0], window.before[0])
    beyond = straight_on(X, jnp.arange(1.0, shift + 1))
    chain = jnp.concatenate([back[None], jnp.asarray(window.before[1:]), X, beyond])
    count = n + shift - 1
    corners = [chain[m : m + count] for m in range(4)]
    continued = ahead * problem.order == 1
    place = jnp.asarray(window.last - window.s).astype(int)
    if continued:
        further = onwards(jax.lax.dynamic_slice_in_dim(chain, place - 1, 3))
        corners = [jnp.concatenate([corner, further[m : m + 1]]) for m, corner in enumerate(corners)]

    nodes = chain[1 : n + problem.order]
    found, g, H = integrate(problem, window, corners, nodes)
    slope = found.slope[:count]
    slope = slope.at[0, :, 2].add(jnp.where(first, -slope[0, :, 0], 0.0))

    resting, start = at_window(problem, window, chain)
    V = remembered(resting, found.decay[:count], found.integral[:count])
    seen = V[ahead : ahead + n + problem.order - 1]
    residual, node, memory = _equations(problem, window, chain, g, H, seen=seen)
    rows = _led(Rows(node, memory, found.decay[:count], slope), lead, shift)
    ends = {}
    if continued:  # one step after the last node
        end = after(jax.lax.dynamic_index_in_dim(V, place, keepdims=False), found.decay[-1], found.integral[-1])
        ends = {name: end[k] for k, name in enumerate(names)}
    evaluation = Evaluation(
        residual,
        chain,
        {name: V[:, k] for k, name in enumerate(names)},
        {name: seen[:n, k] for k, name in enumerate(names)},
        ends,
    )
    return evaluation, Linear(rows, start)


def _equations(
    problem: Problem,
    window: Window,
    chain: Float64[Array, " k *S"],
    g: Float64[Array, " m *S"],
    H: Float64[Array, " m D D"],
    *,
    seen: Float64[Array, " m K *S"],
) -> tuple[Float64[Array, " n *S"], Float64[Array, " n 3 D D"], Float64[Array, " n 2 K D"]]:
    """What the equations leave, and their derivatives by nodes and memories (see `Rows`).

    Args:
        chain: nodes from s - 1 on.
        g: the gradient from node s on, with its derivatives H, and the memories that are `seen` there.
    """
    n, D, names = len(g) - problem.order + 1, problem.theta0.size, list(problem.optimizer.memories())
    j = jnp.asarray(window.s + np.arange(len(g), dtype=float))

    def speed(theta: Array, g: Array, seen: Array) -> Array:
        return problem.speed(j, theta, g, {name: seen[:, k] for k, name in enumerate(names)})

    velocity, push = jax.vjp(speed, chain[1 : len(g) + 1], g, seen)
    by_theta, by_g, by_memory = push(jnp.ones_like(velocity))
    one, h = jnp.eye(D)[None], problem.h
    A = by_theta.reshape(-1, D, 1) * one + by_g.reshape(-1, D, 1) * H
    B = by_memory.reshape(len(A), len(names), D)
    if not problem.lookahead and not problem.early:  # at t = 0, where nothing changes, derivatives may be infinite
        A, B = (jnp.where(over(j, 3) == 0, 0.0, part) for part in (A, B))
    if problem.order == 1:
        mean, here, own, memory = velocity, -one - h * A, jnp.broadcast_to(one, A.shape), [jnp.zeros_like(B), -h * B]
    else:
        mean = (velocity[:-1] + velocity[1:]) / 2
        here, own, memory = -one - h / 2 * A[:-1], one - h / 2 * A[1:], [-h / 2 * B[:-1], -h / 2 * B[1:]]
    inside = j[:n] < window.last
    straight = np.asarray([1.0, -2.0, 1.0])[:, None, None] * np.eye(D)
    node = jnp.where(over(inside, 4), jnp.stack([jnp.zeros_like(here), here, own], axis=1), straight)
    return left(window, chain, h * mean), node, jnp.where(over(inside, 4), jnp.stack(memory, axis=1), 0.0)


def left(
    window: Window, chain: Float64[Array, " k *S"], increments: Float64[Array, " n *S"]
) -> Float64[Array, " n *S"]:
    """What the equations leave of the nodes from s - 1 on, for the increments that theta should make from s on."""
    n = len(increments)
    step, step_before = chain[2 : n + 2] - chain[1 : n + 1], chain[1 : n + 1] - chain[:n]
    inside = window.s + np.arange(n, dtype=float) < window.last
    # beyond the last node theta goes straight on
    return jnp.where(over(inside, chain.ndim), step - increments, step - step_before)


def _led(rows: Rows, lead: int, shift: int) -> Rows:
    """The rows with those of the known nodes whose cells come before that of the first equation."""
    if shift == 0:  # the first equation has no cell
        return rows._replace(
            decay=jnp.concatenate([jnp.ones_like(rows.decay[:1]), rows.decay]),
            cell=jnp.concatenate([jnp.zeros_like(rows.cell[:1]), rows.cell]),
        )
    if not lead:
        return rows

    itself = np.zeros((lead, 3, *rows.node.shape[2:])) + over(np.asarray([0.0, 0.0, 1.0]), 3) * np.eye(
        rows.node.shape[-1]
    )
    return rows._replace(
        node=jnp.concatenate([itself, rows.node]),
        memory=jnp.concatenate([jnp.zeros((lead, *rows.memory.shape[1:])), rows.memory]),
    )

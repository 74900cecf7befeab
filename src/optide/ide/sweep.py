r"""The equations of a window as a fixed point, by gradients alone: nothing is kept for two parameters at a time.

A sweep goes through the window once, from node to node, and takes every memory along the nodes that it has already
renewed and, ahead of them, along those of the sweep before, moved as the last renewed one was.  So what couples the
steps is treated exactly but for the look-ahead, and where that is weak a few sweeps are all it takes.

There are two kinds.  One takes the integrals of the equations, Q gradients a cell.  The other takes the gradient of
each node alone and goes between the nodes by the cubic that theta goes by, with a correction of each integral, known
from the last of the first kind: that costs one gradient a node.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.cells import after, at_start, basis, onwards, remembered, rules
from optide.ide.equations import Evaluation, left
from optide.ide.problem import Problem
from optide.ide.secant import root
from optide.ide.window import Layout, Window, straight_on
from optide.problem.optimizer import States


class Node(NamedTuple):
    """Theta and the gradient at a node or, with a leading axis, at some of them."""

    theta: Float64[Array, " *S"]
    g: Float64[Array, " *S"]


class Weights(NamedTuple):
    """The quadrature of a memory over some cells: what the points count, and the decay over a cell."""

    value: Float64[Array, " c Q"]
    decay: Float64[Array, " c"]


Rules = dict[str, Weights]
"""Those of all memories."""


def gradients(problem: Problem, theta: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """The gradient at some nodes, one after another: their memory is that of one."""
    found: Array = jax.lax.map(lambda theta: problem.gradient(theta[None])[0], theta)
    return found


def start(window: Window, X: Float64[Array, " n *S"], g: Float64[Array, " m *S"]) -> tuple[Node, Node]:
    """Nodes s - 1 and s, of which the gradient is known; X is after them."""
    return Node(_back(window, X), g[0]), Node(jnp.asarray(window.before[1]), g[1])


def with_before(window: Window, X: Float64[Array, " n *S"]) -> Float64[Array, " n+2 *S"]:
    """The nodes X after node s with s - 1 and s before them."""
    return jnp.concatenate([_back(window, X)[None], jnp.asarray(window.before[1:]), X])


def _back(window: Window, X: Float64[Array, " n *S"]) -> Float64[Array, " *S"]:
    """Node s - 1; at the start of all, theta goes straight back."""
    return jnp.where(window.s == 0, 2 * window.before[1] - X[0], window.before[0])


def chained(problem: Problem, window: Window, X: Float64[Array, " n *S"], G: Float64[Array, " n+2 *S"]) -> Node:
    """The nodes from s - 1 on, and `shift` beyond the nodes X after node s; G from node s - 1 on."""
    beyond = jnp.arange(1.0, Layout.of(problem).shift + 1)
    return Node(*(jnp.concatenate([part, straight_on(part, beyond)]) for part in (with_before(window, X), G)))


def resting(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> States:
    """The memories at node s."""
    known = {name: jnp.asarray(value) for name, value in window.memory.items()}
    if not problem.early:
        return known
    later = X[problem.substeps - 1 : 2 * problem.substeps : problem.substeps]
    begun = at_start(problem, jnp.concatenate([window.before[1:], later]))
    return {name: jnp.where(window.s == 0, begun[name], value) for name, value in known.items()}


def integral(problem: Problem, rules: Rules, corners: Sequence[Float64[Array, " *S"]], known: bool) -> States:
    """The integrals over one cell, by its corners: those of the gradient, where it is `known`, else of theta.

    Each memory is an array of its own: of one for all, the elements would not be computed side by side.
    """
    kernels, counts = problem.optimizer.memories(), jnp.asarray(basis().T)
    own, others = corners[1], [corners[m] - corners[1] for m in (0, 2, 3)]
    weight = {name: rule.value for name, rule in rules.items()}

    def at(counts: Array) -> Array:
        return own + sum(counts[m] * other for m, other in zip((0, 2, 3), others, strict=True))

    def add(total: States, weight: dict[str, Array], g: Array) -> States:
        return {name: total[name] + weight[name] * g**kernel.power for name, kernel in kernels.items()}

    def turn(now: tuple[States, Array], point: tuple[Array, dict[str, Array]]) -> tuple[tuple[States, Array], None]:
        (total, value), (following, weight) = now, point
        return (add(total, weight, problem.gradient(value[None])[0]), at(following)), None

    total = {name: jnp.zeros_like(own) for name in kernels}
    if not known:
        # a point is made a turn before its gradient: in the same one it would be made wherever the gradient needs it
        return jax.lax.scan(turn, (total, at(counts[0])), (jnp.roll(counts, -1, 0), weight))[0][0]
    for q in range(len(counts)):
        total = add(total, {name: value[q] for name, value in weight.items()}, at(counts[q]))
    return total


def of_cell(rules: Rules, i: Array | int) -> Rules:
    """The quadrature of one cell."""
    found: Rules = jax.tree.map(lambda part: part[i], rules)
    return found


def decays(rules: Rules) -> dict[str, Array]:
    return {name: rule.decay for name, rule in rules.items()}


def integrals(problem: Problem, rules: Rules, nodes: Float64[Array, " m *S"], known: bool = False) -> States:
    """The integrals over the cells after node s, of nodes from s - 1 on, `shift` of them beyond the window."""

    def one(i: Array) -> States:
        corners = [jax.lax.dynamic_index_in_dim(nodes, i + m, keepdims=False) for m in range(4)]
        return integral(problem, of_cell(rules, i), corners, known)

    found: States = jax.lax.map(one, jnp.arange(len(nodes) - 3))
    return found


def rules_of(problem: Problem, window: Window, n: int) -> Rules:
    """The quadrature of the cells of a window with n unknown nodes, from node s on, and of one more."""
    count = n + Layout.of(problem).shift
    return {
        name: Weights(jnp.broadcast_to(rule.weight.T, (count, len(rule.weight))), jnp.broadcast_to(rule.decay, count))
        for name, rule in zip(problem.optimizer.memories(), rules(problem, window.s, count), strict=True)
    }


class Swept(NamedTuple):
    """Where a sweep is.

    Attributes:
        before, here: the two nodes that were renewed last.
        moved: how the second of them has changed.
        resting: the memories there.
    """

    before: Node
    here: Node
    moved: Node
    resting: States


def sweep(
    problem: Problem,
    window: Window,
    rules: Rules,
    first: tuple[Node, Node],
    nodes: Node,
    *,
    correction: States | None = None,
    trials: int = 0,
) -> Node:
    """All nodes of a window, renewed.

    Args:
        first: nodes s - 1 and s.
        nodes: those of the window, after them.
        correction: where it is given, integrals are taken of the gradient between nodes, plus it.
        trials: of each node, to solve its equation for itself.
    """
    (ahead, shift, _, _), order = Layout.of(problem), problem.order
    known = correction is not None
    n = len(nodes.theta)

    def speed(i: Array, node: Node, V: States) -> Array:
        state = {name: value[None] for name, value in V.items()}
        return problem.speed(jnp.asarray(window.s + i.astype(float))[None], node.theta[None], node.g[None], state)[0]

    def at(theta: Array) -> Node:
        return Node(theta, problem.gradient(theta[None])[0])

    def step(now: Swept, i: Array) -> tuple[Swept, Node]:
        before, here, moved, resting = now

        def old(k: int) -> Node:
            """What the node that is k after node i was; beyond the last they go straight on."""
            place = i + k - 1
            beyond = jnp.maximum(place - n + 1, 0).astype(float)
            inside = (jax.lax.dynamic_index_in_dim(part, place, keepdims=False) for part in nodes)
            return Node(*(own + beyond * (part[-1] - part[-2]) for own, part in zip(inside, nodes, strict=True)))

        def along(moved: Node) -> list[Node]:
            """The nodes from i - 1 on, those after node i moved, until it is their turn."""
            later = (old(k) for k in range(1, shift + 3))
            return [before, here, *(Node(*(was + by for was, by in zip(node, moved, strict=True))) for node in later)]

        def change(new: Node) -> Node:
            return Node(*(to - was for to, was in zip(new, old(1), strict=True)))

        def further(V: States, near: list[Node], c: int) -> States:
            corners, own = [node.g if known else node.theta for node in near[c : c + 4]], of_cell(rules, i + c)
            add = integral(problem, own, corners, known)
            if correction is not None:
                add = {name: value + correction[name][i + c] for name, value in add.items()}
            return after(V, decays(own), add)

        def follow(near: list[Node]) -> Array:
            """Where the equation of node i leads, from what is known of the nodes after it."""
            V = resting
            for c in range(ahead):
                V = further(V, near, c)
            mean = speed(i, here, V)
            if order == 2:
                following = near[2] if known else at(near[2].theta)
                mean = (mean + speed(i + 1, following, further(V, near, ahead))) / 2
            inside = window.s + i.astype(float) < window.last
            return here.theta + jnp.where(inside, problem.h * mean, here.theta - before.theta)

        near = along(moved)
        theta = follow(near)
        if trials:
            theta = root(lambda theta: follow(along(change(at(theta)))), near[2].theta, theta, trials)
        new = at(theta)
        moved = change(new)
        return Swept(here, new, moved, further(resting, along(moved), 0)), new

    none = jnp.zeros_like(nodes.theta[0])
    begin = Swept(*first, Node(none, none), resting(problem, window, nodes.theta))
    found: Node = jax.lax.scan(step, begin, jnp.arange(n))[1]
    return found


def evaluate(problem: Problem, window: Window, rules: Rules, chain: Node, found: States) -> Evaluation:
    """The equations, where the integrals over all cells have been found."""
    ahead, shift, _, _ = Layout.of(problem)
    n = len(chain.theta) - 2 - shift
    begun = resting(problem, window, chain.theta[2:])
    V = remembered(begun, {name: rule.decay[: n + shift - 1] for name, rule in rules.items()}, found)
    seen = {name: value[ahead : ahead + n + problem.order - 1] for name, value in V.items()}
    count = n + problem.order - 1
    j = jnp.asarray(window.s + np.arange(count, dtype=float))
    mean = problem.speed(j, chain.theta[1 : count + 1], chain.g[1 : count + 1], seen)
    if problem.order == 2:
        mean = (mean[:-1] + mean[1:]) / 2
    ends: States = {}
    if ahead * problem.order == 1:
        place = jnp.clip(jnp.asarray(window.last - window.s).astype(int), 0, n)

        def beyond() -> States:
            own = of_cell(rules, 0)
            along = onwards(jax.lax.dynamic_slice_in_dim(chain.theta, place - 1, 3))
            before = {name: value[place] for name, value in V.items()}
            return after(before, decays(own), integral(problem, own, list(along), known=False))

        reached = (window.last >= window.s) & (window.last < window.s + n)
        ends = jax.lax.cond(reached, beyond, lambda: jax.tree.map(jnp.zeros_like, begun))
    states = {name: value[:n] for name, value in seen.items()}
    return Evaluation(left(window, chain.theta, problem.h * mean), chain.theta, V, states, ends)

r"""The equations of a window as a fixed point, by gradients alone: nothing is kept for two parameters at a time.

A sweep goes through the window once, from node to node, and takes every memory along the nodes that it has already
renewed and, ahead of them, along those of the sweep before, moved as the last renewed one was.  So what couples the
steps is treated exactly but for the look-ahead, and where that is weak a few sweeps are all it takes.

There are two kinds.  One takes the integrals of the equations, Q gradients a cell.  The other takes the gradient of
each node alone and goes between the nodes by the cubic that theta goes by, with a correction of each integral, known
from the last of the first kind: that costs one gradient a node.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64

from optide.ide.cells import after, at_start, basis, rules
from optide.ide.problem import Problem
from optide.ide.secant import root
from optide.ide.trees import magnitude
from optide.ide.window import Layout, Window
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


def with_before(window: Window, X: Float64[Array, " n *S"]) -> Float64[Array, " n+2 *S"]:
    """The nodes X after node s with s - 1 and s before them."""
    return back(window, jnp.concatenate([jnp.asarray(window.before), X]))


def back(window: Window, theta: Float64[Array, " m *S"]) -> Float64[Array, " m *S"]:
    """The nodes from s - 1 on, the first of which goes straight back at the start of all."""
    return theta.at[0].set(jnp.where(window.s == 0, 2 * theta[1] - theta[2], theta[0]))


def at(nodes: Float64[Array, " n *S"], place: Array | int) -> Float64[Array, " *S"]:
    """The node at a place; beyond the last they go straight on."""
    beyond = jnp.maximum(place - len(nodes) + 1, 0).astype(float)
    own: Array = jax.lax.dynamic_index_in_dim(nodes, place, keepdims=False)
    return own + beyond * (nodes[-1] - nodes[-2])


def put(nodes: Float64[Array, " n *S"], place: Array | int, node: Float64[Array, " *S"]) -> Float64[Array, " n *S"]:
    """The nodes with another one at a place."""
    found: Array = jax.lax.dynamic_update_index_in_dim(nodes, node, place, 0)
    return found


def rowwise(function: Callable[[Array], Array], nodes: Float64[Array, " n *S"], first: int) -> Float64[Array, " n *S"]:
    """The nodes with what a function makes of each from the first of some on, in their place."""

    def one(i: Array, nodes: Array) -> Array:
        return put(nodes, i, function(nodes[i]))

    found: Array = jax.lax.fori_loop(first, len(nodes), one, nodes)
    return found


def resting(problem: Problem, window: Window, theta: Float64[Array, " m *S"]) -> States:
    """The memories at node s, by the nodes from s - 1 on."""
    known = {name: jnp.asarray(value) for name, value in window.memory.items()}
    if not problem.early:
        return known
    begun = at_start(problem, theta[1 : 2 * problem.substeps + 2 : problem.substeps])
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


def integrals(
    problem: Problem, rules: Rules, nodes: Float64[Array, " m *S"], found: States, known: bool = False
) -> States:
    """The integrals over the cells after node s, by the nodes from s - 1 on, in the place of others.

    Where those of the gradient are `known`, they are taken from what is there.
    """

    def one(i: Array, found: States) -> States:
        own = integral(problem, of_cell(rules, i), [at(nodes, i + m) for m in range(4)], known)
        if known:
            own = {name: value[i] - own[name] for name, value in found.items()}
        return {name: put(value, i, own[name]) for name, value in found.items()}

    count = len(next(iter(found.values())))
    filled: States = jax.lax.fori_loop(0, count, one, found)
    return filled


def no_integrals(problem: Problem, theta: Float64[Array, " m *S"]) -> States:
    """As many zeros as there are integrals, for the nodes from s - 1 on."""
    zeros = jnp.zeros((len(theta) + Layout.of(problem).shift - 3, *theta.shape[1:]))
    return dict.fromkeys(problem.optimizer.memories(), zeros)


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
        nodes: from s - 1 on, those before this one renewed.
        here: the node that was renewed last.
        moved: how it has changed.
        resting: the memories there.
        gap: by how much a gradient has changed at most.
    """

    nodes: Node
    here: Node
    moved: Node
    resting: States
    gap: Float64[Array, ""]


def sweep(
    problem: Problem,
    window: Window,
    rules: Rules,
    nodes: Node,
    *,
    correction: States | None = None,
    trials: int = 0,
) -> tuple[Node, Float64[Array, ""]]:
    """All nodes of a window, renewed, and by how much their gradients have changed at most.

    Args:
        nodes: from s - 1 on, of which those after s are renewed.
        correction: where it is given, integrals are taken of the gradient between nodes, plus it.
        trials: of each node, to solve its equation for itself.
    """
    (ahead, shift, _, _), order = Layout.of(problem), problem.order
    known = correction is not None

    def speed(i: Array, node: Node, V: States) -> Array:
        state = {name: value[None] for name, value in V.items()}
        return problem.speed(jnp.asarray(window.s + i.astype(float))[None], node.theta[None], node.g[None], state)[0]

    def renewed(theta: Array) -> Node:
        return Node(theta, problem.gradient(theta[None])[0])

    def step(i: Array, now: Swept) -> Swept:
        _, here, moved, resting, gap = now
        # now, as all that is asked of the nodes comes after it: else they would be copied
        nodes = placed(now.nodes, i + 1, here)

        def old(k: int) -> Node:
            """The node that is k after node i."""
            return Node(*(at(part, i + k + 1) for part in nodes))

        before = old(-1)

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
                following = near[2] if known else renewed(near[2].theta)
                mean = (mean + speed(i + 1, following, further(V, near, ahead))) / 2
            inside = window.s + i.astype(float) < window.last
            return here.theta + jnp.where(inside, problem.h * mean, here.theta - before.theta)

        near = along(moved)
        theta = follow(near)
        if trials:
            theta = root(lambda theta: follow(along(change(renewed(theta)))), near[2].theta, theta, trials)
        new = renewed(theta)
        moved = change(new)
        resting = further(resting, along(moved), 0)
        return Swept(nodes, new, moved, resting, jnp.maximum(gap, magnitude(moved.g)))

    n, none = len(nodes.theta) - 2, jnp.zeros_like(nodes.theta[0])
    nodes = nodes._replace(theta=back(window, nodes.theta))
    here = Node(*(part[1] for part in nodes))
    begin = Swept(nodes, here, Node(none, none), resting(problem, window, nodes.theta), jnp.zeros(()))
    found: Swept = jax.lax.fori_loop(0, n, step, begin)
    return placed(found.nodes, n + 1, found.here), found.gap


def placed(nodes: Node, place: Array | int, node: Node) -> Node:
    """Some nodes with another one at a place."""
    return Node(*(put(part, place, own) for part, own in zip(nodes, node, strict=True)))

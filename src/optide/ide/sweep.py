r"""The equations of a window as a fixed point, by gradients alone: nothing is kept for two parameters at a time.

A sweep goes through the window once, from node to node, and takes every memory along the nodes that it has already
renewed and, ahead of them, along those of the sweep before, moved as the last renewed one was.  So what couples the
steps is treated exactly but for the look-ahead, and where that is weak a few sweeps are all it takes.

There are two kinds.  One takes the integrals of the equations, Q gradients a cell.  The other takes the gradient of
each node alone and goes between the nodes by the cubic that theta goes by, with a correction of each integral, known
from the last of the first kind: that costs one gradient a node.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.cells import BASIS, after, at_start, onwards, remembered, rules
from optide.ide.equations import Evaluation, left
from optide.ide.problem import Problem
from optide.ide.window import Layout, Window, straight_on


class Chain(NamedTuple):
    """Theta and the gradient at the nodes of a window, from node s - 1 on, and at `shift` nodes beyond."""

    theta: Float64[Array, " m *S"]
    g: Float64[Array, " m *S"]


class Weights(NamedTuple):
    """The quadrature of some cells, for all memories: what the points count, and the decay over a cell."""

    value: Float64[Array, " c K Q"]
    decay: Float64[Array, " c K"]


def gradients(problem: Problem, theta: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """The gradient at some nodes, one after another: their memory is that of one."""
    found: Array = jax.lax.map(lambda theta: problem.gradient(theta[None])[0], theta)
    return found


def chained(problem: Problem, window: Window, X: Float64[Array, " n *S"], G: Float64[Array, " n+2 *S"]) -> Chain:
    """The chain of the nodes X after node s; G from node s - 1 on."""
    beyond = jnp.arange(1.0, Layout.of(problem).shift + 1)
    back = jnp.where(window.s == 0, 2 * window.before[1] - X[0], window.before[0])
    theta = jnp.concatenate([back[None], jnp.asarray(window.before[1:]), X])
    return Chain(*(jnp.concatenate([part, straight_on(part, beyond)]) for part in (theta, G)))


def resting(problem: Problem, window: Window, chain: Chain) -> Float64[Array, " K *S"]:
    """The memories at node s."""
    known = jnp.stack([jnp.asarray(value) for value in window.memory.values()])
    if not problem.early:
        return known
    begun = at_start(problem, chain.theta[1 : 2 * problem.substeps + 2 : problem.substeps])
    return jnp.where(window.s == 0, jnp.stack([*begun.values()]), known)


def integral(
    problem: Problem, weight: Float64[Array, " K Q"], corners: Float64[Array, " 4 *S"], known: bool
) -> Float64[Array, " K *S"]:
    """The integrals over one cell, by its corners: those of the gradient, where it is `known`, else of theta."""
    powers = [kernel.power for kernel in problem.optimizer.memories().values()]
    own, others = corners[1], corners - corners[1:2]

    def add(total: Array, point: tuple[Array, Array]) -> tuple[Array, None]:
        basis, weight = point
        value = own + sum(basis[m] * others[m] for m in (0, 2, 3))
        g = value if known else problem.gradient(value[None])[0]
        return total + jnp.stack([weight[k] * g**power for k, power in enumerate(powers)]), None

    total = jnp.zeros((len(powers), *own.shape))
    points = jnp.asarray(BASIS.T), weight.T
    if not known:
        return jax.lax.scan(add, total, points)[0]
    for q in range(len(BASIS.T)):
        total, _ = add(total, (points[0][q], points[1][q]))
    return total


def corners(nodes: Float64[Array, " m *S"], i: Array) -> Float64[Array, " 4 *S"]:
    """Those of cell s + i, of nodes from s - 1 on."""
    found: Array = jax.lax.dynamic_slice_in_dim(nodes, i, 4)
    return found


def integrals(
    problem: Problem, rule: Weights, nodes: Float64[Array, " m *S"], known: bool = False
) -> Float64[Array, " c K *S"]:
    """The same over all cells of a window."""

    def one(given: tuple[Array, Array]) -> Array:
        i, weight = given
        return integral(problem, weight, corners(nodes, i), known)

    found: Array = jax.lax.map(one, (jnp.arange(len(rule.value)), rule.value))
    return found


def rule_of(problem: Problem, window: Window, n: int) -> Weights:
    """The quadrature of the cells of a window with n unknown nodes, from node s on, and of one more."""
    count = n + Layout.of(problem).shift
    value, decay = (jnp.stack(part) for part in zip(*rules(problem, window.s, count), strict=True))
    return Weights(
        jnp.broadcast_to(value.transpose(2, 0, 1), (count, *value.shape[:2])),
        jnp.broadcast_to(decay.T, (count, len(decay))),
    )


def sweep(
    problem: Problem,
    window: Window,
    rule: Weights,
    chain: Chain,
    correction: Float64[Array, " c K *S"] | None = None,
) -> Chain:
    """Renew all nodes of a window; where there is a `correction`, by the gradients of nodes alone."""
    (ahead, shift, _, _), order = Layout.of(problem), problem.order
    known = correction is not None
    n, names = len(chain.theta) - 2 - shift, list(problem.optimizer.memories())
    margins = [((0, shift + 1), *((0, 0),) * (part.ndim - 1)) for part in chain]
    old = Chain(*(jnp.pad(part, width, mode="edge") for part, width in zip(chain, margins, strict=True)))

    def cell(now: Chain, i: Array) -> Array:
        value = integral(problem, rule.value[i], corners(now.g if known else now.theta, i), known)
        return value if correction is None else value + correction[i]

    def further(V: Array, now: Chain, i: Array) -> Array:
        return after(V, rule.decay[i], cell(now, i))

    def speed(i: Array, theta: Array, g: Array, V: Array) -> Array:
        state = {name: V[None, k] for k, name in enumerate(names)}
        return problem.speed(jnp.asarray(window.s + i.astype(float))[None], theta[None], g[None], state)[0]

    def step(carry: tuple[Chain, Array], i: Array) -> tuple[tuple[Chain, Array], None]:
        now, resting = carry
        V = resting
        for cells in range(ahead):
            V = further(V, now, i + cells)
        mean = speed(i, now.theta[i + 1], now.g[i + 1], V)
        if order == 2:
            V = further(V, now, i + ahead)
            g = now.g[i + 2] if known else problem.gradient(now.theta[i + 2][None])[0]
            mean = (mean + speed(i + 1, now.theta[i + 2], g, V)) / 2
        inside = window.s + i.astype(float) < window.last
        theta = now.theta[i + 1] + jnp.where(inside, problem.h * mean, now.theta[i + 1] - now.theta[i])
        renewed = theta, problem.gradient(theta[None])[0]

        def put(part: Array, old: Array, new: Array) -> Array:
            # the nodes after it are moved as it is, until it is their turn
            later = jax.lax.dynamic_slice_in_dim(old, i + 3, shift + 1) + (new - old[i + 2])[None]
            return jax.lax.dynamic_update_slice_in_dim(part, jnp.concatenate([new[None], later]), i + 2, 0)

        now = Chain(*(put(*parts) for parts in zip(now, old, renewed, strict=True)))
        return (now, further(resting, now, i)), None

    (found, _), _ = jax.lax.scan(step, (old, resting(problem, window, chain)), jnp.arange(n))
    return Chain(*(part[: len(chain.theta)] for part in found))


def evaluate(
    problem: Problem, window: Window, rule: Weights, chain: Chain
) -> tuple[Evaluation, Float64[Array, " c K *S"]]:
    """What the equations leave, and the integrals over all cells."""
    (ahead, shift, _, _), names = Layout.of(problem), list(problem.optimizer.memories())
    n = len(chain.theta) - 2 - shift
    count = n + shift - 1
    found = integrals(problem, Weights(*(part[:count] for part in rule)), chain.theta)
    begun = resting(problem, window, chain)
    V = remembered(begun, rule.decay[:count], found)
    seen = V[ahead : ahead + n + problem.order - 1]
    j = jnp.asarray(window.s + np.arange(len(seen), dtype=float))
    state = {name: seen[:, k] for k, name in enumerate(names)}
    mean = problem.speed(j, chain.theta[1 : len(seen) + 1], chain.g[1 : len(seen) + 1], state)
    if problem.order == 2:
        mean = (mean[:-1] + mean[1:]) / 2
    ends: dict[str, Array] = {}
    if ahead * problem.order == 1:
        place = jnp.clip(jnp.asarray(window.last - window.s).astype(int), 0, n)

        def beyond() -> Array:
            along = onwards(jax.lax.dynamic_slice_in_dim(chain.theta, place - 1, 3))
            return after(V[place], rule.decay[0], integral(problem, rule.value[0], along, known=False))

        reached = (window.last >= window.s) & (window.last < window.s + n)
        end = jax.lax.cond(reached, beyond, lambda: jnp.zeros_like(begun))
        ends = {name: end[k] for k, name in enumerate(names)}
    return Evaluation(
        left(window, chain.theta, problem.h * mean),
        chain.theta,
        {name: V[:, k] for k, name in enumerate(names)},
        {name: seen[:n, k] for k, name in enumerate(names)},
        ends,
    ), found

r"""The equations of a window as a fixed point, by gradients alone: nothing is kept for two parameters at a time.

A sweep goes through the window once, from node to node, and takes every memory along the nodes that it has already
renewed and, ahead of them, along those of the sweep before, moved as the last renewed one was.  So what couples the
steps is treated exactly but for the look-ahead, and where that is weak a few sweeps are all it takes.

There are two kinds.  One takes the integrals of the equations, Q gradients a cell.  The other takes the gradient of
each node alone and goes between the nodes by the cubic that theta goes by, with a correction of each integral, known
from the last of the first kind: that costs one gradient a node.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.cells import after, at_start, basis, onwards, remembered, rules
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
        counts, weight = point
        value = own + sum(counts[m] * others[m] for m in (0, 2, 3))
        g = value if known else problem.gradient(value[None])[0]
        return total + jnp.stack([weight[k] * g**power for k, power in enumerate(powers)]), None

    total = jnp.zeros((len(powers), *own.shape))
    points = jnp.asarray(basis().T), weight.T
    if not known:
        return jax.lax.scan(add, total, points)[0]
    for q in range(len(points[0])):
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
    *,
    trials: int = 0,
) -> Chain:
    """Renew all nodes of a window.

    Args:
        chain: the nodes.
        correction: where it is given, integrals are taken of the gradient between nodes, plus it.
        trials: of each node, to solve its equation for itself.
    """
    (ahead, shift, _, _), order = Layout.of(problem), problem.order
    known = correction is not None
    n, names = len(chain.theta) - 2 - shift, list(problem.optimizer.memories())
    margins = [((0, shift + 1), *((0, 0),) * (part.ndim - 1)) for part in chain]
    old = Chain(*(jnp.pad(part, width, mode="edge") for part, width in zip(chain, margins, strict=True)))

    def speed(i: Array, theta: Array, g: Array, V: Array) -> Array:
        state = {name: V[None, k] for k, name in enumerate(names)}
        return problem.speed(jnp.asarray(window.s + i.astype(float))[None], theta[None], g[None], state)[0]

    def step(carry: tuple[Chain, Array], i: Array) -> tuple[tuple[Chain, Array], None]:
        now, resting = carry
        inside = window.s + i.astype(float) < window.last
        # node i is the second of these, and the one after it, which is renewed, the third
        near, before = (Chain(*(jax.lax.dynamic_slice_in_dim(part, i, shift + 4) for part in of)) for of in (now, old))

        def further(V: Array, near: Chain, c: int) -> Array:
            add = integral(problem, rule.value[i + c], (near.g if known else near.theta)[c : c + 4], known)
            return after(V, rule.decay[i + c], add if correction is None else add + correction[i + c])

        def follow(near: Chain) -> Array:
            """Where the equation of node i leads, from what is known of the nodes after it."""
            V = resting
            for c in range(ahead):
                V = further(V, near, c)
            mean = speed(i, near.theta[1], near.g[1], V)
            if order == 2:
                V = further(V, near, ahead)
                g = near.g[2] if known else problem.gradient(near.theta[2:3])[0]
                mean = (mean + speed(i + 1, near.theta[2], g, V)) / 2
            return near.theta[1] + jnp.where(inside, problem.h * mean, near.theta[1] - near.theta[0])

        def moved(theta: Array) -> Chain:
            """With a new node; those after it are moved as it is, until it is their turn."""
            new = Chain(theta, problem.gradient(theta[None])[0])
            return Chain(
                *(
                    jnp.concatenate([part[:2], to[None], was[3:] + (to - was[2])[None]])
                    for part, to, was in zip(near, new, before, strict=True)
                )
            )

        theta = follow(near)
        if trials:
            theta = root(lambda theta: follow(moved(theta)), near.theta[2], theta, trials)
        near = moved(theta)
        now = Chain(
            *(jax.lax.dynamic_update_slice_in_dim(part, new[2:], i + 2, 0) for part, new in zip(now, near, strict=True))
        )
        return (now, further(resting, near, 0)), None

    (found, _), _ = jax.lax.scan(step, (old, resting(problem, window, chain)), jnp.arange(n))
    return Chain(*(part[: len(chain.theta)] for part in found))


class Bracket(NamedTuple):
    """A search for x = y(x): the last x, the one before with what y(x) - x was there, and limits of the solution."""

    x: Float64[Array, " *S"]
    before: Float64[Array, " *S"]
    left: Float64[Array, " *S"]
    low: Float64[Array, " *S"]
    high: Float64[Array, " *S"]
    turns: Int[Array, ""]


def root(
    function: Callable[[Array], Array], x: Float64[Array, " *S"], y: Float64[Array, " *S"], trials: int
) -> Float64[Array, " *S"]:
    """Solve x = y(x) for each element by itself, by the secant's rule within limits: y - x is taken to fall.

    Args:
        function: y.
        x: a first guess.
        y: its value there.
        trials: the most.
    """

    def going_on(now: Bracket) -> Array:
        # the change of the last turn, and so much more than what the next would be
        small = 1e-14 * jnp.maximum(1.0, jnp.max(jnp.abs(now.x)))
        return (now.turns < trials) & (jnp.max(jnp.abs(now.x - now.before)) > small)

    def turn(now: Bracket) -> Bracket:
        left = function(now.x) - now.x
        low = jnp.where(left > 0, jnp.maximum(now.low, now.x), now.low)
        high = jnp.where(left < 0, jnp.minimum(now.high, now.x), now.high)
        fall = now.left - left
        change = left * (now.x - now.before) / jnp.where(fall == 0, 1.0, fall)
        x = now.x + jnp.where((fall != 0) & (change * left > 0), change, left)
        middle = jnp.where(jnp.isfinite(low) & jnp.isfinite(high), (low + high) / 2, now.x + left)
        x = jnp.where(left == 0, now.x, jnp.where((x > low) & (x < high), x, middle))
        return Bracket(x, now.x, left, low, high, now.turns + 1)

    left = y - x
    low, high = jnp.where(left > 0, x, -jnp.inf), jnp.where(left < 0, x, jnp.inf)
    found: Bracket = jax.lax.while_loop(going_on, turn, Bracket(y, x, left, low, high, jnp.zeros((), int)))
    return found.x


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

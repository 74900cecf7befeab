"""The equations of a window of time, their derivatives, and a prediction of their solution."""

import functools
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float64

from optide.ide import blocks, elimination
from optide.ide.blocks import Layout, Past
from optide.ide.problem import Problem
from optide.problem.optimizer import Memory, Scalar, States

Arguments = ParamSpec("Arguments")
Index = TypeVar("Index", int, Array)
Tree = TypeVar("Tree")

GUARD = 24
"""Blocks that are solved beyond them: each damps the influence of what comes after by 20 or more."""


def needed_blocks(problem: Problem, last: Index) -> Index:
    """The blocks up to the last node, and one beyond it, in which theta goes straight on."""
    return -(-last // Layout.of(problem).size) + 1


class Span(NamedTuple):
    """How the blocks of a problem are divided into windows; all static.

    Attributes:
        windows: their number.
        kept: blocks of a window before the next begins.
        blocks: blocks of a window.
    """

    windows: int
    kept: int
    blocks: int

    @classmethod
    def of(cls, problem: Problem, window: int) -> "Span":
        needed = needed_blocks(problem, problem.points - 1)
        windows = max(1, -(-(needed - GUARD) // window))
        if windows == 1:
            return cls(1, needed, needed)
        kept = -(-(needed - GUARD) // windows)
        return cls(-(-(needed - GUARD) // kept), kept, kept + GUARD)


class Window(NamedTuple):
    """Where the blocks of a window are in time.

    Attributes:
        past: of the first block.
        s: index of the node before it, a float.
        last: index of the last node; beyond it theta goes straight on.
    """

    past: Past
    s: Float64[Array, ""]
    last: Scalar

    def known(self, problem: Problem, X: Float64[Array, " n q *S"]) -> Past:
        """The past of the first block; at the start of all, it depends on that block and the next."""
        return choose(self.s == 0, blocks.start(problem, X[0], following(self.past.nodes, X)[0]), self.past)

    def places(self, problem: Problem, count: int) -> Float64[Array, " {count}"]:
        """The index of the node before each of `count` blocks."""
        return self.s + float(Layout.of(problem).size) * jnp.arange(count, dtype=float)


def whole(problem: Problem) -> Window:
    """All the time there is, as one window."""
    return Window(blocks.rest(problem), jnp.zeros(()), problem.last)


class Evaluation(NamedTuple):
    """The equations of a window for given nodes.

    Attributes:
        residual: what they leave.
        pasts: of each block, with a leading axis n.
        states: the memories in the equations.
    """

    residual: Float64[Array, " n q *S"]
    pasts: Past
    states: dict[str, Float64[Array, " n q *S"]]


def straight_on(nodes: Float64[Array, " n *S"], steps: Float64[Array, " m"]) -> Float64[Array, " m *S"]:
    """Theta so many steps after the last of some nodes, if it goes on as between the last two."""
    before, last = nodes[-2], nodes[-1]
    return last[None] + steps.reshape(-1, *(1,) * last.ndim) * (last - before)[None]


def following(nodes: Float64[Array, " b *S"], X: Float64[Array, " n q *S"]) -> Float64[Array, " n q *S"]:
    """The block after each of the blocks X that follow `nodes`; after the last, theta goes straight on."""
    n, q, *shape = X.shape
    all_nodes = jnp.concatenate([nodes, X.reshape(n * q, *shape)])
    return jnp.concatenate([X[1:], straight_on(all_nodes, jnp.arange(1.0, q + 1))[None]])


def evaluate(problem: Problem, window: Window, X: Float64[Array, " n q *S"]) -> Evaluation:
    """The equations of consecutive blocks X."""
    n, q, *shape = X.shape
    past = window.known(problem, X)
    behind = len(past.nodes) - 1
    flat = jnp.concatenate([past.nodes, X.reshape(-1, *shape)])
    nodes = jnp.stack([flat[i : i + (n - 1) * q + 1 : q] for i in range(behind + 1)], axis=1)
    Y = following(past.nodes, X)
    places = window.places(problem, n)
    nothing = Past(nodes, dict.fromkeys(past.memory, jnp.zeros((n, *shape))))
    fresh = jax.vmap(functools.partial(blocks.remember, problem))(nothing, X, Y, places)
    decays = blocks.decay_over_block(problem, places)

    def recall(name: str) -> Array:
        def advance(value: Array, given: tuple[Array, Array]) -> tuple[Array, Array]:
            decay, new = given
            return decay * value + new, value

        return jax.lax.scan(advance, past.memory[name], (decays[name], fresh[name][:, -1]))[1]

    pasts = Past(nodes, {name: recall(name) for name in past.memory})
    each = jax.vmap(functools.partial(blocks.block, problem, last=window.last))
    residual, _, states = each(pasts, X, Y, places)
    return Evaluation(residual, pasts, states)


def linearise(
    problem: Problem,
    window: Window,
    pasts: Past,
    X: Float64[Array, " n q *S"],
    quadrature: int = blocks.QUADRATURE_ORDER,
) -> elimination.Linear:
    """The derivatives of the equations of a window, and of what each block passes on."""
    n, q, *shape = X.shape
    _, unravel = jax.flatten_util.ravel_pytree(jax.tree.map(lambda leaf: leaf[0], pasts))

    def ravel(past: Past) -> Array:
        return jax.flatten_util.ravel_pytree(past)[0]

    z, x, y = jax.vmap(ravel)(pasts), X.reshape(n, -1), following(pasts.nodes[0], X).reshape(n, -1)
    ends = np.cumsum([z.shape[1], x.shape[1], y.shape[1]])

    def of_block(change: Array, z: Array, x: Array, y: Array, s: Array) -> tuple[Array, Array]:
        z, x, y = (value + part for value, part in zip((z, x, y), jnp.split(change, ends[:-1]), strict=True))
        given = unravel(z), x.reshape(q, *shape), y.reshape(q, *shape)
        residual, past, _ = blocks.block(problem, *given, s, last=window.last, quadrature=quadrature)
        return residual.ravel(), ravel(past)

    def of_blocks(change: Array) -> tuple[Array, Array]:
        return jax.vmap(functools.partial(of_block, change))(z, x, y, window.places(problem, n))

    def of_start(x: Array, y: Array) -> Array:
        return ravel(blocks.start(problem, x.reshape(q, *shape), y.reshape(q, *shape)))

    def parts(columns: Array) -> list[Array]:
        return jnp.split(jnp.moveaxis(columns, 0, -1), ends[:-1], axis=-1)

    # Column after column, each of all blocks at once: of a Jacobian of a block, XLA computes anew for each number
    # what it shares with others.
    _, push = jax.linearize(of_blocks, jnp.zeros(ends[-1]))
    residual, passed = map(parts, jax.lax.map(push, jnp.eye(ends[-1])))
    from_start = jax.jacfwd(of_start, argnums=(0, 1))(x[0], y[0])
    begun = (jnp.where(window.s == 0, part, 0.0) for part in from_start)
    return elimination.begin(elimination.Linear(*residual, *passed), *begun)


def predict(
    problem: Problem,
    nodes: Float64[Array, " b *S"],
    memory: dict[str, Float64[Array, " *S"]],
    s: Float64[Array, ""],
    count: int,
) -> Float64[Array, " {count} *S"]:
    """An exponential midpoint rule from node s on: over a step, and ahead, the gradient is that halfway.

    Args:
        nodes: theta at the last two nodes or more; the last of them is node s.
        memory: at node s.

    Returns:
        theta at the `count` nodes after s.
    """
    kernels = problem.optimizer.memories()
    reach = problem.lookahead * problem.substeps
    ahead = problem.lookahead * problem.alpha

    def after(memory: States, g: Array, span: Scalar) -> States:
        def one(kernel: Memory, value: Array) -> Array:
            fading = jnp.exp(-kernel.rate * span)
            still = kernel.rate == 0
            mass = jnp.where(still, span, (1 - fading) / jnp.where(still, 1.0, kernel.rate))
            return fading * value + kernel.weight * mass * g**kernel.power

        return {name: one(kernels[name], value) for name, value in memory.items()}

    def step(carry: tuple[Array, Array, States], j: Array) -> tuple[tuple[Array, Array, States], Array]:
        theta, before, memory = carry
        # as if theta went on ahead as in the last step
        seen = after(memory, problem.gradient(theta + reach / 2 * (theta - before)), ahead)
        increment = problem.h * problem.speed(j[None], theta[None], {k: v[None] for k, v in seen.items()})[0]
        span = problem.clock(j + 1) - problem.clock(j) if problem.stretched else problem.h
        memory = after(memory, problem.gradient(theta + increment / 2), span)
        return (theta + increment, theta, memory), theta + increment

    return jax.lax.scan(step, (nodes[-1], nodes[-2], memory), s + jnp.arange(count, dtype=float))[1]


def zeros_of(function: Callable[Arguments, Tree], *arguments: Arguments.args, **keywords: Arguments.kwargs) -> Tree:
    """Zeros like what a function would return."""
    found = jax.eval_shape(function, *arguments, **keywords)
    zeros: Tree = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), found)
    return zeros


def choose(condition: Bool[Array, ""], one: Tree, other: Tree) -> Tree:
    """One of two trees of arrays."""
    chosen: Tree = jax.tree.map(functools.partial(jnp.where, condition), one, other)
    return chosen

"""One window of time after another: how long they are, how one is solved, and what the next is given."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide import products
from optide.ide.newton import GOOD_ENOUGH, HISTORY
from optide.ide.problem import Problem, Result
from optide.ide.products import Answer
from optide.ide.trees import magnitude
from optide.ide.window import Layout, Window, over, whole
from optide.problem.kernels import Scalar

KEPT, KEPT_OF_MANY = 64, 1024
"""Nodes of a window that are kept, or a few more: usually, and of runs that are longer than `LONG`.  Long windows take
less time; short ones are solved more easily where v -> 0, as each starts from what is known to be at rest."""
GUARD = 24
"""Nodes, or as many blocks, that are solved beyond them: each damps the influence of what comes after by 20 or more."""
TOLERANCE = 1e-10
"""What the sum of the equations up to any time may leave: then a solve has converged."""
DAMPING = 20
"""By how much at least a block of nodes damps the influence of what comes after it."""
GROUP = 128
"""Of more than `products.MANY` parameters, those of which one number tells whether they move."""


class Span(NamedTuple):
    """How the nodes of a problem are divided into windows; all static.

    Attributes:
        kept: nodes of a window before the next begins.
        solved: nodes of a window.
        small: whether the program is rather to be small than quick to run.
    """

    kept: int
    solved: int
    small: bool

    @classmethod
    def of(cls, problem: Problem, many: bool, small: bool = False) -> "Span":
        size = products.size_of(problem) if problem.products else None
        most, guard = (size.kept, size.guard) if size else (KEPT_OF_MANY if many else KEPT, GUARD)
        # side by side, whatever one of them skips is computed for the others
        return cls(*products.lengths(problem, most, guard), small or problem.beside)

    def windows(self, problem: Problem, last: int) -> int:
        """How many, so that the last of them has all that the equations up to the last node refer to."""
        return 1 + max(0, -(-(last + Layout.of(problem).block - self.solved) // self.kept))


class Marched(NamedTuple):
    """What the windows have given so far.

    Attributes:
        window: the next.
        nodes: theta from node s - 1 of the window before on, where windows are solved by products: the next one begins
            with some of them, and takes the place of all.
        scale: the largest element of theta where it begins, by products, too; that of theta0 is known.
        guarded: of the nodes that it knows from the one before, which knew less of what comes after them, the `mark` of
            the first block, by products, too.
        sums: of the equations up to there.
        residual: the largest sum of equations up to any time, relative to theta.
        sizes, iterations, sign: the worst of all windows (see `Search`).
    """

    window: Window
    nodes: Float64[Array | np.ndarray, " m *S"] | None
    scale: Scalar | None
    guarded: Float64[Array | np.ndarray, " g"] | None
    sums: Float64[Array | np.ndarray, " *S"]
    residual: Float64[Array | np.ndarray, ""]
    sizes: Float64[Array | np.ndarray, " i"]
    iterations: Int[Array | np.ndarray, ""]
    sign: Float64[Array | np.ndarray, ""]


class Piece(NamedTuple):
    """What is found at the nodes of a window, those that are given up as well, and `ends` (see `Evaluation`).

    The size is that of the largest residual.  Solved by products, theta is that of all nodes, until they are `parted`.
    """

    t: Float64[Array | np.ndarray, " n"]
    theta: Float64[Array | np.ndarray, " n *S"]
    states: Mapping[str, Float64[Array | np.ndarray, " n *S"]]
    ends: Mapping[str, Float64[Array | np.ndarray, " *S"]]
    size: Float64[Array | np.ndarray, ""]


def begin(problem: Problem, span: Span) -> Marched:
    """Before the first window."""
    none, window, nodes, scale, guarded = np.zeros(()), whole(problem), None, None, None
    if problem.products:
        nodes = problem.theta0[None] * np.ones((span.solved + 2, *(1,) * problem.theta0.ndim))
        window, scale = window._replace(before=nodes[:0]), none
        guarded = np.zeros(jax.eval_shape(lambda: mark(problem, nodes)).shape)
    sums = np.zeros(problem.theta0.shape)
    return Marched(window, nodes, scale, guarded, sums, none, np.zeros(HISTORY), np.zeros((), int), np.ones(()))


def mark(problem: Problem, nodes: Float64[Array | np.ndarray, " m *S"]) -> Float64[Array, " g"]:
    """Numbers that tell by how much the first nodes of some move, as many as a block has.

    Of many parameters each is the sum of some, which takes less memory than the nodes; with weights between 1 and 2, of
    which no two are the same, so that what moves to and fro is seen as well.
    """
    group = 1 if problem.theta0.size <= products.MANY else GROUP
    rows = jnp.reshape(nodes[: Layout.of(problem).block], (-1,))
    weighted = rows * (1 + np.arange(rows.size) * np.sqrt(2) % 1)
    return jnp.pad(weighted, (0, -rows.size % group)).reshape(-1, group).sum(axis=1)


def solved(problem: Problem, done: Marched, span: Span, way: str) -> Answer:
    """One window, in one way of `optide.ide.products`; of its nodes, what is known."""
    if done.nodes is None or done.scale is None or way not in products.TRIALS:
        return products.by_newton(problem, done.window, span.solved, span.small, way)
    nodes = products.predicted(problem, done.window, jnp.asarray(done.nodes))
    scale = jnp.where(done.window.s == 0, jnp.max(jnp.abs(problem.theta0)), done.scale)
    return products.by_sweeps(problem, done.window, nodes, jnp.maximum(1.0, scale), way)


def parted(problem: Problem, span: Span, done: Marched, piece: Piece) -> tuple[Marched, Piece]:
    """A window that was solved by products: of its nodes, what it gives and what the next one starts from."""
    if not problem.products:
        return done, piece
    return done._replace(nodes=piece.theta), piece._replace(theta=piece.theta[1 : span.solved + 1])


def again(span: Span, done: Marched, piece: Piece) -> Marched:
    """Before a window that was not solved by products: of its nodes, only those before it are known."""
    nodes = np.roll(piece.theta, span.kept, axis=0)
    if done.window.s == 0:  # where there is none, theta has gone straight back
        nodes[span.kept] = nodes[span.kept + 1]
    return done._replace(nodes=nodes)


def lost(done: Marched) -> bool:
    """Whether a window before had no solution."""
    return bool(np.any(np.isnan(done.window.before)) or np.any(np.isnan(done.sums)))


def advance(problem: Problem, span: Span, done: Marched, ways: tuple[str, ...]) -> tuple[Marched, Piece]:
    """Solve one window, in the first of some ways that leads to a solution; then it is to be `parted`."""
    kept, n = span.kept, span.solved
    if problem.products:
        nodes = products.continued(jnp.asarray(done.nodes), kept)
        done = done._replace(window=done.window._replace(before=nodes[:2]), nodes=nodes)
    answer, window = solved(problem, done, span, ways[0]), done.window
    for way in ways[1:]:
        # as where each way is a program of its own, of which the first has taken the place of the nodes
        unknown = done._replace(nodes=nodes.at[2:].set(jnp.nan)) if problem.products else done
        answer = jax.lax.cond(
            answer.size <= GOOD_ENOUGH,
            lambda answer=answer: answer,
            lambda way=way, unknown=unknown: solved(problem, unknown, span, way),
        )
    found = answer.found
    theta = found.nodes[1 : n + 1] if problem.products else jnp.concatenate([window.before[1:], answer.X[:-1]])
    place = np.arange(n, dtype=float)
    within = over(window.s + place <= window.last, theta.ndim)
    size = jnp.maximum(1.0, jnp.max(jnp.where(within, jnp.abs(theta), 0.0)))
    # of the nodes that are kept, which of the last window are all
    own = (place < kept) | (window.last + Layout.of(problem).block <= window.s + n)
    left = jnp.where(over(own, theta.ndim), found.residual / answer.gain, 0.0)

    def add(total: Array, own: Array) -> tuple[Array, Array]:
        return total + own, magnitude(total + own)

    total, sums = jax.lax.scan(add, jnp.asarray(done.sums), left)
    left_over = magnitude(sums)
    if done.guarded is not None:
        # what the window before leaves, now that more is known of what comes after it
        moved = magnitude(mark(problem, found.nodes[2:]) - done.guarded)
        left_over = jnp.maximum(left_over, jnp.where(window.s == 0, 0.0, moved / DAMPING))
    marched = Marched(
        found.window(window, kept),
        None,
        None,
        None,
        total,
        jnp.maximum(done.residual, left_over / size),
        jnp.maximum(done.sizes, answer.sizes),
        jnp.maximum(done.iterations, answer.iterations),
        jnp.minimum(done.sign, answer.sign),
    )
    t = problem.t_start + problem.clock(window.s + place)
    piece = Piece(t, theta, found.states, found.ends, answer.size)
    if not problem.products:
        return marched, piece
    # theta once, as of many parameters each array of all nodes counts
    window, scale = marched.window._replace(before=found.nodes[:0]), jnp.max(jnp.abs(found.nodes[kept : kept + 2]))
    marched = marched._replace(window=window, scale=scale, guarded=mark(problem, found.nodes[kept + 2 :]))
    return marched, piece._replace(theta=found.nodes)


def result(
    done: Marched, t: Array | np.ndarray, theta: Array | np.ndarray, state: Mapping[str, Array | np.ndarray]
) -> Result:
    """What all windows have given."""
    return Result(
        t, theta, state, done.residual <= TOLERANCE, done.iterations, done.residual, done.sizes, done.sign < 0
    )

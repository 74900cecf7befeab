r"""The equations of the published scheme, and refinements of them, by Newton's method in windows of time.

An exponential kernel makes a memory a recursion (`optide.ide.blocks`), so that the equations of one time
are coupled to the state a moment earlier and, weakly, to the next moment.  A window of time starts from a
state that is known; Newton's method starts from a prediction by an exponential Euler method and
solves a linear system, block by block, in each iteration.  The end of a window, which the time after it would
change, is given up: the next window starts before it.  Memory and cost are those of the window and linear
in time.  Derivatives with respect to everything that the problem is made of come from the linear
system at the solution (implicit function theorem), not from the iteration.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide import blocks, elimination
from optide.ide.blocks import Layout, Past
from optide.ide.growing import solve_window
from optide.ide.interpolation import cells
from optide.ide.newton import HISTORY
from optide.ide.problem import Problem, Result
from optide.ide.windows import (
    GUARD,
    Evaluation,
    Span,
    Window,
    evaluate,
    linearise,
    needed_blocks,
    predict,
    straight_on,
    whole,
)
from optide.problem.optimizer import States

WINDOW = 1024
"""Blocks of a window that are kept."""
SHORT_WINDOW = 128
"""The same where Newton's method has got stuck in a long one: there is less to do again."""
TOLERANCE = 1e-10
"""What the sum of the equations up to any time may leave: then a solve has converged."""


class Marched(NamedTuple):
    """What the windows have given so far.

    Attributes:
        past: of the next window.
        seen: the memories at its first node, from which it is predicted.
        sums: of the equations up to there.
        saved: theta and the memories of its equation at the points to save; each window overwrites what
            the one before had only guarded.
        window: theta and memories at all nodes of the last window.
        residual: the largest sum of equations up to any time, relative to theta.
        sizes, iterations, sign: the worst of all windows (see `Iterate`).
        windows: their number.
    """

    past: Past
    seen: dict[str, Float64[Array, " *S"]]
    sums: Float64[Array, " *S"]
    saved: tuple[Array, States]
    window: tuple[Array, States]
    residual: Float64[Array, ""]
    sizes: Float64[Array, " i"]
    iterations: Int[Array, ""]
    sign: Float64[Array, ""]
    windows: Int[Array, ""]


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def solve(problem: Problem, save_every: int = 1, persistent: bool = True, window: int = WINDOW) -> Result:
    """Solve window after window, and keep every `save_every`-th point of the grid.

    Args:
        persistent: whether to go on, at any cost, where Newton's method gets stuck.
        window: blocks that are kept of each.
    """
    span, q, shape = Span.of(problem, window), Layout.of(problem).size, problem.theta0.shape
    kept, points = span.kept * q, span.blocks * q
    entries = -(-points // save_every)

    def advance(done: Marched, k: Array) -> Marched:
        s = (k * kept).astype(float)
        X = predict(problem, done.past.nodes, done.seen, s, points).reshape(span.blocks, q, *shape)
        solved = solve_window(problem, Window(done.past, s, problem.last), X, persistent)
        found = solved.found
        theta = jnp.concatenate([found.pasts.nodes[0][-1:], solved.X.reshape(points, *shape)[:-1]])
        within = blocks.over(s + jnp.arange(points, dtype=float) <= problem.last, theta.ndim)
        size = jnp.max(jnp.abs(theta), initial=1.0, where=within)
        here = theta, {name: value.reshape(points, *shape) for name, value in found.states.items()}
        first = -(-k * kept // save_every)  # the first point to save, among those that are saved
        chosen = save_every * (first + jnp.arange(entries)) - k * kept

        def save(old: Array, new: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(old, new.at[chosen].get(mode="clip"), first, 0)

        left = (found.residual / solved.gain).reshape(points, *shape)[:kept]
        total, sums = jax.lax.scan(lambda total, own: (total + own,) * 2, done.sums, left)
        residual = jnp.max(jnp.abs(sums)) / size
        place = kept - problem.lookahead * problem.substeps  # the equation whose memories end at the next node s
        return Marched(
            jax.tree.map(lambda leaf: leaf[span.kept % span.blocks], found.pasts),
            {name: value[min(place, points - 1)] for name, value in here[1].items()},
            total,
            jax.tree.map(save, done.saved, here),
            here,
            jnp.maximum(done.residual, residual),
            jnp.maximum(done.sizes, solved.sizes),
            jnp.maximum(done.iterations, solved.iterations),
            jnp.minimum(done.sign, solved.sign),
            done.windows + 1,
        )

    def advance_if_needed(done: Marched, k: Array) -> tuple[Marched, None]:
        if problem.end is None:
            return advance(done, k), None
        beyond = (k * span.kept).astype(float) >= needed_blocks(problem, problem.end) - GUARD
        return jax.lax.cond(beyond & (k > 0), lambda: done, lambda: advance(done, k)), None

    def nothing(count: int) -> tuple[Array, States]:
        theta = jnp.zeros((count, *shape))
        return theta, dict.fromkeys(problem.optimizer.memories(), theta)

    resting = jnp.broadcast_to(problem.theta0, (2 * problem.substeps + 1, *shape))
    begin = Marched(
        blocks.rest(problem),
        blocks.at_start(problem, resting),
        jnp.zeros(shape),
        nothing(-(-((span.windows - 1) * kept + points) // save_every) + 1),
        nothing(points),
        jnp.zeros(()),
        jnp.zeros(HISTORY),
        jnp.zeros((), int),
        jnp.ones(()),
        jnp.zeros((), int),
    )
    done, _ = jax.lax.scan(advance_if_needed, begin, jnp.arange(span.windows))
    theta, states = jax.tree.map(lambda leaf: leaf[: (problem.points - 1) // save_every + 1], done.saved)
    states = continued(problem, states, done.window, (done.windows - 1) * kept, save_every)
    return Result(theta, states, done.residual <= TOLERANCE, done.iterations, done.residual, done.sizes, done.sign < 0)


def continued(
    problem: Problem,
    states: dict[str, Float64[Array, " n *S"]],
    window: tuple[Float64[Array, " m *S"], dict[str, Float64[Array, " m *S"]]],
    s: Int[Array, ""] | int,
    save_every: int = 1,
) -> dict[str, Float64[Array, " n *S"]]:
    """Set the memories beyond the last node to those of the published scheme, which continues the last piece.

    Args:
        states: at saved points; the row of the last node is replaced, if there is one.
        window: theta and memories at all nodes of a window that has the last node.
        s: index of the first node of the window.
    """
    if problem.lookahead * problem.substeps * problem.order != 1:
        return states
    theta, memory = window
    last = jnp.asarray(problem.last).astype(int)
    place = last - s
    # with one node before, as theta goes straight back
    chain = jnp.concatenate([2 * theta[:1] - theta[1:2], theta])
    pieces = (piece[-1] for piece in cells(jax.lax.dynamic_slice_in_dim(chain, place - 1, 3)))
    integrals, decay = blocks.cell_integrals(problem, tuple(pieces), jnp.zeros(()))
    row = jnp.where(last % save_every == 0, last // save_every, problem.points)
    return {
        name: value.at[row].set(decay[name] * memory[name][place - 1] + integrals[name], mode="drop")
        for name, value in states.items()
    }


@solve.defjvp
def _differentiate(
    save_every: int, persistent: bool, window: int, primals: tuple[Problem], tangents: tuple[Problem]
) -> tuple[Result, Result]:
    """Implicit differentiation: the equations stay satisfied, equations' + linear X' = 0."""
    (problem,), (change,) = primals, tangents
    result = solve(problem, 1, persistent, window)
    q = Layout.of(problem).size
    missing = Span.of(problem, problem.points).blocks * q - (problem.points - 1)
    beyond = straight_on(result.theta, jnp.arange(1.0, missing + 1))
    X = jnp.concatenate([result.theta[1:], beyond]).reshape(-1, q, *problem.theta0.shape)

    def equations(problem: Problem, X: Array) -> Evaluation:
        return evaluate(problem, whole(problem), X)

    def observe(problem: Problem, X: Array) -> tuple[Array, States]:
        found = equations(problem, X)
        theta = jnp.concatenate([problem.theta0[None], X.reshape(-1, *problem.theta0.shape)])[: problem.points]
        states = {name: value.reshape(-1, *theta.shape[1:]) for name, value in found.states.items()}
        shown = {name: value[: problem.points] for name, value in states.items()}
        return theta, continued(problem, shown, (theta, states), 0)

    linear = linearise(problem, whole(problem), equations(problem, X).pasts, X)
    _, moved = jax.jvp(lambda problem: equations(problem, X).residual, (problem,), (change,))
    along = elimination.solve_blocks(linear, moved.reshape(len(X), -1)).x
    _, (theta, states) = jax.jvp(observe, (problem, X), (change, along.reshape(X.shape)))
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros_like(leaf) if leaf.dtype == float else np.zeros(leaf.shape, jax.dtypes.float0), result
    )
    thin = jax.tree.map(lambda leaf: leaf[::save_every], (result.theta, result.state, theta, states))
    return result._replace(theta=thin[0], state=thin[1]), zeros._replace(theta=thin[2], state=thin[3])

"""Solve a window from a prediction; where Newton's method gets stuck, from one that grows block by block."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.blocks import Past
from optide.ide.newton import HISTORY, PATIENT, QUICK, Iterate, begin, newton
from optide.ide.problem import Problem
from optide.ide.windows import Window, choose, straight_on, zeros_of

GOOD_ENOUGH = 1e-12
"""The same, where no iteration makes it smaller."""
RECENT = 6
"""Where blocks are added one by one: so many are solved again with each new one."""
GUESSES = (1.0, 0.0, -1.0, 0.5, 2.0, -0.5, 0.25, -2.0, 0.1, -0.25, 4.0, -4.0)
"""Of the increment of a new block: these multiples of the last."""


def grow(problem: Problem, window: Window, X: Float64[Array, " n q *S"]) -> Float64[Array, " n q *S"]:
    """Predict the blocks of a window one after the other, where Newton's method on all of them at once is stuck.

    Each new block is solved together with the `RECENT` ones before it, as if theta went straight on after it,
    from the first of several guesses that leads to a solution.  Blocks further back stay as they are.

    Args:
        X: another prediction, of which the first block is used.
    """
    count, q, first = *X.shape[:2], X[0]
    kept = min(RECENT, count - 1) + 1

    def add(carry: tuple[Window, Array, Past], k: Array) -> tuple[tuple[Window, Array, Past], Array]:
        (past, s, _), X, pasts = carry
        oldest = X[0]
        # make room for it
        past, s, X, pasts = choose(
            k >= kept,
            (
                jax.tree.map(lambda leaf: leaf[1], pasts),
                s + q,
                *jax.tree.map(lambda leaf: jnp.roll(leaf, -1, axis=0), (X, pasts)),
            ),
            (past, s, X, pasts),
        )
        place = jnp.minimum(k, kept - 1)
        now = Window(past, s, jnp.minimum(window.last, s + q * (place.astype(float) + 1.0)))
        nodes = pasts.nodes[place]

        # how theta would go on: at first as predicted, as at the start of all there is no last increment
        increments = jnp.where(k == 0, first, straight_on(nodes, jnp.arange(1.0, q + 1))) - nodes[-1:]

        def going_on(tried: tuple[Array, Iterate]) -> Array:
            i, best = tried
            return (i == 0) | (i < len(GUESSES)) & ~(best.size <= GOOD_ENOUGH)

        def attempt(tried: tuple[Array, Iterate]) -> tuple[Array, Iterate]:
            i, best = tried
            own = nodes[-1:] + jnp.asarray(GUESSES)[i] * increments
            guess = straightened(X.at[place].set(own), nodes, place)
            solved = newton(problem, now, begin(problem, now, guess), PATIENT)
            return i + 1, choose((i == 0) | (solved.size < best.size), solved, best)

        untried = jnp.zeros((), int), zeros_of(begin, problem, now, X)
        _, solved = jax.lax.while_loop(going_on, attempt, untried)
        return (now, solved.X, solved.found.pasts), oldest

    nothing = jnp.broadcast_to(window.past.nodes[-1], (kept + 1, q, *problem.theta0.shape))
    pasts = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (kept + 1, *leaf.shape)), window.past)
    (_, X, _), dropped = jax.lax.scan(add, (window, nothing, pasts), jnp.arange(count))
    return jnp.concatenate([dropped[kept:], X[:kept]])


def solve_window(problem: Problem, window: Window, X: Float64[Array, " n q *S"], persistent: bool) -> Iterate:
    """Solve a window from a prediction X; where that fails and `persistent`, from a grown one."""

    def going_on(carry: tuple[Array, Iterate]) -> Array:
        attempts, now = carry
        return (attempts == 0) | (attempts == 1) & persistent & (now.size > GOOD_ENOUGH)

    def attempt(carry: tuple[Array, Iterate]) -> tuple[Array, Iterate]:
        attempts, before = carry
        guess = jax.lax.cond(attempts == 0, lambda: X, lambda: grow(problem, window, X)) if persistent else X
        effort = choose(attempts == 0, QUICK, PATIENT)
        now = newton(problem, window, begin(problem, window, guess), effort)
        place = jnp.arange(HISTORY)
        later = now.sizes[jnp.maximum(0, place - before.iterations)]
        sizes = jnp.where(place < before.iterations, before.sizes, later)
        return attempts + 1, now._replace(iterations=before.iterations + now.iterations, sizes=sizes)

    # one loop, so that Newton's method is compiled once
    untried = jnp.zeros((), int), zeros_of(begin, problem, window, X)
    return jax.lax.while_loop(going_on, attempt, untried)[1]


def straightened(
    X: Float64[Array, " n q *S"], before: Float64[Array, " b *S"], k: Int[Array, ""]
) -> Float64[Array, " n q *S"]:
    """The blocks X with theta going straight on after block k."""
    n, q, *shape = X.shape
    after = jnp.arange(n * q, dtype=float) - (q * k + q - 1).astype(float)
    beyond = straight_on(jnp.concatenate([before[-1:], X[k]]), after)
    return jnp.where((after > 0).reshape(n, q, *(1,) * len(shape)), beyond.reshape(X.shape), X)

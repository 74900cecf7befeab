"""Solve a window of time: by products with the objective's derivatives alone, or by Newton's method."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.equations import Evaluation
from optide.ide.newton import GOOD_ENOUGH, HISTORY, newton
from optide.ide.predict import predict
from optide.ide.problem import Problem
from optide.ide.settle import LOOKS, settle
from optide.ide.window import Window

SWEEPS, CAREFUL, NEWTON = "sweeps", "careful", "newton"
"""The ways: each is for where the one before fails, and takes longer."""
TRIALS = {SWEEPS: 0, CAREFUL: 30}
"""Of a node in a sweep, to solve its equation for itself: so v may change by much within a step."""
AHEAD = 3
"""Nodes through which a parabola goes on beyond what is solved."""


class Size(NamedTuple):
    """How much of the time a window has, and how much of the past the sweeps have in mind; by the size of theta.

    Attributes:
        kept, guard: nodes, or as many blocks, as in `optide.ide.advance.Span`.
        depth: of Anderson's acceleration.
    """

    kept: int
    guard: int
    depth: int


USUAL, LEAN = Size(8, 4, 8), Size(3, 3, 2)
MATRIX = 64
"""Parameters up to which there is Newton's method, with the matrix of a window of this length."""
MANY = 4096
"""Parameters up to which memory is of no concern."""


def size_of(problem: Problem) -> Size:
    return USUAL if problem.theta0.size <= MANY else LEAN


class Answer(NamedTuple):
    """What is known of a window in the end.

    Attributes:
        X: the nodes after s.
        found: the evaluation.
        gain: how strongly each equation depends on theta, and 1 at least.
        size: the largest residual, in these units and relative to theta.
        sizes, iterations, sign: see `optide.ide.newton.Search`.
    """

    X: Float64[Array, " n *S"]
    found: Evaluation
    gain: Float64[Array, " n *S"]
    size: Float64[Array, ""]
    sizes: Float64[Array, " i"]
    iterations: Int[Array, ""]
    sign: Float64[Array, ""]


def ways(problem: Problem) -> tuple[str, ...]:
    """Those that there are, the first one first."""
    if not problem.products:
        return (NEWTON,)
    return (SWEEPS, CAREFUL, NEWTON) if problem.theta0.size <= MATRIX else (SWEEPS, CAREFUL)


def by_sweeps(problem: Problem, window: Window, X: Float64[Array, " n *S"], trials: int) -> Answer:
    """By sweeps, from a prediction; where they do not solve a window, there are no numbers."""
    found = settle(problem, window, X, size_of(problem).depth, trials)
    sizes = jnp.concatenate([found.sizes, jnp.broadcast_to(found.size, HISTORY - LOOKS)])
    X = jnp.where(found.size <= GOOD_ENOUGH, found.X, jnp.nan)
    return Answer(X, found.found, jnp.ones_like(X), found.size, sizes, found.looks, jnp.ones(()))


def by_newton(problem: Problem, window: Window, n: int, small: bool) -> Answer:
    """By Newton's method, from a prediction."""
    search = newton(problem, window, predict(problem, window, n), small)
    seen = search.seen
    return Answer(seen.X, seen.found, seen.gain, seen.size, search.sizes, search.iterations, seen.sign)


def predicted(problem: Problem, window: Window, guess: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """The nodes from which the sweeps start: at the start of all, nothing has been solved that could be continued."""
    found: Array = jax.lax.cond(window.s == 0, lambda: predict(problem, window, len(guess)), lambda: guess)
    return found


def continued(nodes: Float64[Array, " n *S"], kept: int) -> Float64[Array, " n *S"]:
    """The nodes after those that are kept, and as many more along a parabola through the last of all."""
    further = []
    tail = list(nodes[-AHEAD:])
    for _ in range(kept):
        tail = [*tail[1:], 3 * (tail[2] - tail[1]) + tail[0]]
        further.append(tail[-1])
    return jnp.concatenate([nodes[kept:], jnp.stack(further)])

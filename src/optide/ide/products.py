"""Solve a window of time: by products with the objective's derivatives alone, or by Newton's method."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64, Int

from optide.ide import krylov
from optide.ide.equations import Evaluation
from optide.ide.newton import HISTORY, look, newton
from optide.ide.predict import predict
from optide.ide.problem import Problem
from optide.ide.settle import LOOKS, settle
from optide.ide.window import Window

SWEEPS, NEWTON, BOTH = "sweeps", "newton", "both"
"""The ways: the first is the faster one, the second for where it fails; and one after the other, if need be."""
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
"""Parameters up to which Newton's method has a matrix, of a window of this length."""
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


def by_sweeps(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> Answer:
    """By sweeps, from a prediction."""
    found = settle(problem, window, X, size_of(problem).depth)
    sizes = jnp.concatenate([found.sizes, jnp.broadcast_to(found.size, HISTORY - LOOKS)])
    return Answer(found.X, found.found, jnp.ones_like(X), found.size, sizes, found.looks, jnp.ones(()))


def by_newton(problem: Problem, window: Window, n: int, small: bool) -> Answer:
    """By Newton's method, from a prediction: with the matrix, as long as it is no large one, else by GMRES."""
    matrix = not problem.products or problem.theta0.size <= MATRIX
    search = newton(problem, window, predict(problem, window, n), small, look if matrix else krylov.look)
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

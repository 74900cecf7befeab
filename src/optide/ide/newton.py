"""A damped Newton's method for the equations of a window."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float64, Int

from optide.ide import blocks, elimination
from optide.ide.problem import Problem
from optide.ide.windows import Evaluation, Window, choose, evaluate, linearise
from optide.problem.optimizer import Scalar

ENOUGH = 1e-14
"""What an equation may leave, relative to theta, at the end of Newton's method."""
ORDINARY_GAIN = 4.0
"""The sum of the derivatives of an equation is 2 where theta' hardly depends on theta."""


class Effort(NamedTuple):
    """How long Newton's method goes on.

    Attributes:
        iterations: the most.
        smallest_step: of a damped one, as a fraction.
    """

    iterations: Int[Array, ""] | int
    smallest_step: Scalar


QUICK, PATIENT = Effort(12, 0.05), Effort(60, 1e-4)
"""At first, and for a window that has got stuck."""
HISTORY = QUICK.iterations + PATIENT.iterations
"""The most iterations of a window."""


class Iterate(NamedTuple):
    """A window that is being solved.

    Attributes:
        X: its blocks.
        found: their evaluation.
        size: the largest residual (see `measure`).
        iterations: that are done.
        stuck: whether the last iteration found nothing better.
        sign: of the determinant of the last linear system.
        gain: how strongly each equation depends on theta, and 1 at least.
        sizes: the size after each of `HISTORY` iterations; after the last, the last.
    """

    X: Float64[Array, " n q *S"]
    found: Evaluation
    size: Float64[Array, ""]
    iterations: Int[Array, ""]
    stuck: Bool[Array, ""]
    sign: Float64[Array, ""]
    gain: Float64[Array, " n q *S"]
    sizes: Float64[Array, " i"]


Trial = tuple[Array, tuple[Array, Evaluation, Array]]
"""The next step to try; and what the last one led to: blocks, their evaluation and its size."""


def measure(window: Window, found: Evaluation, gain: Float64[Array, " n q *S"]) -> Float64[Array, ""]:
    """The largest residual, relative to theta and to how strongly the equation depends on it.

    Where v -> 0 the velocity amplifies the rounding of theta by up to alpha f'' / eps: no theta in
    float64 makes the equation hold better than that.
    """
    return jnp.max(jnp.abs(found.residual) / gain) / jnp.maximum(1.0, jnp.max(jnp.abs(window.past.nodes)))


def newton(problem: Problem, window: Window, now: Iterate, effort: Effort) -> Iterate:
    """A damped Newton's method for a window, until it is solved or gets stuck."""

    def going_on(now: Iterate) -> Array:
        # the first iteration even where the prediction would do: a bias adds up over many windows
        return ((now.size > ENOUGH) | (now.iterations == 0)) & ~now.stuck & (now.iterations < effort.iterations)

    def improve(now: Iterate) -> Iterate:
        linear = linearise(problem, window, now.found.pasts, now.X, blocks.NEWTON_ORDER)
        solved = elimination.solve_blocks(linear, now.found.residual.reshape(len(now.X), -1))
        gain = jnp.maximum(1.0, solved.gains.reshape(now.X.shape) / ORDINARY_GAIN)
        size = measure(window, now.found, gain)

        def too_far(trial: Trial) -> Array:
            step, (_, _, new) = trial
            return ~((new < size) | (new <= ENOUGH)) & (step > effort.smallest_step)

        def attempt(trial: Trial) -> Trial:
            step, _ = trial
            X = now.X + step * solved.x.reshape(now.X.shape)
            found = evaluate(problem, window, X)
            return step / 2, (X, found, measure(window, found, gain))

        start = jnp.ones(()), (now.X, now.found, jnp.full((), jnp.inf))
        _, new = jax.lax.while_loop(too_far, attempt, start)
        better = (new[2] < size) | (new[2] <= ENOUGH)
        new = choose(better, new, (now.X, now.found, size))
        sizes = jnp.where(jnp.arange(len(now.sizes)) < now.iterations, now.sizes, new[2])
        return Iterate(*new, now.iterations + 1, ~better, solved.sign, gain, sizes)

    return jax.lax.while_loop(going_on, improve, now)


def begin(problem: Problem, window: Window, X: Float64[Array, " n q *S"]) -> Iterate:
    """A window before the first iteration."""
    found = evaluate(problem, window, X)
    gain = jnp.ones_like(X)
    size, none, no = measure(window, found, gain), jnp.zeros((), int), jnp.zeros((), bool)
    return Iterate(X, found, size, none, no, jnp.ones(()), gain, jnp.zeros(HISTORY))

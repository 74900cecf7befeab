"""A damped Newton's method for the equations of a window."""

from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp

from optide.ide import blocks, elimination
from optide.ide.problem import Problem
from optide.ide.windows import Evaluation, Window, choose, evaluate, linearise

Array = jax.Array

ENOUGH = 1e-14
"""What an equation may leave, relative to theta, at the end of Newton's method."""
ORDINARY_GAIN = 4.0
"""The sum of the derivatives of an equation is 2 where theta' hardly depends on theta."""
QUICK = 12, 0.05
PATIENT = 60, 1e-4
"""Iterations of Newton's method, and the smallest step of a damped one, as a fraction: at first, and for a window
that has got stuck."""
HISTORY = QUICK[0] + PATIENT[0]
"""The most iterations of a window."""


class Iterate(NamedTuple):
    """A window that is being solved.

    Attributes:
        X: its blocks, (n, q, *S).
        found: their evaluation.
        size: the largest residual (see `measure`).
        count: iterations done.
        stuck: whether the last iteration found nothing better.
        sign: of the determinant of the last linear system.
        gain: how strongly each equation depends on theta, (n, q, *S), and 1 at least.
        sizes: (HISTORY,) the size after each iteration; after the last, the last.
    """

    X: Array
    found: Evaluation
    size: Array
    count: Array
    stuck: Array
    sign: Array
    gain: Array
    sizes: Array


def measure(window: Window, found: Evaluation, gain: Array) -> Array:
    """The largest residual, relative to theta and to how strongly the equation depends on it.

    Where v -> 0 the velocity amplifies the rounding of theta by up to alpha f'' / eps: no theta in
    float64 makes the equation hold better than that.
    """
    return jnp.max(jnp.abs(found.residual) / gain) / jnp.maximum(1.0, jnp.max(jnp.abs(window.past.nodes)))


def newton(problem: Problem, window: Window, now: Iterate, effort: tuple[Array, Array]) -> Iterate:
    """A damped Newton's method for a window, until it is solved or gets stuck.

    Args:
        effort: the number of iterations, and the smallest step.
    """
    iterations, smallest_step = effort

    def going_on(now):
        # the first iteration even where the prediction would do: a bias adds up over many windows
        return ((now.size > ENOUGH) | (now.count == 0)) & ~now.stuck & (now.count < iterations)

    def improve(now):
        linear = linearise(problem, window, now.found.pasts, now.X, blocks.NEWTON_ORDER)
        solved = elimination.solve_blocks(linear, now.found.residual.reshape(len(now.X), -1))
        gain = jnp.maximum(1.0, solved.gains.reshape(now.X.shape) / ORDINARY_GAIN)
        size = measure(window, now.found, gain)

        def too_far(trial):
            step, (_, _, new) = trial
            return ~((new < size) | (new <= ENOUGH)) & (step > smallest_step)

        def attempt(trial):
            step, _ = trial
            X = now.X + step * solved.x.reshape(now.X.shape)
            found = evaluate(problem, window, X)
            return step / 2, (X, found, measure(window, found, gain))

        _, new = jax.lax.while_loop(too_far, attempt, (1.0, (now.X, now.found, jnp.inf)))
        better = (new[2] < size) | (new[2] <= ENOUGH)
        new = choose(better, new, (now.X, now.found, size))
        sizes = jnp.where(jnp.arange(len(now.sizes)) < now.count, now.sizes, new[2])
        return Iterate(*new, now.count + 1, ~better, solved.sign, gain, sizes)

    return jax.lax.while_loop(going_on, improve, now)


def begin(problem: Problem, window: Window, X: Array) -> Iterate:
    """A window before the first iteration."""
    found = evaluate(problem, window, X)
    gain = jnp.ones_like(X)
    return Iterate(X, found, measure(window, found, gain), 0, False, 1.0, gain, jnp.zeros(HISTORY))

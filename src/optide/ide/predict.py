"""A prediction of the solution in a window."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.problem import Problem
from optide.ide.window import Window
from optide.problem.kernels import Memory, Scalar
from optide.problem.optimizer import States

Carry = tuple[Array, Array, States]
"""Theta at a node and the one before it, and the memories at that."""


def predict(problem: Problem, window: Window, count: int) -> Float64[Array, " {count} *S"]:
    """Theta at the `count` nodes after s, by an exponential midpoint rule.

    Over a step, and ahead, the gradient is that halfway, and the memories are exact for it; theta goes on ahead as in
    the last step.
    """
    kernels = problem.optimizer.memories()
    ahead = problem.lookahead * problem.alpha

    def after(memory: States, g: Array, span: Scalar) -> States:
        def one(kernel: Memory, value: Array) -> Array:
            still = kernel.rate == 0
            fading = jnp.exp(-kernel.rate * span)
            mass = jnp.where(still, span, (1 - fading) / jnp.where(still, 1.0, kernel.rate))
            return fading * value + kernel.weight * mass * g**kernel.power

        return {name: one(kernels[name], value) for name, value in memory.items()}

    def step(carry: Carry, j: Array) -> tuple[Carry, Array]:
        theta, before, memory = carry
        last_step = theta - before
        reach = problem.lookahead * problem.substeps / 2
        g = problem.gradient(jnp.stack([theta - last_step / 2, theta, theta + reach * last_step]))
        # the memories are those of the node before, at first of this one
        span = jnp.where(j == window.s, 0.0, problem.clock(j) - problem.clock(j - 1))
        memory = after(memory, g[0], span)
        seen = {name: value[None] for name, value in after(memory, g[2], ahead).items()}
        new = theta + problem.h * problem.speed(j[None], theta[None], g[1:2], seen)[0]
        return (new, theta, memory), new

    begin = jax.tree.map(jnp.asarray, (window.before[1], window.before[0], window.memory))
    predicted: Array = jax.lax.scan(step, begin, jnp.asarray(window.s + np.arange(count, dtype=float)))[1]
    return predicted

"""Solve a window by sweeps: of the equations, to see what is left, and of gradients at nodes, to take it away."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.anderson import fixed_point
from optide.ide.equations import Evaluation
from optide.ide.problem import Problem
from optide.ide.sweep import Node, chained, evaluate, gradients, integrals, rules_of, start, sweep, with_before
from optide.ide.window import Window
from optide.problem.optimizer import States

ENOUGH = 1e-13
"""What an equation may leave, relative to theta."""
REDUCTION = 5e-3
"""By how much the sweeps of nodes lessen what is left, before the equations are looked at again."""
LOOKS, SWEEPS = 70, 40
"""The most looks at the equations, and sweeps after each."""
PATIENCE = 4
"""Looks in which what is left is to be halved at least."""


class Settled(NamedTuple):
    """How far a window is solved.

    Attributes:
        X: the nodes of the window.
        g: the gradient from node s - 1 on.
        integrals: over all cells.
        size: the largest residual, relative to theta.
        looks: at the equations.
        sizes: after each of them.
        sweeps: of nodes.
    """

    X: Float64[Array, " n *S"]
    g: Float64[Array, " m *S"]
    integrals: States
    size: Float64[Array, ""]
    looks: Int[Array, ""]
    sizes: Float64[Array, " looks"]
    sweeps: Int[Array, ""]


def settle(
    problem: Problem, window: Window, X: Float64[Array, " n *S"], *, depth: int, trials: int, damped: bool
) -> tuple[Settled, Evaluation]:
    """Solve the equations of a window from a prediction, as far as sweeps do: the size tells.

    Args:
        depth: of Anderson's acceleration.
        trials: of each node in a sweep, to solve its equation for itself.
        damped: whether from look to look only half of the way is gone, where else they jump back and forth.

    Returns:
        How far it is solved, and what the equations say in the end.
    """
    n = len(X)
    rules, scale = rules_of(problem, window, n), jnp.maximum(1.0, jnp.max(jnp.abs(window.before)))

    def look(X: Array, G: Array, looks: Array, sizes: Array, sweeps: Array) -> Settled:
        chain = chained(problem, window, X, G)
        found = integrals(problem, rules, chain.theta)
        size = jnp.max(jnp.abs(evaluate(problem, window, rules, chain, found).residual)) / scale
        sizes = jnp.where(np.arange(LOOKS) < looks, sizes, size)
        return Settled(X, G, found, size, looks + 1, sizes, sweeps)

    def going_on(now: Settled) -> Array:
        # to no avail, where a few looks have not even halved it
        idle = (now.looks > PATIENCE) & (now.size > now.sizes[jnp.maximum(now.looks - 1 - PATIENCE, 0)] / 2)
        return (now.looks < LOOKS) & (now.size > ENOUGH) & jnp.isfinite(now.size) & ~idle

    def renew(now: Settled) -> Settled:
        chain = chained(problem, window, now.X, now.g)
        straight = integrals(problem, rules, chain.g, known=True)
        correction = {name: value - straight[name] for name, value in now.integrals.items()}

        def swept(G: Array, X: Array) -> tuple[Array, Array]:
            first = start(window, X, now.g[:2])
            renewed = sweep(problem, window, rules, first, Node(X, G), correction=correction, trials=trials)
            return renewed.g, renewed.theta

        done = fixed_point(swept, now.g[2:], now.X, depth=depth, reduction=REDUCTION, most=SWEEPS)
        X, G = done.other, jnp.concatenate([now.g[:2], done.y])
        if damped:
            X = (now.X + X) / 2
            G = gradients(problem, with_before(window, X))
        return look(X, G, now.looks, now.sizes, now.sweeps + done.turns)

    none = jnp.zeros((), int)
    first = look(X, gradients(problem, with_before(window, X)), none, jnp.zeros(LOOKS), none)
    found: Settled = jax.lax.while_loop(going_on, renew, first)
    # of all that, the iteration keeps no more than it needs
    return found, evaluate(problem, window, rules, chained(problem, window, found.X, found.g), found.integrals)

"""Solve a window by sweeps: of the equations, to see what is left, and of gradients at nodes, to take it away."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64, Int

from optide.ide.anderson import fixed_point
from optide.ide.equations import Evaluation
from optide.ide.look import evaluate, largest
from optide.ide.newton import GOOD_ENOUGH
from optide.ide.problem import Problem
from optide.ide.sweep import (
    Node,
    back,
    gradients,
    integrals,
    no_integrals,
    rowwise,
    rules_of,
    sweep,
)
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
        nodes: from s - 1 on.
        integrals: over all cells.
        size: the largest residual, relative to theta.
        looks: at the equations.
        sizes: after each of them.
        sweeps: of nodes.
    """

    nodes: Node
    integrals: States
    size: Float64[Array, ""]
    looks: Int[Array, ""]
    sizes: Float64[Array, " looks"]
    sweeps: Int[Array, ""]


def settle(
    problem: Problem,
    window: Window,
    theta: Float64[Array, " m *S"],
    scale: Float64[Array, ""],
    *,
    depth: int,
    trials: int,
    damped: bool,
) -> tuple[Settled, Evaluation]:
    """Solve the equations of a window, as far as sweeps do: the size tells.

    Whatever is renewed overwrites what it was: of many parameters, each array of all nodes counts.

    Args:
        theta: a prediction, from node s - 1 on.
        scale: what is left is relative to it.
        depth: of Anderson's acceleration.
        trials: of each node in a sweep, to solve its equation for itself.
        damped: whether from look to look only half of the way is gone, where else they jump back and forth.

    Returns:
        How far it is solved, and what the equations say in the end: where that is not enough, of no numbers.
    """
    rules, theta = rules_of(problem, window, len(theta) - 2), back(window, theta)

    def look(nodes: Node, found: States, looks: Array, sizes: Array, sweeps: Array) -> Settled:
        found = integrals(problem, rules, nodes.theta, found)
        size = largest(problem, window, rules, nodes, found) / scale
        sizes = jnp.where(np.arange(LOOKS) < looks, sizes, size)
        return Settled(nodes, found, size, looks + 1, sizes, sweeps)

    def going_on(now: Settled) -> Array:
        # to no avail, where a few looks have not even halved it
        idle = (now.looks > PATIENCE) & (now.size > now.sizes[jnp.maximum(now.looks - 1 - PATIENCE, 0)] / 2)
        return (now.looks < LOOKS) & (now.size > ENOUGH) & jnp.isfinite(now.size) & ~idle

    def renew(now: Settled) -> Settled:
        correction = integrals(problem, rules, now.nodes.g, now.integrals, known=True)

        def swept(g: Array, theta: Array) -> tuple[Array, Array, Array]:
            renewed, gap = sweep(problem, window, rules, Node(theta, g), correction=correction, trials=trials)
            return renewed.g, renewed.theta, gap

        done = fixed_point(swept, now.nodes.g, now.nodes.theta, depth=depth, reduction=REDUCTION, most=SWEEPS, still=2)
        nodes = Node(back(window, done.other), done.y)
        if damped:
            theta = back(window, (now.nodes.theta + nodes.theta) / 2)
            nodes = Node(theta, gradients(problem, theta))
        return look(nodes, correction, now.looks, now.sizes, now.sweeps + done.turns)

    none = jnp.zeros((), int)
    first = look(Node(theta, gradients(problem, theta)), no_integrals(problem, theta), none, jnp.zeros(LOOKS), none)
    found: Settled = jax.lax.while_loop(going_on, renew, first)
    solved = found.size <= GOOD_ENOUGH
    theta = rowwise(lambda own: jnp.where(solved, own, jnp.nan), found.nodes.theta, 2)
    # of all that, the iteration keeps no more than it needs
    return found, evaluate(problem, window, rules, found.nodes._replace(theta=theta), found.integrals)

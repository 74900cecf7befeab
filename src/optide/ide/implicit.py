"""Derivatives of a solution without a matrix: its equations, as a fixed point of a sweep, linearised, by GMRES.

Y. Saad and M. H. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856, as JAX has it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.sparse.linalg import gmres
from jaxtyping import Float64

from optide.ide.equations import Evaluation
from optide.ide.look import evaluate
from optide.ide.problem import Problem
from optide.ide.sweep import Node, gradients, integrals, no_integrals, rules_of, sweep, with_before
from optide.ide.trees import magnitude
from optide.ide.window import Window, whole

RESTART, CYCLES = 60, 10
"""Vectors of GMRES, and how often it begins anew with so many: a parameter whose gradient is near 0 takes one."""
EXACT, GOOD_ENOUGH = 1e-13, 1e-9
"""What is asked to be left of the equations of a derivative, relative to it; and what may be left."""


def gap(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """What a sweep of the equations would change of the nodes X after node s."""
    rules, theta = rules_of(problem, window, len(X)), with_before(window, X)
    g = jnp.broadcast_to(problem.gradient(jnp.asarray(window.before[1:])), theta.shape)
    return X - sweep(problem, window, rules, Node(theta, g))[0].theta[2:]


def invert(function: Callable[[Array], Array], right: Float64[Array, " *n"]) -> Float64[Array, " *n"]:
    """x with function(x) = right, for a linear function; no numbers where it is not found."""
    most = min(RESTART, right.size)
    found: Array = gmres(  # type: ignore[no-untyped-call]  # of JAX, which leaves it untyped
        function, right, tol=EXACT, restart=most, maxiter=CYCLES, solve_method="incremental"
    )[0]
    left = magnitude(function(found) - right)
    return jnp.where(left <= GOOD_ENOUGH * magnitude(right), found, jnp.nan)


def see(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> Evaluation:
    """The equations of a window for the nodes X after node s."""
    rules, theta = rules_of(problem, window, len(X)), with_before(window, X)
    found = integrals(problem, rules, theta, no_integrals(problem, theta))
    return evaluate(problem, window, rules, Node(theta, gradients(problem, theta)), found)


def implicit(problem: Problem, change: Problem, X: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """How all nodes X move with the problem, so that the equations stay satisfied."""

    def left(problem: Problem, X: Array) -> Array:
        return gap(problem, whole(problem), X)

    moved = jax.jvp(lambda problem: left(problem, X), (problem,), (change,))[1]

    # linear in what the right-hand side is, and so is what JAX makes of it for reverse mode
    found: Array = jax.lax.custom_linear_solve(
        lambda along: jax.jvp(lambda X: left(problem, X), (X,), (along,))[1], -moved, invert, invert
    )
    return found

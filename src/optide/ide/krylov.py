"""Newton's correction without a matrix: the equations of a window as a fixed point of a sweep, solved by GMRES.

Y. Saad and M. H. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856, as JAX has it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.sparse.linalg import gmres
from jaxtyping import Bool, Float64

from optide.ide.equations import Evaluation
from optide.ide.newton import ENOUGH, Seen, measure
from optide.ide.problem import Problem
from optide.ide.sweep import chained, evaluate, gradients, rule_of, sweep
from optide.ide.window import Window, whole

RESTART, CYCLES = 20, 5
"""Vectors of GMRES, and how often it begins anew with so many."""
REDUCTION = 1e-3
"""By how much a correction lessens what a linear equation leaves: Newton's method doubles its digits all the same."""
EXACT = 1e-13
"""The same for derivatives of the solution, which are these corrections themselves."""


def gap(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """What a sweep of the equations would change of the nodes X after node s."""
    n, rule = len(X), rule_of(problem, window, len(X))
    here = problem.gradient(jnp.asarray(window.before[1:]))
    chain = chained(problem, window, X, jnp.broadcast_to(here, (n + 2, *X.shape[1:])))
    return X - sweep(problem, window, rule, chain).theta[2 : n + 2]


def invert(function: Callable[[Array], Array], right: Float64[Array, " *n"], reduction: float) -> Float64[Array, " *n"]:
    """x with function(x) = right, but for a part of right, for a linear function."""
    most = min(RESTART, right.size)
    found: Array = gmres(  # type: ignore[no-untyped-call]  # of JAX, which leaves it untyped
        function, right, tol=reduction, restart=most, maxiter=CYCLES, solve_method="incremental"
    )[0]
    return found


def see(problem: Problem, window: Window, X: Float64[Array, " n *S"]) -> Evaluation:
    """The equations of a window for the nodes X after node s."""
    n = len(X)
    nodes = chained(problem, window, X, jnp.zeros((n + 2, *X.shape[1:]))).theta[: n + 2]
    chain = chained(problem, window, X, gradients(problem, nodes))
    return evaluate(problem, window, rule_of(problem, window, n), chain)[0]


def implicit(problem: Problem, change: Problem, X: Float64[Array, " n *S"]) -> Float64[Array, " n *S"]:
    """How all nodes X move with the problem, so that the equations stay satisfied."""

    def left(problem: Problem, X: Array) -> Array:
        return gap(problem, whole(problem), X)

    moved = jax.jvp(lambda problem: left(problem, X), (problem,), (change,))[1]

    def exactly(function: Callable[[Array], Array], right: Array) -> Array:
        return invert(function, right, EXACT)

    # linear in what the right-hand side is, and so is what JAX makes of it for reverse mode
    found: Array = jax.lax.custom_linear_solve(
        lambda along: jax.jvp(lambda X: left(problem, X), (X,), (along,))[1], -moved, exactly, exactly
    )
    return found


def look(
    problem: Problem,
    window: Window,
    X: Float64[Array, " n *S"],
    before: tuple[Float64[Array, " n *S"], Float64[Array, ""], Bool[Array, ""]],
    small: bool,
) -> Seen:
    """What the equations, and Newton's method, say of some nodes; see `optide.ide.newton.look`.

    How strongly the equations depend on theta, and the sign of the determinant, stay as they were given: products do
    not tell them.
    """
    gain, sign, enough = before

    def changed(X: Array) -> Array:
        return gap(problem, window, X)

    found = see(problem, window, X)
    left = measure(window, found.residual, gain)

    def correct() -> Array:
        return invert(lambda along: jax.jvp(changed, (X,), (along,))[1], -changed(X), REDUCTION)

    correction = jax.lax.cond(enough & (left <= ENOUGH), lambda: jnp.zeros_like(X), correct)
    return Seen(X, left, correction, gain, left, sign, found)

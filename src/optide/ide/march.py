r"""The fast scheme: the equations of the published scheme, solved by marching in time.

An exponential kernel makes a memory integral a recursion, V(t+h) = e^{-rate h} V(t) + Q, where Q is
the integral over one cell; on a cell the interpolant is a cubic, so a small Gauss-Legendre rule is
exact to rounding.  Step j then couples theta_{j+1} only to its neighbours and, through the
look-ahead u = t + alpha, to the increments theta_{j+1+i} - theta_{j+1} over the next alpha.  A march
takes these increments from the previous march and solves each step for theta_{j+1} by Newton's
method; the first takes them as 0.  The march is repeated until it reproduces itself.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optide.ide.interpolation import cells, evaluate, pad, polynomial
from optide.ide.problem import ORIGIN, Problem, Result
from optide.ide.quadrature import gauss_legendre
from optide.optimizers import State

Array = jax.Array

ORDER = 1
"""Order of the time stepping in h."""

QUADRATURE_ORDER = 8
TOLERANCE = 1e-12
MAX_ITERATIONS = 200
MAX_NEWTON = 60
ROUNDING = np.finfo(float).eps


def solve(problem: Problem) -> Result:
    """March until the largest residual of the equations, relative to theta, is below 1e-12."""

    def going_on(carry):
        iteration, _, _, residual, _ = carry
        return (residual > TOLERANCE) & (iteration < MAX_ITERATIONS)

    def repeat(carry):
        iteration, theta, _, _, residuals = carry
        theta = march(problem, theta)
        state = memories(problem, theta)
        residual = defect(problem, theta, state)
        return iteration + 1, theta, state, residual, residuals.at[iteration].set(residual)

    theta = jnp.broadcast_to(problem.theta0, (problem.points, *problem.theta0.shape))
    state = {name: jnp.zeros_like(theta) for name in problem.optimizer.memories()}
    start = 0, theta, state, jnp.inf, jnp.full(MAX_ITERATIONS, jnp.nan)
    iterations, theta, state, residual, residuals = jax.lax.while_loop(going_on, repeat, start)
    return Result(theta, state, residual <= TOLERANCE, iterations, residual, residuals)


def defect(problem: Problem, theta: Array, state: State) -> Array:
    """The largest component of theta - sweep(theta), relative to the largest |theta| or 1."""
    velocity = jax.vmap(problem.velocity)(problem.t, problem.u, problem.gradient(theta), state)
    swept = problem.theta0[None] + problem.h * jnp.cumsum(velocity, axis=0)[:-1]
    return jnp.max(jnp.abs(theta[1:] - swept)) / jnp.maximum(1.0, jnp.max(jnp.abs(theta)))


def memories(problem: Problem, theta: Array) -> State:
    """Every memory integral at every u, by the recursion over cells: each (n, *S)."""
    integrals = cell_integrals(problem, cells(theta, problem.substeps))
    before = before_start(problem, theta)
    decay = decays(problem)
    ahead = problem.lookahead * problem.substeps

    def accumulate(name):
        def advance(value, integral):
            return decay[name] * value + integral, value

        inner = integrals[name][problem.substeps :]
        last, values = jax.lax.scan(advance, before[name], inner)
        return jnp.concatenate([values, last[None]])[ahead : ahead + problem.points]

    return {name: accumulate(name) for name in integrals}


class _Carry(NamedTuple):
    """What a step knows of the past: theta_{j-2}, theta_{j-1}, theta_j and the memories at j-1."""

    a: Array
    b: Array
    c: Array
    state: State


def march(problem: Problem, guess: Array) -> Array:
    """One march: theta from theta0 on, with the increments ahead taken from `guess`, (n, *S)."""
    n, reach = problem.points, problem.substeps
    ahead = problem.lookahead * reach
    decay = decays(problem)
    # from the end of each cell between j and j + ahead, to j + ahead
    fading = {name: factor ** jnp.arange(ahead, -1.0, -1.0) for name, factor in decay.items()}
    before = before_start(problem, guess)
    lagged = cell_integrals(problem, cells(guess, reach))
    # the node after the last continues the last secant; those further out are never used
    beyond = jnp.broadcast_to(2 * guess[-1:] - guess[-2:-1], (ahead + 1, *guess.shape[1:]))
    nodes = jnp.concatenate([guess, beyond])

    def step(past: _Carry, j):
        c = past.c
        t = problem.t_start + problem.h * j.astype(float)
        u = t + problem.lookahead * problem.optimizer.learning_rate
        g = problem.gradient(c)
        following = jax.lax.dynamic_slice_in_dim(nodes, j + 1, ahead + 1) - nodes[j + 1][None]

        def left(y):
            """theta_{j-1}; before the start, the first secant continued."""
            return jnp.where(j == 0, 2 * c - y, past.b)

        def remembered(y) -> tuple[State, State]:
            """The memories at grid point j and at j + ahead, if theta_{j+1} = y."""
            chain = jnp.concatenate([jnp.stack([past.a, left(y), c]), y[None] + following])
            pieces = polynomial(chain[:-3], chain[1:-2], chain[2:-1], chain[3:])
            here, there = {}, {}
            integrals = cell_integrals(problem, pieces)
            for name in integrals:
                if reach > 1:  # the look-ahead may pass the last cell: there, those of the guess
                    place = j - 1 + jnp.arange(ahead + 1)
                    old = lagged[name].at[place + reach].get(mode="clip")
                    outside = (place > n - 2).reshape(-1, *(1,) * c.ndim)
                    integrals[name] = jnp.where(outside, old, integrals[name])
                value = jnp.where(j == 0, before[name], decay[name] * past.state[name] + integrals[name][0])
                here[name] = value
                there[name] = fading[name][0] * value + jnp.sum(
                    fading[name][1:].reshape(-1, *(1,) * c.ndim) * integrals[name][1:], axis=0
                )
            return here, there

        def equation(increment):
            here, there = remembered(c + increment)
            residual = increment - problem.h * problem.velocity(t, u, g, there)
            return residual, (residual, here)

        increment, here = newton(equation, nodes[j + 1] - nodes[j], past.state)
        y = c + increment
        return _Carry(left(y), c, y, here), y

    theta0 = problem.theta0
    start = _Carry(theta0, theta0, theta0, {name: jnp.zeros_like(theta0) for name in decay})
    _, theta = jax.lax.scan(step, start, jnp.arange(n - 1))
    return jnp.concatenate([theta0[None], theta])


def newton(equation, x: Array, state: State) -> tuple[Array, State]:
    """Solve equation(x) = 0 by Newton's method, halving steps that do not improve.

    Args:
        equation: x -> (residual, (residual, state)).
        x: where to start, shape (*S).
        state: of the form that the equation returns; not read.

    Returns:
        The solution, to rounding, and the state there.
    """

    def going_on(carry):
        count, x, _, size, step, _ = carry
        return (size > ROUNDING * jnp.max(jnp.abs(x))) & (step > 1e-3) & (count < MAX_NEWTON)

    def improve(carry):
        count, x, direction, size, step, state = carry
        trial = x + step * direction
        jacobian, (residual, reached) = jax.jacfwd(equation, has_aux=True)(trial)
        new_size = jnp.max(jnp.abs(residual))
        better = new_size < size

        def pick(new, old):
            return jnp.where(better, new, old)

        direction = pick(-_solve(jacobian, residual), direction)
        state = jax.tree.map(pick, reached, state)
        return count + 1, pick(trial, x), direction, pick(new_size, size), pick(1.0, step / 2), state

    start = 0, x, jnp.zeros_like(x), jnp.inf, 1.0, state
    _, x, _, _, _, state = jax.lax.while_loop(going_on, improve, start)
    return x, state


def _solve(jacobian: Array, residual: Array) -> Array:
    """jacobian^-1 residual, for shapes (*S, *S) and (*S)."""
    if residual.size == 1:
        return residual / jacobian.reshape(residual.shape)
    square = jacobian.reshape(residual.size, residual.size)
    return jnp.linalg.solve(square, residual.ravel()).reshape(residual.shape)


def decays(problem: Problem) -> State:
    """The factor by which each memory fades over one cell."""
    return {name: jnp.exp(-kernel.rate * problem.h) for name, kernel in problem.optimizer.memories().items()}


def cell_integrals(problem: Problem, pieces: tuple[Array, ...]) -> State:
    """The integral of K(t_{j+1} - s) g(s)^p over each cell: each (cells, *S)."""
    return _integrate(problem, pieces, 0.0, 1.0, problem.h)


def before_start(problem: Problem, theta: Array) -> State:
    """The memories at t_start: the integrals over [1e-12, t_start], each (*S).

    The published scheme continues the first piece to the left.  At t_start = 0 the interval, and
    with it the integral, is slightly negative, so that all later ones start at 1e-12.
    """
    coarse = pad(theta[:: problem.substeps][:3])[:4]
    piece = polynomial(*(node[None] for node in coarse))
    alpha = problem.optimizer.learning_rate
    integrals = _integrate(problem, piece, (ORIGIN - problem.t_start) / alpha, 0.0, alpha)
    return {name: integral[0] for name, integral in integrals.items()}


def _integrate(problem: Problem, pieces: tuple[Array, ...], left, right, unit) -> State:
    """Integrals of K(right - x) g^p over local coordinates x in [left, right], of length `unit`."""
    nodes, weights = gauss_legendre(QUADRATURE_ORDER)
    x, w = (jnp.asarray(a).reshape(-1, *(1,) * pieces[0].ndim) for a in (nodes, weights))
    length = (right - left) * unit
    g = problem.gradient(evaluate(tuple(c[None] for c in pieces), left + (right - left) * x))
    age = length * (1 - x)
    return {
        name: length * kernel.weight * jnp.sum(w * jnp.exp(-kernel.rate * age) * g**kernel.power, axis=0)
        for name, kernel in problem.optimizer.memories().items()
    }

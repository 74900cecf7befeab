"""The discretised equation that both methods solve, and what a solve returns."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from optide.optimizers import Optimizer, State

Array = jax.Array

ORIGIN = 1e-12
"""Lower limit of all memory integrals in the published scheme, in place of 0."""

EARLY = 1e-40
"""A time, in units of alpha, at which the leading term of an expansion at t = 0 is all there is."""


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["optimizer", "theta0", "t_start", "data"],
    meta_fields=["objective", "points", "lookahead", "substeps", "order", "stretched"],
)
@dataclass(frozen=True)
class Problem:
    """An optimizer's equation for one objective and start, on a uniform grid.

    Attributes:
        optimizer: gives the memories and the velocity theta'(t).
        objective: maps theta, and `data`, to a scalar loss.
        theta0: initial value, of any shape S.
        t_start: first grid point, 0 <= t_start <= alpha.
        points: number n of grid points t_j = t_start + j h, with h = alpha / substeps.
        lookahead: 1 if the memories at t run up to u = t + alpha, 0 if up to u = t.
        substeps: grid points per learning rate alpha.
        order: 1 for Euler's method, 2 for the trapezoidal rule.
        stretched: whether the first step is divided so that theta, which starts there like a square
            root of t, is smooth from node to node (without look-ahead, from t = 0).
        data: what the objective depends on beside theta, where derivatives with respect to it are asked for.
    """

    optimizer: Optimizer
    objective: Callable[[Array], Array]
    theta0: Array
    t_start: Array
    points: int
    lookahead: int
    substeps: int
    order: int = 1
    stretched: bool = False
    data: tuple[Array, ...] = ()

    @property
    def h(self) -> Array:
        """The time step."""
        return self.optimizer.learning_rate / self.substeps

    @property
    def t(self) -> Array:
        """The grid, shape (n,)."""
        return self.t_start + self.clock(jnp.arange(self.points, dtype=float))

    def clock(self, j: Array) -> Array:
        """The time from t_start to node j, which need not be an integer.

        Stretched: alpha phi(j / substeps), phi(x) = x - x (1 - x)^4 for x <= 1 and x beyond, so that
        phi(x) ~ 4 x^2 at the start, and three derivatives are continuous at x = 1.
        """
        if not self.stretched:
            return self.h * j
        x = j / self.substeps
        return self.optimizer.learning_rate * (x - x * jnp.maximum(1 - x, 0.0) ** 4)

    def pace(self, j: Array) -> Array:
        """The derivative of the clock at node j, in units of h."""
        if not self.stretched:
            return jnp.ones(jnp.shape(j))
        x = j / self.substeps
        rest = jnp.maximum(1 - x, 0.0)
        return 1 - rest**4 + 4 * x * rest**3

    @property
    def u(self) -> Array:
        """The times up to which the memories run, shape (n,)."""
        return self.t + self.lookahead * self.optimizer.learning_rate

    def gradient(self, theta: Array) -> Array:
        """The gradient of the objective, for theta of shape (..., *S): same shape."""
        flat = theta.reshape(-1, *self.theta0.shape)
        gradient = jax.grad(self.objective)
        return jax.vmap(lambda theta: gradient(theta, *self.data))(flat).reshape(theta.shape)

    def speed(self, j: Array, theta: Array, state: State) -> Array:
        """d theta / d t at nodes j (m,) times the pace there, for theta and each state of shape (m, *S)."""
        t = self.t_start + self.clock(j)
        u = t + self.lookahead * self.optimizer.learning_rate
        g = self.gradient(theta)
        if not self.stretched:
            return jax.vmap(self.velocity)(t, u, g, state)
        wide = (-1, *(1,) * (theta.ndim - 1))
        speed = self.pace(j).reshape(wide) * jax.vmap(self.velocity)(t, jnp.where(j > 0, u, self.h), g, state)
        # at t = 0 the product of a velocity that may be infinite and a pace of 4 sqrt(t / alpha)
        starting = 4 * jnp.sqrt(EARLY) * self.optimizer.initial_velocity(g, EARLY) * self._started(g)
        return jnp.where(j.reshape(wide) > 0, speed, starting)

    def _started(self, g: Array) -> Array:
        """What eps leaves of the leading term at t = 0 in the first cell of a stretched grid, same shape as g.

        In units x of that cell sqrt(v) is proportional to x, so that the velocity has a factor x / (x + q).
        No grid resolves x ~ q; on the average over the cell it is 1 - q log(1 + 1/q).
        """
        first = (2 / self.substeps) ** 2  # the end of the cell, in units of alpha
        nonzero = jnp.where(g == 0, 1.0, g)
        q = self.optimizer.eps * jnp.abs(self.optimizer.initial_velocity(nonzero, first) / nonzero)
        safe = jnp.where(q > 0, q, 1.0)
        average = jnp.where(q > 0, 1 - safe * jnp.log1p(1 / safe), 1.0)
        # the trapezoidal rule takes the mean with the end of the cell
        started = average if self.order == 1 else 2 * average - 1 / (1 + q)
        return jnp.where(g == 0, 0.0, started)

    def velocity(self, t: Array, u: Array, g: Array, state: State) -> Array:
        """theta'(t) at one grid point, with the two special starts of the published scheme.

        At t = 0 exactly it sets all memories to 0; and where nothing is remembered yet, u at the
        lower limit of integration, the quotient 0/0 is replaced by its limit.
        """
        state = {name: jnp.where(t == 0, 0.0, value) for name, value in state.items()}
        velocity = self.optimizer.velocity(u, g, state)
        if self.lookahead:
            return velocity
        return jnp.where(u <= ORIGIN, self.optimizer.initial_velocity(g, EARLY), velocity)


class Result(NamedTuple):
    """What a method returns.

    Attributes:
        theta: (n, *S) solution on the grid.
        state: the memories at u, each (n, *S).
        converged: whether the tolerance was reached.
        iterations: outer iterations used.
        residual: the last one, in the method's norm.
        residuals: (max_iterations,), one per outer iteration.
        ambiguous: whether the equations are known to have other solutions.
    """

    theta: Array
    state: State
    converged: Array
    iterations: Array
    residual: Array
    residuals: Array
    ambiguous: Array = False

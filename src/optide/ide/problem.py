"""The discretised equation that both methods solve, and what a solve returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from optide.optimizers import Optimizer, State

Array = jax.Array

ORIGIN = 1e-12
"""Lower limit of all memory integrals in the published scheme, in place of 0."""


@dataclass(frozen=True)
class Problem:
    """An optimizer's equation for one objective and start, on a uniform grid.

    Attributes:
        optimizer: gives the memories and the velocity theta'(t).
        objective: maps theta to a scalar loss.
        theta0: initial value, of any shape S.
        t_start: first grid point, 0 <= t_start <= alpha.
        points: number n of grid points t_j = t_start + j h, with h = alpha / substeps.
        lookahead: 1 if the memories at t run up to u = t + alpha, 0 if up to u = t.
        substeps: grid points per learning rate alpha.
    """

    optimizer: Optimizer
    objective: Callable[[Array], Array]
    theta0: Array
    t_start: Array
    points: int
    lookahead: int
    substeps: int

    @property
    def h(self) -> Array:
        """The time step."""
        return self.optimizer.learning_rate / self.substeps

    @property
    def t(self) -> Array:
        """The grid, shape (n,)."""
        return self.t_start + self.h * jnp.arange(self.points, dtype=float)

    @property
    def u(self) -> Array:
        """The times up to which the memories run, shape (n,)."""
        return self.t + self.lookahead * self.optimizer.learning_rate

    def gradient(self, theta: Array) -> Array:
        """The gradient of the objective, for theta of shape (..., *S): same shape."""
        flat = theta.reshape(-1, *self.theta0.shape)
        return jax.vmap(jax.grad(self.objective))(flat).reshape(theta.shape)

    def velocity(self, t: Array, u: Array, g: Array, state: State) -> Array:
        """theta'(t) at one grid point, with the two special starts of the published scheme.

        At t = 0 exactly it sets all memories to 0; and where nothing is remembered yet, u at the
        lower limit of integration, the quotient 0/0 is replaced by its limit.
        """
        state = {name: jnp.where(t == 0, 0.0, value) for name, value in state.items()}
        velocity = self.optimizer.velocity(u, g, state)
        if self.lookahead:
            return velocity
        return jnp.where(u <= ORIGIN, self.optimizer.initial_velocity(g), velocity)


class Result(NamedTuple):
    """What a method returns.

    Attributes:
        theta: (n, *S) solution on the grid.
        state: the memories at u, each (n, *S).
        converged: whether the tolerance was reached.
        iterations: outer iterations used.
        residual: the last one, in the method's norm.
        residuals: (max_iterations,), one per outer iteration, NaN after the last.
    """

    theta: Array
    state: State
    converged: Array
    iterations: Array
    residual: Array
    residuals: Array

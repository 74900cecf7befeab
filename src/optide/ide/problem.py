"""The discretised equation that both methods solve, and what a solve returns."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float64, Int

from optide.problem.kernels import Scalar
from optide.problem.optimizer import Optimizer

ORIGIN = 1e-12
"""Lower limit of all memory integrals in the published scheme, in place of 0."""

EARLY = 1e-40
"""A time, in units of alpha, at which the leading term of an expansion at t = 0 is all there is."""


Observe = Callable[[Array], Any]
"""A function of theta that returns what is kept of it."""
Schedule = Callable[[Array], Array]
"""A function of the number of a step that returns what its learning rate is multiplied by."""


def apart(*_: Array) -> Array:
    """In the place of an objective that a compiled program has on its own."""
    raise NotImplementedError


def phi(x: Float64[Array | np.ndarray, " *n"] | float) -> tuple[Float64[Array, " *n"], Float64[Array, " *n"]]:
    """phi(x) = x - x (1 - x)^4, x beyond 1, and its derivative (see `Problem.clock`), for x >= 0."""
    rest = jnp.maximum(1 - x, 0.0)
    return jnp.asarray(x - x * rest**4), 1 - rest**4 + 4 * x * rest**3


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["optimizer", "theta0", "t_start", "data", "end", "divided"],
    meta_fields=[
        "objective",
        "points",
        "lookahead",
        "substeps",
        "order",
        "stretched",
        "early",
        "products",
        "guard",
        "batched",
        "beside",
        "nodes",
        "schedule",
    ],
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
        early: whether t_start may be another than 1e-12, so that there are memories of the time before it.
        data: what the objective depends on beside theta, where derivatives with respect to it are asked for.
        end: index of the last node, a float, where that is not n - 1: beyond it there is nothing to solve, so that
            one program serves intervals of any length ("march" only, and without derivatives).
        divided: the grid points per learning rate, where `substeps` is 1 for that of any program, as what depends on
            what does not depend on it (see `by_steps`).
        products: whether the steps are solved without a matrix, by products with the objective's derivatives.
        guard: nodes, or as many blocks, that are solved beyond a window by products, where more are than usual; else 0.
        batched: whether it is one of many.
        beside: whether it is solved beside many others, which all wait for the slowest: only in the first way.
        nodes: of all runs of a call that are not long, where it has several.
        schedule: maps t / alpha to what the velocity is multiplied by; if there is none, that is 1.
    """

    optimizer: Optimizer
    objective: Callable[..., Array]
    theta0: Float64[Array | np.ndarray, " *S"]
    t_start: Scalar
    points: int
    lookahead: int
    substeps: int
    order: int = 1
    stretched: bool = False
    early: bool = True
    data: tuple[Array, ...] = ()
    end: Float64[Array | np.ndarray, ""] | None = None
    divided: Float64[Array | np.ndarray, ""] | None = None
    products: bool = False
    guard: int = 0
    batched: bool = False
    beside: bool = False
    nodes: int = 0
    schedule: Schedule | None = None

    @property
    def last(self) -> Float64[Array | np.ndarray, ""] | float:
        """Index of the last node, a float; beyond it theta goes straight on."""
        return self.points - 1.0 if self.end is None else self.end

    @property
    def by_steps(self) -> bool:
        """Whether an equation refers to nodes that are whole steps away: those ahead, or those of the start."""
        return bool(self.lookahead) or self.early

    @property
    def per_step(self) -> Float64[Array | np.ndarray, ""] | int:
        """Grid points per learning rate."""
        return self.substeps if self.divided is None else self.divided

    @property
    def alpha(self) -> Float64[Array, ""]:
        """The learning rate."""
        return jnp.asarray(self.optimizer.learning_rate)

    @property
    def h(self) -> Float64[Array, ""]:
        """The time step."""
        return self.alpha / self.per_step

    @property
    def t(self) -> Float64[Array, " n"]:
        """The grid."""
        return jnp.asarray(self.t_start + self.clock(jnp.arange(self.points, dtype=float)))

    def clock(self, j: Float64[Array | np.ndarray, " *n"] | float) -> Float64[Array, " *n"]:
        """The time from t_start to node j, which need not be an integer.

        Stretched: alpha phi(j / substeps), phi(x) = x - x (1 - x)^4 for x <= 1 and x beyond, so that
        phi(x) ~ 4 x^2 at the start, and three derivatives are continuous at x = 1.
        """
        return self.alpha * phi(j / self.per_step)[0] if self.stretched else jnp.asarray(self.h * j)

    def step(self, j: Float64[Array | np.ndarray, " *n"]) -> Float64[Array, " *n"]:
        """The number of the step at node j, t / alpha: whole where it should be, as a quotient of times is not."""
        since = phi(j / self.per_step)[0] if self.stretched else j / self.per_step
        return jnp.asarray(self.t_start / self.alpha + since)

    def pace(self, j: Float64[Array | np.ndarray, " *n"] | float) -> Float64[Array, " *n"]:
        """The derivative of the clock at node j, in units of h."""
        return phi(j / self.per_step)[1] if self.stretched else jnp.ones(jnp.shape(j))

    def node(self, t: Float64[Array, " *n"]) -> Float64[Array, " *n"]:
        """The node, not always an integer, at a time t >= 0 after t_start: the inverse of the clock."""
        if not self.stretched:
            return t / self.h
        tau = t / self.alpha
        x = jnp.maximum(tau, jnp.sqrt(tau) / 2)  # phi(x) <= x and phi(x) <= 4 x^2
        for _ in range(8):  # of Newton's method, which doubles the number of digits each time
            value, slope = phi(x)
            x = x - (value - tau) / slope
        return x * self.per_step

    @property
    def u(self) -> Float64[Array, " n"]:
        """The times up to which the memories run."""
        return self.t + self.lookahead * self.alpha

    def gradient(self, theta: Float64[Array, " *n"]) -> Float64[Array, " *n"]:
        """The gradient of the objective, for theta of shape (..., *S)."""
        flat = theta.reshape(-1, *self.theta0.shape)
        gradient = jax.grad(self.objective)
        found: Array = jax.vmap(lambda theta: gradient(theta, *self.data))(flat)
        return found.reshape(theta.shape)

    def curvature(self, theta: Float64[Array, " n *S"]) -> tuple[Float64[Array, " n *S"], Float64[Array, " n D D"]]:
        """The gradient of the objective, and its derivatives by the D elements of theta."""
        size = self.theta0.size

        def along(direction: Array) -> tuple[Array, Array]:
            g, change = jax.jvp(self.gradient, (theta,), (jnp.broadcast_to(direction, theta.shape),))
            return g, change.reshape(-1, size)

        directions = jnp.eye(size).reshape(size, *self.theta0.shape)
        g, changes = jax.vmap(along, out_axes=(None, -1))(directions)
        return g, changes

    def speed(
        self,
        j: Float64[Array, " m"],
        theta: Float64[Array, " m *S"],
        g: Float64[Array, " m *S"],
        state: dict[str, Float64[Array, " m *S"]],
    ) -> Float64[Array, " m *S"]:
        """What a time step takes for d theta / d t at nodes j, times the pace there.

        That is the velocity, but for t = 0 without look-ahead, where nothing is remembered yet: see `starting`.
        At t_start = 0 the published scheme sets all memories to 0.

        Args:
            j: floats.
            theta: at nodes j.
            g: the gradient there.
            state: the memories at u.
        """
        wide = (-1, *(1,) * (theta.ndim - 1))
        t = jnp.asarray(self.t_start + self.clock(j))
        u = t + self.lookahead * self.alpha
        if self.early or self.stretched:  # else t_start is 1e-12
            state = {name: jnp.where(t.reshape(wide) == 0, 0.0, value) for name, value in state.items()}
        if self.lookahead:
            speed = jax.vmap(self.optimizer.velocity)(u, theta, g, state)
        else:
            at_zero = u <= ORIGIN
            speed = jax.vmap(self.optimizer.velocity)(jnp.where(at_zero, self.h, u), theta, g, state)
            speed = jnp.where(at_zero.reshape(wide), self.starting(theta, g), self.pace(j).reshape(wide) * speed)
        if self.schedule is None:
            return speed
        return jax.vmap(self.schedule)(self.step(j)).reshape(wide) * speed

    def starting(self, theta: Float64[Array, " *n"], g: Float64[Array, " *n"]) -> Float64[Array, " *n"]:
        """What the first time step takes for the velocity times the pace at t = 0, where it may be infinite.

        Euler's method is given the mean of the leading term over the step, so that its increment is the integral:
        where theta' ~ c, that is c; where theta' ~ c (t / alpha)^(-1/2), twice theta' at the end of the step.
        The trapezoidal rule is given the limit.
        """
        early, later = (self.optimizer.initial_velocity(theta, g, tau) for tau in (EARLY, 4 * EARLY))
        if self.order == 1:
            first = phi(1 / self.per_step)[0] if self.stretched else 1 / self.per_step
        else:
            first = (2 / self.per_step) ** 2  # t = alpha (2 x)^2 there
        ended = early * jnp.sqrt(EARLY / first)
        nonzero = jnp.where(g == 0, 1.0, g)
        # What eps leaves of it: sqrt(v) is proportional to s = sqrt(t), so that the velocity has a factor s / (s + q),
        # in units of the step.  No grid resolves s ~ q; on the average over s it is 1 - q log(1 + 1/q).
        q = self.optimizer.eps * jnp.abs(ended / nonzero)
        safe = jnp.where(q > 0, q, 1.0)
        left = jnp.where(q > 0, 1 - safe * jnp.log1p(1 / safe), 1.0)
        infinite = jnp.abs(early) > 1.5 * jnp.abs(later)
        if self.order == 1:
            steps = self.per_step * first  # the length of the first step, in units of h
            return jnp.asarray(steps * jnp.where(infinite, 2 * left * ended, early))
        # the pace is 4 sqrt(t / alpha) there; and of the two ends of the step the rule takes the mean
        return jnp.where(infinite, 4 * jnp.sqrt(EARLY) * early * (2 * left - 1 / (1 + q)), 0.0)


class Result(NamedTuple):
    """What a method returns.

    Attributes:
        t: the grid.
        theta: solution on it.
        state: the memories at u.
        converged: whether the tolerance was reached.
        iterations: outer iterations used.
        residual: the last one, in the method's norm.
        residuals: one per outer iteration, as many as there may be.
        ambiguous: whether the equations are known to have other solutions.
        observed: what was made of theta on the grid, if anything; theta and the memories are then those of its last
            point alone.
    """

    t: Float64[Array | np.ndarray, " n"]
    theta: Float64[Array | np.ndarray, " n *S"]
    state: Mapping[str, Float64[Array | np.ndarray, " n *S"]]
    converged: Bool[Array | np.ndarray, ""]
    iterations: Int[Array | np.ndarray, ""]
    residual: Float64[Array | np.ndarray, ""]
    residuals: Float64[Array | np.ndarray, " i"]
    ambiguous: Bool[Array | np.ndarray, ""]
    observed: Any = None


def watched(result: Result, observe: Observe | None) -> Result:
    """A result with what is observed of theta, in place of all of theta but the last."""
    if observe is None:
        return result
    last = jax.tree.map(lambda leaf: leaf[-1:], (result.theta, result.state))
    return result._replace(theta=last[0], state=last[1], observed=jax.lax.map(observe, jnp.asarray(result.theta)))

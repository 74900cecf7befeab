"""Run a discrete algorithm."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from optide.finite import check_finite, check_underflow, name_of
from optide.objectives import check_objective
from optide.optimizers import Optimizer, State

Array = jax.Array


@dataclass(frozen=True)
class DiscreteRun:
    """The trace of a discrete algorithm: row k holds theta_k and the states before update k.

    Attributes:
        t: times k alpha, (steps,).
        theta: (steps, *S).
        state: each (steps, *S); row 0 is 0.
    """

    t: Array
    theta: Array
    state: State


def run_discrete(
    optimizer: Optimizer, objective: Callable[[Array], Array], theta0: float | Array, steps: int
) -> DiscreteRun:
    """Run `steps` updates of `optimizer` on `objective` from `theta0`, of any shape S.

    Raises:
        ObjectiveError: the objective does not map theta to one float64.
        NonFiniteError: theta or a state left the finite numbers; names the configuration and time.
        UnderflowError: an update divided by the root of a second moment that underflowed; likewise.

    >>> from optide import AdaGrad, run_discrete
    >>> from optide.objectives import quadratic
    >>> run_discrete(AdaGrad(0.1), quadratic, theta0=1.0, steps=2).theta.tolist()
    [1.0, 1.0999999998333334]
    """
    where = f"{optimizer} on {name_of(objective)} from theta0 = {theta0}"
    check_objective(objective, theta0, where)
    theta, state = _scan(optimizer, jnp.asarray(theta0, float), objective, steps)
    run = DiscreteRun(optimizer.learning_rate * jnp.arange(steps, dtype=float), theta, state)
    check_finite(run, where, jax.grad(objective))
    moments = [name for name, memory in optimizer.memories().items() if memory.power == 2]
    check_underflow(run, moments, optimizer.eps, where)
    return run


@functools.partial(jax.jit, static_argnames=("objective", "steps"))
def _scan(optimizer, theta0, objective, steps):
    gradient = jax.grad(objective)

    def update(carry, k):
        theta, state = carry
        return optimizer.step(k, theta, gradient(theta), state), carry

    start = theta0, {name: jnp.zeros_like(theta0) for name in optimizer.memories()}
    return jax.lax.scan(update, start, jnp.arange(steps, dtype=float))[1]

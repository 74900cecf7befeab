"""Run a discrete algorithm."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.base import display
from optide.base.arithmetic import arithmetic, in_float64
from optide.base.words import outline, shown
from optide.problem import arguments
from optide.problem.arguments import Start
from optide.problem.finite import check_finite, check_underflow, name_of
from optide.problem.optimizer import Optimizer, States
from optide.problem.tracing import check_objective, check_optimizer

if TYPE_CHECKING:
    import pandas as pd


@functools.partial(jax.tree_util.register_dataclass, data_fields=["t", "theta", "state"], meta_fields=["arithmetic"])
@dataclass(frozen=True, eq=False, repr=False)
class DiscreteRun:
    """The trace of a discrete algorithm: row k holds theta_k and the states before update k.

    Arrays of NumPy; of JAX where a transformation (`jit`, `vmap`, `grad`) traces the run.

    Attributes:
        t: times k alpha.
        theta: of shape S, at each time.
        state: by name; row 0 is 0.
        arithmetic: "pinned", or why its last bits need not be those of the workflow (`optide.pin`).
    """

    t: Float64[np.ndarray, " steps"]
    theta: Float64[np.ndarray, " steps *S"]
    state: dict[str, Float64[np.ndarray, " steps *S"]]
    arithmetic: str

    __repr__ = outline
    _repr_html_ = display.of_result

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each step: t, theta and the states, each of their elements a column (`theta[0]`)."""
        return display.frame(self)


@in_float64
def run_discrete(optimizer: Optimizer, objective: Callable[[Array], Array], theta0: Start, steps: int) -> DiscreteRun:
    """Run `steps` updates of `optimizer` on `objective` from `theta0`, of any shape S.

    `jax.jit`, `jax.vmap`, `jax.grad` and the like work over theta0, all hyper-parameters and what the objective
    closes over.  Traced, no number is checked.

    Raises:
        ParameterError: an argument is not what it must be.
        TracedError: JAX traces the call, without float64.
        ObjectiveError: the objective does not map theta to one float64, or JAX cannot trace it.
        ConfigError: the optimizer's step does not return theta and all states, or JAX cannot trace it.
        NonFiniteError: theta or a state left the finite numbers; names the configuration and time.
        UnderflowError: an update divided by the root of a second moment that underflowed; likewise.

    >>> from optide import AdaGrad, run_discrete
    >>> from optide.objectives import quadratic
    >>> run_discrete(AdaGrad(0.1), quadratic, theta0=1.0, steps=2).theta.tolist()
    [1.0, 1.0999999998333334]
    """
    numbers, start = arguments.one_optimizer(optimizer), arguments.start("theta0", theta0)
    steps = arguments.at_least(1, "steps", steps)
    where = f"{optimizer} on {name_of(objective)} from theta0 = {shown(theta0)}"
    check_objective(objective, start, where)
    check_optimizer(numbers, "step", start, where)
    run: DiscreteRun = _scan(numbers, start, objective, steps)
    if arguments.traced(run):
        return run
    run = jax.device_get(run)
    check_finite(run, where, jax.grad(objective))
    moments = [name for name, memory in numbers.memories().items() if memory.power == 2]
    check_underflow(run, moments, float(numbers.eps), where)
    return run


@functools.partial(jax.jit, static_argnames=("objective", "steps"))
def _scan(
    optimizer: Optimizer, theta0: Float64[Array | np.ndarray, " *S"], objective: Callable[[Array], Array], steps: int
) -> DiscreteRun:
    gradient = jax.grad(objective)

    def update(carry: tuple[Array, States], k: Array) -> tuple[tuple[Array, States], tuple[Array, States]]:
        theta, state = carry
        return optimizer.step(k, theta, gradient(theta), state), carry

    k = jnp.arange(steps, dtype=float)
    start = jnp.asarray(theta0), {name: jnp.zeros_like(theta0) for name in optimizer.memories()}
    theta, state = jax.lax.scan(update, start, k)[1]
    # of JAX's arrays, here where it traces them
    arrays: dict[str, Any] = {"t": optimizer.learning_rate * k, "theta": theta, "state": state}
    return DiscreteRun(**arrays, arithmetic=arithmetic())

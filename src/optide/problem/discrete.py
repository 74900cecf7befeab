"""Run a discrete algorithm."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float64

from optide.base import display
from optide.base.arithmetic import arithmetic, in_float64, traced
from optide.base.words import outline, shown
from optide.problem import arguments
from optide.problem.arguments import Start
from optide.problem.finite import NEGLIGIBLE, SMALLEST, check_finite, check_underflow, name_of
from optide.problem.lanes import at_once, lanes, lanes_of_call
from optide.problem.optimizer import Optimizer, States
from optide.problem.parameters import parameters
from optide.problem.tracing import check_objective, check_optimizer, check_schedule

if TYPE_CHECKING:
    import pandas as pd


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["t", "theta", "state", "observed"], meta_fields=["arithmetic"]
)
@dataclass(frozen=True, eq=False, repr=False)
class DiscreteRun:
    """The trace of a discrete algorithm: row k holds theta_k and the states before update k.

    Arrays of NumPy; of JAX where a transformation (`jit`, `vmap`, `grad`) traces the run.

    Attributes:
        t: times k alpha.
        theta: of shape S, at each time; or a tree, as the start is, whose leaves have the axis of time first.
        state: by name; row 0 is 0; each like theta.
        arithmetic: "pinned", or why its last bits need not be those of the workflow (`optide.pin`).
        observed: what `observe` made of theta, at each time; theta and the states are then those of the last alone.
    """

    t: Float64[np.ndarray, " steps"]
    theta: Float64[np.ndarray, " steps *S"]
    state: dict[str, Float64[np.ndarray, " steps *S"]]
    arithmetic: str
    observed: Any = None

    __repr__ = outline
    _repr_html_ = display.of_result

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each step: t, theta and the states, each of their elements a column (`theta[0]`)."""
        return display.frame(self)


@in_float64
def run_discrete(
    optimizer: Optimizer,
    objective: Callable[[Any], Array],
    theta0: Start,
    steps: int,
    *,
    observe: Callable[[Any], Any] | None = None,
    schedule: Callable[[Any], Any] | None = None,
) -> DiscreteRun:
    """Run the algorithm of `optimizer` on `objective` from `theta0`.

    `jax.jit`, `jax.vmap`, `jax.grad` and the like work over theta0, all hyper-parameters and what the objective
    closes over.  Traced, no number is checked.

    Args:
        optimizer, objective, theta0, observe: as in `optide.solve_ide`.
        steps: rows of the result, of which the first is the start.
        schedule: maps the number k of a step, from 0, to what its learning rate is multiplied by.

    Returns:
        Theta and the states before each update, at n = steps times.

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
    numbers, given = arguments.one_optimizer(optimizer), parameters("theta0", theta0)
    start, function, watch = given.theta0, given.seen_by("objective", objective), given.observed_by(observe)
    steps = arguments.at_least(1, "steps", steps)
    arguments.check_room(steps, steps * (1 if observe else 1 + start.size * (1 + len(numbers.states))))
    where = f"{optimizer} on {name_of(objective)} from theta0 = {shown(theta0)}"
    check_objective(function, start, where)
    check_optimizer(numbers, "step", start, where)
    run: DiscreteRun
    run, low = _scan(numbers, start, function, steps, observe=watch, schedule=check_schedule(schedule))
    if not traced(run):
        run, low = jax.device_get((run, low))
        check_finite(run, where, jax.grad(function))
        check_underflow(low or _low(numbers, run.theta, run.state), run.t, float(numbers.eps), where)
    return replace(run, theta=given.restore(run.theta), state=jax.tree.map(given.restore, run.state))


@in_float64
def run_batch(
    optimizers: Optimizer,
    objective: Callable[[Any], Array],
    theta0s: Start,
    steps: int,
    *,
    shard: int | None = None,
    beside: bool | None = None,
) -> DiscreteRun:
    """Run any number N of configurations; see `run_discrete`.

    Args:
        optimizers, theta0s: see `optide.problem.lanes.lanes`.
        shard, beside: as in `optide.ide.batch.solve_batch`.

    Returns:
        A run all of whose arrays have a leading axis N; where theta or a state of one left the finite numbers, or an
        update divided by a second moment that underflowed, theta is NaN from there on.

    Raises:
        ParameterError: an argument is not what it must be, as where arrays are of several lengths.
        ObjectiveError, ConfigError: as in `run_discrete`.
    """
    several, shard, beside = lanes(optimizers, theta0s), lanes_of_call(shard), at_once(beside)
    function, steps = several.given.seen_by("objective", objective), arguments.at_least(1, "steps", steps)
    one, start = jax.tree.map(lambda leaf: float(leaf[0]), several.optimizers), several.theta0s[0]
    where = f"{one} on {name_of(objective)} from theta0 = {shown(start)}"
    check_objective(function, start, where)
    check_optimizer(one, "step", start, where)
    run: DiscreteRun = several.in_shards(shard, lambda some, _: _all(*some, function, steps, beside), beside=beside)
    lost = ~_finite(run)
    for lane in np.flatnonzero(np.broadcast_to(several.optimizers.eps, len(lost)) < NEGLIGIBLE):
        low = _low(one, run.theta[lane], {name: state[lane] for name, state in run.state.items()})
        lost[lane, 1:] |= np.any([*low.values(), np.zeros(steps - 1, bool)], axis=0)
    run.theta[np.maximum.accumulate(lost, axis=1)] = np.nan
    restore = several.given.restore
    return replace(run, theta=restore(run.theta), state=jax.tree.map(restore, run.state))


def _finite(run: DiscreteRun) -> Bool[np.ndarray, " N steps"]:
    """Where theta and all states of a batch are finite."""
    every = [np.isfinite(of).reshape(*run.t.shape, -1).all(axis=2) for of in (run.theta, *run.state.values())]
    found: np.ndarray = np.all(every, axis=0)
    return found


@functools.partial(jax.jit, static_argnames=("objective", "steps", "beside"))
def _all(
    optimizers: Optimizer,
    theta0s: Float64[Array, " N *S"],
    objective: Callable[[Array], Array],
    steps: int,
    beside: bool,
) -> DiscreteRun:
    def one(lane: tuple[Optimizer, Array]) -> DiscreteRun:
        run: DiscreteRun = _scan(*lane, objective, steps)[0]
        return run

    found: DiscreteRun = jax.vmap(one)((optimizers, theta0s)) if beside else jax.lax.map(one, (optimizers, theta0s))
    return found


@functools.partial(jax.jit, static_argnames=("objective", "steps", "observe", "schedule"))
def _scan(
    optimizer: Optimizer,
    theta0: Float64[Array | np.ndarray, " *S"],
    objective: Callable[[Array], Array],
    steps: int,
    *,
    observe: Callable[[Array], Any] | None = None,
    schedule: Callable[[Array], Array] | None = None,
) -> tuple[DiscreteRun, dict[str, Array]]:
    """A run; and, where it is only observed, what `_low` says of it."""
    gradient = jax.grad(objective)

    def update(carry: tuple[Array, States], k: Array) -> tuple[tuple[Array, States], Any]:
        theta, state = carry
        rate = optimizer.learning_rate if schedule is None else optimizer.learning_rate * schedule(k)
        new = optimizer.holding(learning_rate=rate).step(k, theta, gradient(theta), state)
        if observe is None:
            return new, carry
        pair = jax.tree.map(lambda *rows: jnp.stack(rows), carry, new)
        return new, (observe(theta), {name: low[0] for name, low in _low(optimizer, *pair).items()})

    k = jnp.arange(steps, dtype=float)
    start = jnp.asarray(theta0), {name: jnp.zeros_like(theta0) for name in optimizer.memories()}
    observed: Any = None
    low: dict[str, Array] = {}
    if observe is None:
        theta, state = jax.lax.scan(update, start, k)[1]
    else:
        last, (observed, low) = jax.lax.scan(update, start, k[:-1])
        observed = jax.tree.map(lambda rows, row: jnp.concatenate([rows, row[None]]), observed, observe(last[0]))
        theta, state = jax.tree.map(lambda leaf: leaf[None], last)
    # of JAX's arrays, here where it traces them
    arrays: dict[str, Any] = {"t": optimizer.learning_rate * k, "theta": theta, "state": state, "observed": observed}
    return DiscreteRun(**arrays, arithmetic=arithmetic()), low


def _low(optimizer: Optimizer, theta: Array | np.ndarray, state: Mapping[str, Array | np.ndarray]) -> dict[str, Any]:
    """For each second moment, which updates from row to row divided by its root where it had underflowed."""
    moments = [name for name, memory in optimizer.memories().items() if memory.power == 2]
    # the update from row k to row k + 1 divides by the root of row k + 1
    moved = theta[1:] != theta[:-1]
    within = tuple(range(1, moved.ndim))
    return {name: (moved & (state[name][1:] < SMALLEST)).any(axis=within) for name in moments}

r"""What the equations predict for the decay of |theta - theta*| on f = h (theta - theta*)^2 / 2.

Linearisations about the minimum, in closed form, and where the memory changes on the way, the limit of
small learning rates.  Derived in docs/rates.md.  `distance` is |theta0 - theta*|; steps are those of the
discrete algorithm, and all rates are per step.  None depends on the curvature h.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from optide.base.arithmetic import in_float64
from optide.numerics import elementary
from optide.numerics.metrics import FIT_FLOOR, FIT_START, slope
from optide.problem.optimizers import Adam, RMSProp

Array = np.ndarray

_LONGEST, _POINTS = 3.0, 6001
"""The root of the time over which the limit of small steps is followed, and points on it."""


def adagrad_rate(learning_rate: float, distance: float) -> float:
    """The rate of AdaGrad for k -> infinity: 4 alpha^2 / distance^2."""
    share = learning_rate / distance
    return 4 * share * share


def adagrad_local_rate(learning_rate: float, distance: float, left: Array) -> tuple[Array, Array]:
    """The rate of AdaGrad on its way, in the limit of small steps.

    Args:
        learning_rate: alpha.
        distance: at the start.
        left: what is left of it, |theta - theta*| / distance, in (0, 1).

    Returns:
        The step at which so much is left, and the rate -d log|theta - theta*| / dk there.
    """
    rate = adagrad_rate(learning_rate, distance)
    square = np.square(left)
    return (square - 1 - 2 * elementary.log(left)) / (2 * rate), rate / (1 - square)


def rmsprop_rate(learning_rate: float, distance: float, memory: Array) -> Array:
    """The rate of RMSProp with a memory of many more steps than the approach takes: 4 alpha^2 memory / distance^2."""
    return adagrad_rate(learning_rate, distance) * memory


def rmsprop_small_steps(learning_rate: float, distance: float, memory: Array) -> Array:
    """What the fit gives for RMSProp with any memory, in the limit of small steps."""
    return _fitted(distance / (learning_rate * memory), corrected=False) * learning_rate / distance


def adam_rate(learning_rate: float, distance: float, beta1: Array, beta2: Array) -> Array:
    """What the fit gives for Adam: the decay of an oscillator with friction 1 - beta1.

    The drive is the rate without a first memory, in the limit of small steps; from friction / 4 on, the
    oscillator is underdamped and its rate (1 - beta1) / 2.
    """
    beta2 = np.asarray(beta2, float)
    drive = _fitted(distance / learning_rate * (1 - beta2), corrected=True) * learning_rate / distance
    friction = 1 - np.asarray(beta1, float)
    rate: Array = friction / 2 - np.sqrt(np.maximum(np.square(friction) / 4 - friction * drive, 0))
    return rate


def predictions(
    optimizer: str, learning_rate: float, distance: float, memory: Array, choice: Mapping[str, Array]
) -> dict[str, tuple[Array, Array]]:
    """What is predicted for an optimizer, by the kind of prediction: memory lengths, and the rate for each.

    Nothing for an optimizer of which no linearisation is known.

    Args:
        optimizer: its name.
        learning_rate: alpha.
        distance: at the start.
        memory: lengths in steps, (n,), of the average that varies.
        choice: all hyper-parameters, where one varies (n,).
    """
    if optimizer == RMSProp.name:
        # where it is no longer than the walk, the memory changes on the way: no linearisation
        long = memory[memory > distance / learning_rate / 2]
        return {
            "linearised": (long, rmsprop_rate(learning_rate, distance, long)),
            "small steps": (memory, rmsprop_small_steps(learning_rate, distance, memory)),
        }
    if optimizer == Adam.name:
        return {"linearised": (memory, adam_rate(learning_rate, distance, choice["beta1"], choice["beta2"]))}
    return {}


@in_float64
def _fitted(forgetting: Array, corrected: bool) -> Array:
    """The rate that a fit gives for y = log(x / x0) in the limit of small steps, in units of alpha / x0.

    With time T in units of x0 / alpha, the equations are y' = -c / sqrt(w), w' = s (e^{2y} - w),
    y(0) = w(0) = 0, where c^2 = 1 - e^{-sT} if the memory is corrected for its start (Adam), else 1.

    Args:
        forgetting: s, the ratio of x0 / alpha to the memory length.
        corrected: as above.
    """
    s = np.atleast_1d(forgetting).astype(float)
    # in p = sqrt(T), in which nothing is singular at 0; what comes below the floor does not matter
    lowest = elementary.log(FIT_FLOOR) - 1

    def derivative(p: jax.Array, y: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
        correction = -jnp.expm1(-s * p * p) if corrected else 1.0
        speed = jnp.where(y > lowest, jnp.sqrt(correction / w), 0.0)
        return -2 * p * speed, 2 * p * s * (jnp.exp(2 * y) - w)

    roots = np.linspace(0, _LONGEST, _POINTS)
    h = roots[1]

    def step(now: tuple[jax.Array, ...], p: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
        y, w = now
        a = derivative(p, y, w)
        b = derivative(p + h / 2, y + h / 2 * a[0], w + h / 2 * a[1])
        c = derivative(p + h / 2, y + h / 2 * b[0], w + h / 2 * b[1])
        d = derivative(p + h, y + h * c[0], w + h * c[1])
        now = tuple(v + h / 6 * (a[i] + 2 * b[i] + 2 * c[i] + d[i]) for i, v in enumerate(now))
        return now, now[0]

    y = -(h * h) * np.ones_like(s) if corrected else -2 * h / np.sqrt(s)
    start: tuple[jax.Array, ...] = (jnp.asarray(y), jnp.asarray(s * h * h))
    _, later = jax.lax.scan(step, start, jnp.asarray(roots[1:-1]))
    path = np.concatenate([np.zeros_like(s)[None], y[None], np.asarray(later)])
    return np.array([_slope(roots * roots, curve) for curve in np.transpose(path)]).reshape(np.shape(forgetting))


def _slope(time: Array, y: Array) -> float:
    """The rate over the window of the fit, from points at equal times."""
    first, last = (np.interp(-elementary.log(share), -y, time) for share in (FIT_START, FIT_FLOOR))
    times = np.linspace(first, last, 2000)
    return -slope(times, np.interp(times, time, y))

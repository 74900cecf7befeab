r"""What the equations predict for the decay of |theta - theta*| on f = h (theta - theta*)^2 / 2.

Linearisations about the minimum, in closed form, and where the memory changes on the way, the limit of
small learning rates.  Derived in docs/rates.md.  `distance` is |theta0 - theta*|; steps are those of the
discrete algorithm, and all rates are per step.  None depends on the curvature h.
"""

from collections.abc import Mapping

import numpy as np

from optide.numerics import elementary
from optide.numerics.metrics import FIT_FLOOR, FIT_START, slope
from optide.problem.optimizers import Adam, RMSProp

Array = np.ndarray

_STEP, _OF_MEMORY = 5e-4, 0.5
"""Steps of the root of time, by which the limit of small steps is followed; and, for memories so short that an explicit
method would not be stable, of the memory's length."""
_LOWEST = FIT_FLOOR / 3
"""The share of the distance at which that ends."""


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


def _fitted(forgetting: Array, corrected: bool) -> Array:
    """The rate that a fit gives for x / x0 in the limit of small steps, in units of alpha / x0.

    With time T in units of x0 / alpha, the equations are x' = -sqrt(c / w) x, w' = s (x^2 - w), c' = s (1 - c),
    x(0) = 1, w(0) = 0; c(0) is 0 if the memory is corrected for its start (Adam), else 1.

    Args:
        forgetting: s, the ratio of x0 / alpha to the memory length.
        corrected: as above.
    """
    s = np.ravel(forgetting).astype(float)

    # in p = sqrt(T), in which nothing is singular at 0; what comes below the floor does not matter
    def derivative(p: float, x: Array, w: Array, c: Array) -> Array:
        speed = np.where(x > _LOWEST, np.sqrt(c / w), 0.0)
        return 2 * p * np.stack([-speed * x, s * (np.square(x) - w), s * (1 - c)])

    h = min(_STEP, _OF_MEMORY / np.max(s))
    begun = (1 - h * h + 0 * s, s * h * h) if corrected else (elementary.exp(-2 * h / np.sqrt(s)), 1 + 0 * s)
    now = np.stack([begun[0], s * h * h, begun[1]])
    path = [np.ones_like(s), now[0]]
    while np.any(now[0] > _LOWEST):
        p = (len(path) - 1) * h
        first = derivative(p, *now)
        second = derivative(p + h / 2, *(now + h / 2 * first))
        third = derivative(p + h / 2, *(now + h / 2 * second))
        fourth = derivative(p + h, *(now + h * third))
        now = now + h / 6 * (first + 2 * second + 2 * third + fourth)
        path.append(now[0])
    time = np.square(h * np.arange(len(path)))
    logarithms = elementary.log(np.maximum(np.transpose(path), _LOWEST))
    return np.array([_slope(time, curve) for curve in logarithms]).reshape(np.shape(forgetting))


def _slope(time: Array, y: Array) -> float:
    """The rate over the window of the fit, from points at equal times."""
    first, last = (np.interp(-elementary.log(share), -y, time) for share in (FIT_START, FIT_FLOOR))
    times = np.linspace(first, last, 2000)
    return -slope(times, np.interp(times, time, y))

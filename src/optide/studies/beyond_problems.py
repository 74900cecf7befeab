"""Problems beyond the paper's: real data, a network, a thousand coupled parameters; and the paper's own beside them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.base.errors import ConfigError
from optide.numerics import metrics
from optide.problem.registry import OBJECTIVES
from optide.settings.config import Config

PIXEL, CLASSES, SEED = 16.0, 10, 42
"""The largest value of a pixel of the digits, their classes, and the seed of all random starts."""


class Problem(NamedTuple):
    """A loss, where it starts, and what else is told of a theta.

    Attributes:
        loss: of theta, (d,) or a number; the mean over all samples where there are data.
        theta0: of the shape of theta.
        accuracy: the share of samples that theta classifies as they are, if it classifies any.
    """

    loss: Callable[[Array], Array]
    theta0: Float64[np.ndarray, " *S"]
    accuracy: Callable[[Array], Array] | None = None


def breast_cancer(settings: Config) -> Problem:
    """Logistic regression on scikit-learn's breast cancer data, all standardised samples at once, with an intercept."""
    data, target = _read("breast_cancer", settings)
    spread = data - np.mean(data, axis=0)
    x = spread / np.sqrt(np.mean(np.square(spread), axis=0))
    features, labels = jnp.asarray(np.hstack([x, np.ones((len(x), 1))])), jnp.asarray(target == 1)
    sign = jnp.where(labels, 1.0, -1.0)

    def loss(theta: Array) -> Array:
        margin = sign * (features @ theta)
        # log(1 + e^-margin), whose exponential never overflows; with the right slope at 0, where theta starts
        positive = margin > 0
        return jnp.mean(jnp.log1p(jnp.exp(jnp.where(positive, -margin, margin))) + jnp.where(positive, 0.0, -margin))

    def accuracy(theta: Array) -> Array:
        return jnp.mean((features @ theta > 0) == labels, dtype=float)

    return Problem(loss, np.zeros(features.shape[1]), accuracy)


def digits(settings: Config) -> Problem:
    """A network with one layer of `size` hidden units (tanh) on scikit-learn's digits, by softmax cross-entropy.

    Weights start uniform in +-1 / sqrt(inputs of their unit), biases at 0.
    """
    data, target = _read("digits", settings)
    x, labels = jnp.asarray(data / PIXEL), jnp.asarray(target)
    hot = jnp.asarray(np.eye(CLASSES)[target])
    inputs, hidden = data.shape[1], settings["size"]
    shapes = [(inputs, hidden), (hidden,), (hidden, CLASSES), (CLASSES,)]
    random = np.random.default_rng(SEED)
    parts = [
        random.uniform(-1, 1, shape) / np.sqrt(shape[0]) if len(shape) > 1 else np.zeros(shape) for shape in shapes
    ]
    ends = np.cumsum([part.size for part in parts])

    def scores(theta: Array) -> Array:
        of_hidden, hidden_bias, of_class, class_bias = (
            part.reshape(shape) for part, shape in zip(jnp.split(theta, ends[:-1]), shapes, strict=True)
        )
        return tanh(x @ of_hidden + hidden_bias[None]) @ of_class + class_bias[None]

    def loss(theta: Array) -> Array:
        found = scores(theta)
        above = found - jax.lax.stop_gradient(jnp.max(found, axis=1, keepdims=True))
        return jnp.mean(jnp.log(jnp.sum(jnp.exp(above), axis=1)) - jnp.sum(hot * above, axis=1))

    def accuracy(theta: Array) -> Array:
        return jnp.mean(jnp.argmax(scores(theta), axis=1) == labels, dtype=float)

    return Problem(loss, np.concatenate([part.ravel() for part in parts]), accuracy)


def rosenbrock(settings: Config) -> Problem:
    """Rosenbrock's valley in `size` dimensions, each coupled to the next, from (-1.2, 1, -1.2, ...), as usual."""

    def loss(theta: Array) -> Array:
        here, following = theta[:-1], theta[1:]
        return jnp.sum(100 * jnp.square(following - jnp.square(here)) + jnp.square(1 - here))

    return Problem(loss, np.where(np.arange(settings["size"]) % 2, 1.0, -1.2))


def tanh(x: Float64[Array, " *n"]) -> Float64[Array, " *n"]:
    """The hyperbolic tangent, made of what XLA computes alike on every processor."""
    positive = x > 0
    below = jnp.expm1(2 * jnp.where(positive, -x, x))
    return jnp.where(positive, -1.0, 1.0) * below / (2 + below)


OF_DATA: dict[str, Callable[[Config], Problem]] = {"breast_cancer": breast_cancer, "digits": digits}
"""Those that classify."""
MADE = OF_DATA | {"rosenbrock": rosenbrock}


def problem(name: str, settings: Config) -> Problem:
    """A problem by its name, or an objective of one number, which starts at `theta0`.

    Args:
        name: of `MADE` or of an objective.
        settings: its entry in the configuration.

    Raises:
        ConfigError: its data need scikit-learn, which is not installed.
    """
    if name in MADE:
        return MADE[name](settings)
    return Problem(OBJECTIVES[name], np.asarray(settings["theta0"], float))


def told(problem: Problem, theta: Float64[np.ndarray, " n *S"]) -> dict[str, np.ndarray]:
    """Loss, accuracy where there is one, and Euclidean norm of each of n thetas, (n,)."""
    one_by_one = jnp.asarray(theta)
    found = {"loss": jax.lax.map(problem.loss, one_by_one)}
    if problem.accuracy:
        found["accuracy"] = jax.lax.map(problem.accuracy, one_by_one)
    return {name: np.asarray(values) for name, values in found.items()} | {"norm": metrics.length(flat(theta))}


def flat(theta: Float64[np.ndarray, " n *S"]) -> Float64[np.ndarray, " n d"]:
    """n thetas as vectors."""
    return theta.reshape(len(theta), -1)


def _read(name: str, settings: Config) -> tuple[np.ndarray, np.ndarray]:
    """The first `samples` of a data set, or all: features, (n, f), and classes, (n,)."""
    try:
        from sklearn import datasets  # noqa: PLC0415  (only the jobs that need it, and it takes a second)
    except ImportError:
        raise ConfigError(
            f"beyond.problems.{name}: its data are scikit-learn's; pip install 'optide[beyond]'"
        ) from None
    loaded: Any = getattr(datasets, f"load_{name}")()
    few = slice(settings.get("samples"))
    return np.asarray(loaded.data[few], float), np.asarray(loaded.target[few])

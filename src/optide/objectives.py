"""The objective functions of the paper; their gradients come from `jax.grad`."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from optide.errors import ObjectiveError

Array = jax.Array


@dataclass(frozen=True)
class Objective:
    """A loss with a name and the places of its minima.

    Attributes:
        name: as in `config.yaml`.
        loss: maps theta, of any shape, to a scalar; elements of theta are independent problems
            whose losses add up.
        minima: the global minimisers of one element.
    """

    name: str
    loss: Callable[[Array], Array]
    minima: tuple[float, ...]

    def __call__(self, theta: Array) -> Array:
        return self.loss(theta)


def _mean_squared_error() -> Objective:
    """Mean squared error of y ~ theta x, on the 1000 samples of the paper.

    mean((y - theta x)^2) is a parabola in theta; written with its three moments it costs three
    operations instead of three thousand, for the same value up to rounding.
    """
    rng = np.random.RandomState(42)  # the stream of numpy.random.seed(42)
    x = rng.rand(1000)
    y = 2 * x + rng.normal(0, 0.1, 1000)
    xx, xy, yy = (float(np.mean(product)) for product in (x * x, x * y, y * y))
    return Objective("regression", lambda theta: jnp.sum(yy - theta * (2 * xy - theta * xx)), (xy / xx,))


quadratic = Objective("quadratic", lambda theta: jnp.sum((theta - 4) ** 2), (4.0,))
double_well = Objective("double_well", lambda theta: jnp.sum((theta**2 - 1) ** 2) / 4, (-1.0, 1.0))
regression = _mean_squared_error()

OBJECTIVES = {objective.name: objective for objective in (quadratic, double_well, regression)}


def check_objective(objective: Callable[[Array], Array], theta0: Array, where: str) -> None:
    """Make sure that an objective maps theta to one float64, without computing anything.

    Raises:
        ObjectiveError: naming the configuration, and the shape and dtype that it returns.
    """
    value = jax.eval_shape(objective, jax.ShapeDtypeStruct(jnp.shape(theta0), float))
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape != () or dtype != jnp.float64:
        found = f"shape {shape} and dtype {dtype}" if dtype else f"{type(value).__name__}"
        raise ObjectiveError(f"{where}: the objective returns {found}, from t = 0 on; it must return one float64")

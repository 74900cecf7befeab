"""The objective functions of the paper; their gradients come from `jax.grad`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from optide.base.lazy import Array, jnp


@dataclass(frozen=True)
class Objective:
    """A loss with a name and the places of its minima.

    Called, it is a function of JAX like any other, in the precision of its argument.

    Attributes:
        name: as in `config.yaml`.
        loss: maps theta, of any shape, to a scalar; what it takes for several numbers at once, it gives the sum for
            (see `minima`).
        minima: the global minimisers, as far as they are known: numbers where the elements of theta are independent
            problems, whose losses add up; else tuples of as many numbers as theta has.
        description: in words, with a formula.
        data: names of the files that it reads, beside the file that defines it.
    """

    name: str
    loss: Callable[[Array], Array]
    minima: tuple[float | tuple[float, ...], ...] = ()
    description: str = ""
    data: tuple[str, ...] = ()

    def __call__(self, theta: Array) -> Array:
        return self.loss(theta)

    @property
    def title(self) -> str:
        """As people write it."""
        return self.name.replace("_", " ")


def objective(
    *, minima: Sequence[float | Sequence[float]] = (), description: str = "", data: Sequence[str] = ()
) -> Callable[[Callable[[Array], Array]], Objective]:
    """Make an objective of the function below: `@objective(minima=[(1, 1)])`, as `Objective` takes it."""

    def named(loss: Callable[[Array], Array]) -> Objective:
        places = tuple(tuple(map(float, m)) if isinstance(m, Sequence) else float(m) for m in minima)
        return Objective(loss.__name__, loss, places, description, tuple(data))

    return named


def _mean_squared_error() -> Objective:
    """Mean squared error of y ~ theta x, on the 1000 samples of the paper.

    mean((y - theta x)^2) is a parabola in theta; written with its three moments it costs three
    operations instead of three thousand, for the same value up to rounding.
    """
    rng = np.random.RandomState(42)  # the stream of numpy.random.seed(42)
    x = rng.rand(1000)
    y = 2 * x + rng.normal(0, 0.1, 1000)
    xx, xy, yy = (float(np.mean(product)) for product in (x * x, x * y, y * y))
    return Objective(
        "regression",
        lambda theta: jnp.sum(yy - theta * (2 * xy - theta * xx)),
        (xy / xx,),
        "linear regression with noise",
    )


quadratic = Objective("quadratic", lambda theta: jnp.sum((theta - 4) ** 2), (4.0,), "the quadratic (theta - 4)^2")
double_well = Objective(
    "double_well",
    lambda theta: jnp.sum((theta**2 - 1) ** 2) / 4,
    (-1.0, 1.0),
    "the double well (theta^2 - 1)^2 / 4",
)
regression = _mean_squared_error()

BUILT_IN = (quadratic, double_well, regression)

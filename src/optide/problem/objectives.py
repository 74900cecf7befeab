"""The objective functions of the paper; their gradients come from `jax.grad`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optide.base.lazy import Array, jnp
from optide.base.words import shown


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

    def __reduce__(self) -> tuple[Callable[..., Objective], tuple[Any, ...]]:
        # one that `objective` made has the name of its function, which nothing else leads to: a copy is itself
        module, name = self.loss.__module__, getattr(self.loss, "__qualname__", "")
        if getattr(sys.modules.get(module), name, None) is self:
            return _of_module, (module, name)
        return Objective, (self.name, self.loss, self.minima, self.description, self.data)

    @property
    def title(self) -> str:
        """As people write it."""
        return self.name.replace("_", " ")


def _place(minimum: float | Sequence[float]) -> float | tuple[float, ...]:
    """A minimiser, in Python's numbers; a text is none, though each of its letters may be one."""
    found = np.asarray(minimum)
    if found.dtype.kind not in "iuf" or found.ndim > 1:
        raise TypeError
    return tuple(map(float, found)) if found.ndim else float(found)


def _of_module(module: str, name: str) -> Objective:
    found: Objective = getattr(importlib.import_module(module), name)
    return found


def objective(
    *, minima: Sequence[float | Sequence[float]] = (), description: str = "", data: Sequence[str] = ()
) -> Callable[[Callable[[Array], Array]], Objective]:
    """Make an objective of the function below, and name it like it: `@objective(minima=[(1, 1)])`.

    Args:
        minima: the global minimisers that are known: numbers where the elements of theta are independent problems, else
            sequences of as many numbers as theta has.
        description: in words, with a formula.
        data: names of the files that the function reads, beside the file that defines it.

    Returns:
        What makes an `Objective` of a function of theta, of any shape, that returns one float64.

    Raises:
        TypeError: the minima, or the data, are something else.
    """

    try:
        places = tuple(map(_place, minima))
    except (TypeError, ValueError):
        allowed = "must be a sequence of numbers, or of sequences of them"
        raise TypeError(f"objective(minima={shown(minima)}): {allowed}") from None
    if isinstance(data, str) or not all(isinstance(name, str) for name in data):
        raise TypeError(f"objective(data={shown(data)}): must be a sequence of names of files")

    def named(loss: Callable[[Array], Array]) -> Objective:
        return Objective(loss.__name__, loss, places, description, tuple(data))

    return named


@objective(minima=[4.0], description="the quadratic (theta - 4)^2")
def quadratic(theta: Array) -> Array:
    """f = (theta - 4)^2, of theta of any shape the sum over its elements: one float64.

    The convex problem of figures 1 to 7 of C. Heredia, arXiv:2411.09734.
    """
    return jnp.sum((theta - 4) ** 2)


@objective(minima=[-1.0, 1.0], description="the double well (theta^2 - 1)^2 / 4")
def double_well(theta: Array) -> Array:
    """f = (theta^2 - 1)^2 / 4, of theta of any shape the sum over its elements: one float64.

    The non-convex problem of figures 8 to 14 of C. Heredia, arXiv:2411.09734.
    """
    return jnp.sum((theta**2 - 1) ** 2) / 4


def _moments() -> tuple[float, float, float]:
    """The means of x^2, x y and y^2 over the 1000 samples of the paper.

    mean((y - theta x)^2) is a parabola in theta; written with these it costs three operations instead of three
    thousand, for the same value up to rounding.
    """
    rng = np.random.RandomState(42)  # the stream of numpy.random.seed(42)
    x = rng.rand(1000)
    y = 2 * x + rng.normal(0, 0.1, 1000)
    return float(np.mean(x * x)), float(np.mean(x * y)), float(np.mean(y * y))


_XX, _XY, _YY = _moments()


@objective(minima=[_XY / _XX], description="linear regression with noise")
def regression(theta: Array) -> Array:
    """f = mean((y - theta x)^2) over 1000 samples, of theta of any shape the sum over its elements: one float64.

    The linear regression of figure 15 of C. Heredia, arXiv:2411.09734: after `numpy.random.seed(42)`, x = rand(1000)
    and y = 2 x + normal(0, 0.1, 1000), both without units.
    """
    return jnp.sum(_YY - theta * (2 * _XY - theta * _XX))


BUILT_IN = (quadratic, double_well, regression)

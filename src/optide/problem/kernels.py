"""Memories, the convolutions of a power of the gradient with a kernel, and the numbers that averages go by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optide.base.lazy import Array, jnp

Scalar = float | np.floating | np.ndarray | Array


class Memory(NamedTuple):
    r"""A memory integral :math:`\int_0^u K(u-s)\, g(s)^p\, ds` with `K(s) = weight exp(-rate s)`.

    Attributes:
        power: p, the power of the gradient (1 or 2).
        weight: K(0), per unit of time.
        rate: decay of the kernel, per unit of time; 0 for a constant kernel.
    """

    power: int
    weight: Scalar
    rate: Scalar


def exponential(power: int, beta: Scalar, learning_rate: Scalar) -> Memory:
    r"""The kernel :math:`K_\beta(s) = (1-\beta)/\alpha\; e^{-(1-\beta) s/\alpha}` of C. Heredia, arXiv:2411.09734.

    Args:
        power: of the gradient that is averaged, 1 or 2.
        beta: decay of the average in a step, in [0, 1).
        learning_rate: alpha, the time of a step.

    Returns:
        The memory integral with this kernel, of weight and rate (1 - beta) / alpha per unit of time.
    """
    rate = (1 - beta) / learning_rate
    return Memory(power, weight=rate, rate=rate)


def sqrt(v: Array) -> Array:
    """Square root with derivative 0 at 0 and value 0 below, so that v -> 0 gives no NaN.

    A second moment is a sum of squares; only rounding, or the offset of the published lower limit
    of integration, takes it below 0.

    Args:
        v: of any shape.

    Returns:
        The root of each element, in the same shape.
    """
    positive = v > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, v, 1.0)), 0.0)


def filled(beta: Scalar, steps: Scalar) -> Array:
    """1 - beta^steps: how much of an exponential average is filled so many steps after its start at 0.

    Adam divides by it (Kingma and Ba, arXiv:1412.6980, algorithm 1).

    Args:
        beta: decay of the average in a step, in [0, 1), of any shape.
        steps: > 0, of a shape that broadcasts against it; they need not be whole.

    Returns:
        Numbers in (0, 1], of the shape that both broadcast to.

    By expm1, which is XLA's own, and a logarithm: XLA's power of floats calls the C library, which takes another path,
    to another last bit, where the processor has fused multiply-add (its logarithm does so for few numbers).
    """
    positive = beta > 0
    usual = -jnp.expm1(steps * jnp.log(jnp.where(positive, beta, 1.0)))
    # for beta = 0, where the derivative of the logarithm is infinite, to first order in beta at whole steps
    return jnp.where(positive, usual, 1 - jnp.where(steps < 1.5, beta, 0.0))

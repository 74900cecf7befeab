"""Elementary functions of arrays, to the same last bit on every processor.

Logarithm and exponential are XLA's own.  Those of NumPy and of the C library depend on the instructions that
the processor has, and so do the C library's cosine and power, which XLA calls, too (docs/reproducibility.md).

JAX is imported on first use: planning, which only names what is measured, needs none.
"""

import numpy as np
from jaxtyping import Float64, Real

from optide.base.arithmetic import in_float64
from optide.base.lazy import jnp


@in_float64
def log(x: Real[np.ndarray, " *S"] | float) -> Float64[np.ndarray, " *S"]:
    """The natural logarithm, elementwise; -inf at 0."""
    return np.asarray(jnp.log(jnp.asarray(x, float)))


@in_float64
def exp(x: Real[np.ndarray, " *S"] | float) -> Float64[np.ndarray, " *S"]:
    """The exponential, elementwise."""
    return np.asarray(jnp.exp(jnp.asarray(x, float)))


def cos(x: Real[np.ndarray, " *S"] | float) -> Float64[np.ndarray, " *S"]:
    """The cosine, elementwise: that of extended precision, which the C library has for all processors alike."""
    return np.asarray(np.cos(np.asarray(x, np.longdouble)), float)


def geometric(first: float, last: float, count: int) -> Float64[np.ndarray, " {count}"]:
    """`count` numbers from `first` to `last`, evenly spread in their logarithm."""
    inner = exp(np.linspace(log(first), log(last), count))
    return np.concatenate([[first], inner[1:-1], [last]]) if count > 1 else np.asarray([float(first)])

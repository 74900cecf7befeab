"""Elementary functions of arrays, to the same last bit on every processor.

Logarithms and exponentials of NumPy, of the C library and, through this, of XLA depend on the instructions that the
processor has (docs/reproducibility.md).  Here they are made of operations that IEEE 754 rounds in one way, each of
which NumPy does by itself, so that no product and sum become one instruction.
"""

import numpy as np
from jaxtyping import Float64, Real

_Numbers = np.ndarray | np.float64

_LN2 = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""log 2 in two parts (fdlibm): the first has 32 bits, so that whole multiples up to 2^21 are exact."""
_TERMS = 10
"""Of the series of the logarithm; what is left out is at most 2e-19, less than a hundredth of the last place."""

_LOG2_E = 1.4426950408889634073599
_EXP_LN2 = 0.693145751953125, 1.42860682030941723212e-6
_EXP_P = 1.26177193074810590878e-4, 3.02994407707441961300e-2, 1.0
_EXP_Q = 3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0
"""log 2 in two parts and the approximation of the exponential (S. L. Moshier, Cephes, exp.c), which are XLA's, too."""
_EXP_RANGE = -746.0, 710.0
"""Below it the exponential rounds to 0, above it to infinity."""


def log(x: Real[np.ndarray, " *S"] | float) -> Float64[np.ndarray, " *S"]:
    """The natural logarithm, elementwise, off by at most 2/3 of the last place; -inf at 0, NaN below it.

    x = 2^k (1 + f) with 1 + f between the roots of 1/2 and 2, and log(1 + f) = f - f^2/2 + s (f^2/2 + R), where
    s = f / (2 + f) and R = 2 (s^2/3 + s^4/5 + ...) (fdlibm, e_log.c).  All that matters is kept to twice the precision.
    """
    x = np.asarray(x, float)
    inside = (x > 0) & (x < np.inf)
    mantissa, k = np.frexp(np.where(inside, x, 1.0))
    small = mantissa < np.sqrt(0.5)
    f, k = np.where(small, 2 * mantissa, mantissa) - 1, k - small
    s = f / (2 + f)
    square, series = s * s, 0.0
    for term in range(_TERMS, 0, -1):
        series = square * (2 / (2 * term + 1) + series)
    # f^2 / 2 in two parts, the first of which is exact
    head = f.astype(np.float32).astype(float)
    half, rest = head * head / 2, (f - head) * (f + head) / 2
    most, left = _sum(f, -half)
    whole, more = _sum(k * _LN2[0], most)
    found = whole + (more + (left + (s * (half + (rest + series)) - rest) + k * _LN2[1]))
    return np.where(inside, found, np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan)))


def _sum(a: _Numbers, b: _Numbers) -> tuple[_Numbers, _Numbers]:
    """A sum and its rounding error, where |a| >= |b| or a = 0 (T. J. Dekker, 1971)."""
    total = a + b
    return total, b - (total - a)


def exp(x: Real[np.ndarray, " *S"] | float) -> Float64[np.ndarray, " *S"]:
    """The exponential, elementwise, off by at most 1.5 of the last place; to the bit that of XLA where it is normal.

    e^x = 2^n e^g with |g| <= log(2) / 2, and e^g = 1 + 2 P / (Q - P), where P is odd and Q even in g.
    """
    x = np.clip(np.asarray(x, float), *_EXP_RANGE)
    n = np.floor(_LOG2_E * x + 0.5)
    g = x - n * _EXP_LN2[0] - n * _EXP_LN2[1]
    p, q = g * _polynomial(_EXP_P, g * g), _polynomial(_EXP_Q, g * g)
    with np.errstate(over="ignore", invalid="ignore"):  # infinity, and NaN, which has no whole part
        return np.asarray(np.ldexp(1 + 2 * (p / (q - p)), n.astype(int)))


def _polynomial(coefficients: tuple[float, ...], x: _Numbers) -> _Numbers:
    """From the highest power on."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def cos(x: Real[np.ndarray, " *S"] | float) -> Float64[np.ndarray, " *S"]:
    """The cosine, elementwise: that of extended precision, which the C library has for all processors alike."""
    return np.asarray(np.cos(np.asarray(x, np.longdouble)), float)


def geometric(first: float, last: float, count: int) -> Float64[np.ndarray, " {count}"]:
    """`count` numbers from `first` to `last`, evenly spread in their logarithm."""
    inner = exp(np.linspace(log(first), log(last), count))
    return np.concatenate([[first], inner[1:-1], [last]]) if count > 1 else np.asarray([float(first)])

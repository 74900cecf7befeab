"""A logarithmic axis that puts every point into the same place on every processor.

matplotlib's takes NumPy's logarithm and power, whose last bits depend on the instructions that the
processor has; where a place is rounded to a pixel, one bit can be enough to move it.
"""

import functools

import numpy as np
from matplotlib.scale import InvertedLogTransform, LogScale, LogTransform
from numpy.typing import ArrayLike

from optide.numerics import elementary

_BASE = 10.0
_UNIT = float(elementary.log(_BASE))
_BELOW = -1000.0
"""The place of what has no logarithm: far outside, as in matplotlib."""


def _places(values: np.ndarray) -> np.ndarray:
    positive = values > 0
    found = elementary.log(np.where(positive, values, 1.0)) / _UNIT
    return np.where(positive, found, np.where(np.isnan(values), np.nan, _BELOW))  # NaN is a gap


@functools.lru_cache(maxsize=2**12)
def _place(value: float) -> float:
    """Of one alone: matplotlib asks for those of ticks thousands of times."""
    return float(_places(np.asarray(value)))


class _Logarithm(LogTransform):
    def __init__(self) -> None:
        super().__init__(_BASE)

    def transform_non_affine(self, values: ArrayLike) -> np.ndarray:
        of = np.asarray(values, float)
        return np.full(of.shape, _place(of.item())) if of.size == 1 else _places(of)

    def inverted(self) -> "_Power":
        return _Power()


class _Power(InvertedLogTransform):
    def __init__(self) -> None:
        super().__init__(_BASE)

    def transform_non_affine(self, values: ArrayLike) -> np.ndarray:
        return elementary.exp(np.asarray(np.asarray(values, float) * _UNIT))

    def inverted(self) -> _Logarithm:
        return _Logarithm()


class PortableLogScale(LogScale):
    """matplotlib's logarithmic scale of base 10, with logarithms of `optide.numerics.elementary`."""

    def __init__(self) -> None:
        super().__init__()
        self._transform = _Logarithm()

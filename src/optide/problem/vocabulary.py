"""The words in which an optimizer says what it is made of: hyper-parameters, with their ranges and symbols, and states.

Whatever names one of them (schemas, columns, keys, labels, pages) takes it from the optimizer's class.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Range:
    """The numbers that a hyper-parameter may be.

    Attributes:
        allowed: in words, as in "must be in [0, 1)".
        contains: whether numbers are among them; any shape, the same shape.
        schema: the same in JSON Schema.
    """

    allowed: str
    contains: Callable[[np.ndarray], np.ndarray]
    schema: Mapping[str, float]


POSITIVE = Range("a finite number > 0", lambda x: (x > 0) & np.isfinite(x), {"exclusiveMinimum": 0})
NONNEGATIVE = Range("a finite number >= 0", lambda x: (x >= 0) & np.isfinite(x), {"minimum": 0})
UNIT_INTERVAL = Range("in [0, 1)", lambda x: (x >= 0) & (x < 1), {"minimum": 0, "exclusiveMaximum": 1})
REAL = Range("a finite number", np.isfinite, {})


@dataclass(frozen=True)
class Hyperparameter:
    """What is known of a hyper-parameter, whatever its value.

    Attributes:
        range: of its values.
        symbol: in TeX, without dollars.
        text: the symbol in plain text.
        description: in a sentence, for the reference of the configuration.
        optional: whether a configuration may leave it out, which then has its default.
    """

    range: Range
    symbol: str
    text: str
    description: str
    optional: bool


def hyperparameter(
    range: Range,
    *,
    default: Any = dataclasses.MISSING,
    symbol: str | None = None,
    text: str | None = None,
    description: str = "",
    optional: bool = False,
) -> Any:
    r"""A hyper-parameter in the body of an optimizer's class, as in `beta: Scalar = hyperparameter(UNIT_INTERVAL)`.

    Args:
        range: of its values: `POSITIVE`, `NONNEGATIVE`, `UNIT_INTERVAL`, `REAL`, or one's own.
        default: where it is not given; without one it must be.
        symbol: in TeX, as r"\beta"; its name if not given.
        text: the symbol in plain text, as "β"; its name if not given.
        description: in a sentence.
        optional: whether a configuration may leave it out.  All others tell two configurations apart, and are given.

    Returns:
        A field, as of dataclasses, whose values are numbers, or arrays (N,) with one for each lane.

    Raises:
        TypeError: the range is none, or it is optional without a default.
    """
    if not isinstance(range, Range):
        raise TypeError(f"hyperparameter({range!r}): the first argument must be a Range, such as POSITIVE")
    if optional and default is dataclasses.MISSING:
        raise TypeError("hyperparameter(optional=True): needs a default")
    told = Hyperparameter(range, symbol or "", text or "", description, optional)
    return dataclasses.field(default=default, metadata={Hyperparameter: told})


def described(field: dataclasses.Field[Any]) -> Hyperparameter | None:
    """What a field of an optimizer's class says of its hyper-parameter; None if it is none."""
    told = field.metadata.get(Hyperparameter)
    words = field.name.replace("_", r"\ ")
    return told and dataclasses.replace(
        told, symbol=told.symbol or rf"\mathrm{{{words}}}", text=told.text or field.name
    )


@dataclass(frozen=True)
class State:
    """What is known of a state: a memory of the equation, and its counterpart in the algorithm.

    Attributes:
        symbol: in TeX, without dollars.
        description: in words, as in "the average of squared gradients".
    """

    symbol: str
    description: str = ""

"""Values of hyper-parameters and other axes, in lists and ranges, held against what they may be."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optide.base.errors import ConfigError
from optide.base.words import shown
from optide.problem.optimizer import Optimizer
from optide.problem.vocabulary import POSITIVE, REAL, UNIT_INTERVAL, Range

LINEAR, LOGARITHMIC, MEMORY = "linear", "logarithmic", "memory"
"""Spacings of a range."""
NEEDED = {LOGARITHMIC: POSITIVE, MEMORY: UNIT_INTERVAL}
"""What the ends of a range must be beside what the values must be, by its spacing."""


def check_hyperparameters(key: str, optimizer: type[Optimizer], given: Mapping[str, Any]) -> None:
    """Make sure that all hyper-parameters that an optimizer needs are given, and no others, in their ranges.

    Args:
        key: where they are, for the message.
        optimizer: whose they are.
        given: axes, by name.

    Raises:
        ConfigError: they are not; names what is allowed.
    """
    needed, known = optimizer.choices(), optimizer.vocabulary()
    if not {*needed} <= {*given} <= {*known}:
        optional = [name for name, told in known.items() if told.optional]
        takes = " and ".join(needed) or "none"
        takes += f" and, if wanted, {' and '.join(optional)}" if not {*given} <= {*needed} and optional else ""
        raise ConfigError(f"{key}: {optimizer.name} takes {takes}, not {' and '.join(given) or 'none'}")
    for name, axis in given.items():
        check_axis(f"{key}.{name}", axis, known[name].range)


def check_axis(key: str, axis: Any, allowed: Range = REAL) -> None:
    """Make sure that the values of a list, or of a range, are among those that are allowed.

    Raises:
        ConfigError: they are not, or a range goes down; names the value and what is allowed.
    """
    of_range = isinstance(axis, Mapping)
    values = {f"{key}.{end}": axis[end] for end in ("from", "to")} if of_range else _numbered(key, axis)
    demanded = [allowed, *([NEEDED[axis["spacing"]]] if of_range and axis["spacing"] in NEEDED else [])]
    for place, value in values.items():
        for one in demanded:
            if not one.contains(np.asarray(value)):
                why = f" where spacing is {axis['spacing']}" if one is not allowed else ""
                raise ConfigError(f"{place} = {shown(value)}: must be {one.allowed}{why}")
    if of_range and not axis["from"] < axis["to"]:
        raise ConfigError(f"{key}.to = {shown(axis['to'])}: must be above from = {shown(axis['from'])}")


def _numbered(key: str, values: Any) -> dict[str, Any]:
    return {f"{key}[{i}]": value for i, value in enumerate(values)}

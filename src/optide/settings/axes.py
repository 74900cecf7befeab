"""Values of hyper-parameters and other axes, in lists and ranges, held against what they may be."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optide.base.errors import ConfigError
from optide.base.words import nearest, shown
from optide.numerics.elementary import log
from optide.problem.optimizer import Optimizer
from optide.problem.vocabulary import POSITIVE, REAL, UNIT_INTERVAL, Range

LINEAR, LOGARITHMIC, MEMORY = "linear", "logarithmic", "memory"
"""Spacings of a range."""
NEEDED = {LOGARITHMIC: POSITIVE, MEMORY: UNIT_INTERVAL}
"""What the ends of a range must be beside what the values must be, by its spacing."""
DIGITS = 12
"""Of the values of a range: those of a finer one are the same where they meet."""
APART = float(f"1e{1 - DIGITS}")
"""By what part of themselves they differ at least."""


def check_hyperparameters(key: str, optimizer: type[Optimizer], given: Mapping[str, Any], refine: int = 1) -> None:
    """Make sure that all hyper-parameters that an optimizer needs are given, and no others, in their ranges.

    Args:
        key: where they are, for the message.
        optimizer: whose they are.
        given: axes, by name.
        refine: as of `check_axis`.

    Raises:
        ConfigError: they are not; names what is allowed.
    """
    needed, known = optimizer.choices(), optimizer.vocabulary()
    if not {*needed} <= {*given} <= {*known}:
        optional = [name for name, told in known.items() if told.optional]
        takes = " and ".join(needed) or "none"
        takes += f" and, if wanted, {' and '.join(optional)}" if not {*given} <= {*needed} and optional else ""
        hint = next(filter(None, (nearest(name, known) for name in given if name not in known)), "")
        raise ConfigError(f"{key}: {optimizer.name} takes {takes}, not {' and '.join(given) or 'none'}{hint}")
    for name, axis in given.items():
        check_axis(f"{key}.{name}", axis, known[name].range, refine)


def check_axis(key: str, axis: Any, allowed: Range = REAL, refine: int = 1) -> None:
    """Make sure that the values of a list, or of a range, are among those that are allowed.

    Args:
        key: as of `check_hyperparameters`.
        axis: the list or range.
        allowed: what its values may be.
        refine: how many times as close as it says the values of a range lie.

    Raises:
        ConfigError: they are not, a range goes down, or its values are no different ones of so many digits; names
            the value and what is allowed.
    """
    of_range = isinstance(axis, Mapping)
    values = {f"{key}.{end}": axis[end] for end in ("from", "to")} if of_range else _numbered(key, axis)
    demanded = [allowed, *([NEEDED[axis["spacing"]]] if of_range and axis["spacing"] in NEEDED else [])]
    for place, value in values.items():
        for one in demanded:
            if not one.contains(np.asarray(value, float)):
                why = f" where spacing is {axis['spacing']}" if one is not allowed else ""
                raise ConfigError(f"{place} = {shown(value)}: must be {one.allowed}{why}")
    if of_range:
        _check_range(key, axis, refine)


def _check_range(key: str, axis: Mapping[str, Any], refine: int) -> None:
    first, last = axis["from"], axis["to"]
    if not first < last:
        raise ConfigError(f"{key}.to = {shown(last)}: must be above from = {shown(first)}")
    for end, value in {"from": first, "to": last}.items():
        if float(f"{value:.{DIGITS}g}") != float(value):
            raise ConfigError(f"{key}.{end} = {shown(value)}: must be a number of at most {DIGITS} digits")
    if _closest(axis["spacing"], first, last) / (refine * (axis["values"] - 1)) < APART:
        refined = f" where refine = {refine}" if refine > 1 else ""
        raise ConfigError(
            f"{key}.values = {axis['values']}: must be fewer, so that {DIGITS} digits tell them apart{refined}"
        )


def _closest(spacing: str, first: float, last: float) -> float:
    """How far apart, as a part of themselves, neighbours are where they are closest, times their distances."""
    if spacing == LINEAR:
        return (last - first) / max(-first, last)
    if spacing == LOGARITHMIC:
        return float(log(last) - log(first))
    return (1 - last) / last * float(log(1 - first) - log(1 - last))


def _numbered(key: str, values: Any) -> dict[str, Any]:
    return {f"{key}[{i}]": value for i, value in enumerate(values)}

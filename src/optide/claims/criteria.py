"""Criteria: how far inside its limits a number is, and what is said of that in words."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optide.settings.config import number, start

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
RATIO, DIFFERENCE, EQUALITY = "ratio", "difference", "equality"

MARGINS: dict[str, Callable[[Any, Any], Any]] = {
    "below": lambda number, limit: limit - number,
    "above": lambda number, limit: number - limit,
    "between": lambda number, limits: np.minimum(number - limits[0], limits[1] - number),
    "outside": lambda number, limits: np.maximum(limits[0] - number, number - limits[1]),
}
"""How far inside its limits a number is, or each of an array; it meets the criterion if that is positive."""
_BESIDE = {RATIO: "relative to", DIFFERENCE: "minus that of", EQUALITY: "the same as that of"}


def margin_of(number: Any, criterion: Mapping[str, Any]) -> Any:
    """How far a number is inside the limits of a criterion, negative outside; NaN if there is no number."""
    ((comparison, limits),) = criterion.items()
    return MARGINS[comparison](number, limits)


def in_words(what: str, against: Mapping[str, Any] | None, criterion: Mapping[str, Any]) -> str:
    """What the number is and where it must lie, as in "settling_step of theta < 1500".

    Args:
        what: is measured.
        against: what it is compared with, as in a claim.
        criterion: likewise; empty if two must be the same.
    """
    if against:
        changed = {name: against[name] for name in ("model", "learning_rate", "theta0", "steps") if name in against}
        changed |= against.get("hyperparameters", {})
        other = ", ".join(value if name == "model" else f"{name} {start(value)}" for name, value in changed.items())
        what += f", {_BESIDE[against['by']]} {other}"
    for comparison, limits in criterion.items():
        if comparison in ("below", "above"):
            what += f" {'<' if comparison == 'below' else '>'} {number(limits)}"
        else:
            what += f" {comparison} {number(limits[0])} and {number(limits[1])}"
    return what

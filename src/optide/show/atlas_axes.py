"""The axes of the atlas as they are drawn: evenly, each in the spacing of its values, with ticks at round numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from optide.numerics import elementary
from optide.problem.registry import symbols
from optide.settings import atlas as regions
from optide.settings.axes import DIGITS, LOGARITHMIC, MEMORY
from optide.settings.config import number
from optide.show.style import in_tex
from optide.studies import atlas
from optide.studies.atlas_planes import place

MOST, ENOUGH = 7, 2
"""Labels of an axis."""
_ROUND = (1, 2, 5)


class Tick(NamedTuple):
    """A tick.

    Attributes:
        place: in neighbours, from the first value.
        value: there.
        labelled: whether it is told.
    """

    place: float
    value: float
    labelled: bool


def ticks(axis: Any, refine: int) -> list[Tick]:
    """The ticks of an axis: of a list its values, of a range round numbers between its ends.

    On logarithmic axes those that are labelled are powers of ten, on axes of decays those where the memory is one, if
    there are enough of them.
    """
    size = regions.size(axis, refine)
    if not isinstance(axis, Mapping):
        every = -(-size // MOST)
        return [Tick(i, value, i % every == 0) for i, value in enumerate(map(float, atlas.values(axis, refine)))]
    first, last = float(axis["from"]), float(axis["to"])
    found = []
    if axis["spacing"] == LOGARITHMIC:
        found = _powers(first, last)
    elif axis["spacing"] == MEMORY:
        found = [(1 - share, main) for share, main in reversed(_powers(1 - last, 1 - first))]
    if len(found) < ENOUGH:
        step = _step(last - first)
        found = [(i * step, True) for i in range(int(np.ceil(first / step)), int(np.floor(last / step)) + 1)]
    tidy = [(float(f"{value:.{DIGITS}g}"), main) for value, main in found]
    told = [value for value, main in tidy if main]
    told = told[:: -(-len(told) // MOST) or 1]
    return [Tick(place(axis, value, refine), value, value in told) for value, _ in tidy]


def _step(reach: float) -> float:
    """The least round number of which there are not too many in a reach."""
    power = int(np.floor(elementary.log(reach) / elementary.log(10.0)))
    steps = (float(f"{digit}e{exponent}") for exponent in range(power - 2, power + 2) for digit in _ROUND)
    return next(step for step in steps if reach / step <= MOST - 1)


def _powers(first: float, last: float) -> list[tuple[float, bool]]:
    """1, 2 and 5 times the powers of ten between two numbers; only those of one main, if there are two or more."""
    low, high = (int(np.floor(elementary.log(end) / elementary.log(10.0))) for end in (first, last))
    found = [(float(f"{digit}e{power}"), digit == 1) for power in range(low - 1, high + 2) for digit in _ROUND]
    slack = 1 + float(f"1e-{DIGITS}")
    inside = [(value, main) for value, main in found if first / slack <= value <= last * slack]
    few = sum(main for _, main in inside) < 2
    return [(value, main or few) for value, main in inside]


def label(name: str, optimizer: str) -> tuple[str, str]:
    """What an axis is called, in plain text and for matplotlib."""
    if name == regions.STEPS:
        return "steps", "steps"
    if name == regions.THETA0:
        return "start θ₀", r"start $\theta_0$"
    text, tex = symbols(name, optimizer)
    words = "learning rate " if name == regions.LEARNING_RATE else ""
    return f"{words}{text}", f"{words}${tex}$"


def held(name: str, value: float, optimizer: str) -> str:
    """Where an axis is held, for matplotlib."""
    tex = {regions.STEPS: r"\mathrm{steps}", regions.THETA0: r"\theta_0"}.get(name, symbols(name, optimizer)[1])
    return f"${tex} = {in_tex(number(value))}$"


def short(name: str, optimizer: str) -> str:
    """An axis in a letter, in plain text."""
    return {regions.STEPS: "steps", regions.THETA0: "θ₀"}.get(name, symbols(name, optimizer)[0])

"""Planes through regions of the atlas: what a figure shows of them, their axes, and where the others are held."""

import dataclasses
from typing import cast

from optide.problem.registry import OPTIMIZERS
from optide.settings import atlas as regions
from optide.settings.config import Config

GAP, BEHAVIOUR, BASINS = "gap", "behaviour", "basins"
"""What is drawn of planes; each is a figure."""


def varying(region: Config) -> list[str]:
    """The axes of a region that have more than one value."""
    return [name for name, axis in regions.axes(region).items() if regions.size(axis, 1) > 1]


def fixed(plane: Config, region: Config) -> dict[str, float]:
    """The value at which a plane is held of each axis that does not lie in it."""
    single = {name: axis[0] for name, axis in regions.axes(region).items() if regions.size(axis, 1) == 1}
    held = {**single, **plane.get("at", {})}
    return {name: held[name] for name in regions.axes(region) if name not in (plane["x"], plane["y"])}


def defaults(optimizer: str) -> dict[str, float]:
    """The hyper-parameters of an optimizer that may be left out, which then have these values."""
    known = OPTIMIZERS[optimizer]
    optional = [name for name, told in known.vocabulary().items() if told.optional]
    return {field.name: cast("float", field.default) for field in dataclasses.fields(known) if field.name in optional}

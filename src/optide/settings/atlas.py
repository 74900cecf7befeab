"""The entry `atlas` of the configuration: regions of the space of configurations, and how they are cut.

A region is the product of its axes: steps, theta0, the hyper-parameters and the learning rate.  Its rows are numbered,
that of the last axis fastest, so that a slice of it is two numbers, whoever solves it.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from optide.problem import plugins
from optide.settings.config import Config

FILE = 100_000
"""Rows of a file of the data set."""
STEPS, THETA0, LEARNING_RATE = "steps", "theta0", "learning_rate"


class Rows(NamedTuple):
    """Rows of a region, from the first to the one before `end`."""

    region: str
    first: int
    end: int


def axes(region: Config) -> dict[str, Any]:
    """The axes of a region by name, in the order of its rows: each a list of values, or a range of them.

    In whatever order the configuration has hyper-parameters, which no file of results keeps.
    """
    return {
        STEPS: region["steps"],
        THETA0: region["theta0"],
        **dict(sorted(region["hyperparameters"].items())),
        LEARNING_RATE: region["learning_rates"],
    }


def size(axis: Any, refine: int) -> int:
    """How many values an axis has; those of a range lie `refine` times as close as it says."""
    return refine * (axis["values"] - 1) + 1 if isinstance(axis, Mapping) else len(axis)


def shape(region: Config, refine: int) -> tuple[int, ...]:
    """How many values each axis of a region has."""
    return tuple(size(axis, refine) for axis in axes(region).values())


def count(atlas: Config, name: str) -> int:
    """The rows of a region."""
    return math.prod(shape(atlas["regions"][name], atlas["refine"]))


def whole(atlas: Config, name: str) -> Rows:
    """All rows of a region."""
    return Rows(name, 0, count(atlas, name))


def shards(atlas: Config, rows: Rows) -> list[Rows]:
    """The portions that jobs solve, of those that have any of some rows."""
    return _cut(atlas, rows, atlas["shard"])


def files(atlas: Config, name: str) -> list[Rows]:
    """The rows of a region in the portions that a file of the data set holds, whatever the size of shards."""
    return _cut(atlas, whole(atlas, name), FILE)


def _cut(atlas: Config, rows: Rows, length: int) -> list[Rows]:
    last = count(atlas, rows.region)
    return [
        Rows(rows.region, first, min(first + length, last))
        for first in range(rows.first // length * length, rows.end, length)
    ]


def region_slice(atlas: Config, name: str) -> dict[str, Any]:
    """What the rows of a region depend on, of the entry `atlas`, and nothing else."""
    region = atlas["regions"][name]
    from_outside = plugins.used(region["objective"], region["optimizer"])
    return {
        "region": name,
        **region,
        "refine": atlas["refine"],
        "sample": atlas["sample"],
        "processor": atlas["processor"],
        **({"plugins": from_outside} if from_outside else {}),
    }


def shard_slice(atlas: Config, name: str, first: int) -> dict[str, Any]:
    """What the shard that begins at a row depends on."""
    return region_slice(atlas, name) | {"first": first, "end": min(first + atlas["shard"], count(atlas, name))}

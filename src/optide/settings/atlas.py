"""The entry `atlas` of the configuration: regions of the space of configurations, and how they are cut.

A region is the product of its axes: steps, theta0, the hyper-parameters and the learning rate.  Its rows are numbered,
that of the last axis fastest, so that a slice of it is two numbers, whoever solves it.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
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
    """The axes of a region by name, in the order of its rows: each a list of values, or a range of them."""
    return {
        STEPS: region["steps"],
        THETA0: region["theta0"],
        **region["hyperparameters"],
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


def shards(atlas: Config, name: str) -> list[Rows]:
    """The rows of a region, in the portions that a job solves."""
    return [*_cut(name, count(atlas, name), atlas["shard"])]


def files(atlas: Config, name: str) -> list[Rows]:
    """The same in those that a file of the data set holds, whatever the size of shards."""
    return [*_cut(name, count(atlas, name), FILE)]


def _cut(name: str, rows: int, length: int) -> Iterator[Rows]:
    edges = [*range(0, rows, length), rows]
    return (Rows(name, first, end) for first, end in itertools.pairwise(edges))


def within(shards: list[Rows], rows: Rows) -> list[Rows]:
    """The shards that have any of some rows."""
    return [shard for shard in shards if shard.first < rows.end and shard.end > rows.first]


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
    (rows,) = (shard for shard in shards(atlas, name) if shard.first == first)
    return region_slice(atlas, name) | {"first": rows.first, "end": rows.end}

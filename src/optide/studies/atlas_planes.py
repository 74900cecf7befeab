"""Planes through a region of the atlas: where values lie on its axes, and its rows as pictures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int

from optide.data import results
from optide.numerics import elementary
from optide.settings import atlas as regions
from optide.settings.axes import LINEAR, LOGARITHMIC
from optide.settings.config import Config
from optide.settings.planes import defaults, fixed
from optide.studies import atlas

SAME = 1e-9
"""How far apart, in the distance of neighbours, a value may lie from one of an axis that it is."""


KEPT = (
    *(f"{model}_{name}" for model in atlas.MODELS for name in ("end", "basin", "behaviour")),
    *(f"{model}_gap" for model in atlas.EQUATIONS),
)
"""Columns that the figures show, or that is said of them."""


class Plane(NamedTuple):
    """A plane of a region.

    Attributes:
        region: its slice (`optide.settings.atlas.region_slice`).
        x: the axis across.
        y: the axis upwards.
        at: the values of all other axes.
        columns: of the rows in it, each (ny, nx); NaN or "" where there is nothing.
    """

    region: Config
    x: str
    y: str
    at: dict[str, float]
    columns: dict[str, np.ndarray]

    @property
    def told(self) -> dict[str, float]:
        """Those without the steps, where all runs of the region have as many."""
        return {name: value for name, value in self.at.items() if name != regions.STEPS or len(self.region[name]) > 1}

    def axis(self, name: str) -> Any:
        """One of its axes, as it was given."""
        return regions.axes(self.region)[name]

    def values(self, name: str) -> Float64[np.ndarray, " n"]:
        """The values of one of its axes, in order."""
        return atlas.values(self.axis(name), self.region["refine"])


def scaled(axis: Any, value: float | np.ndarray) -> Float64[np.ndarray, " *S"]:
    """A value where those of a range lie evenly."""
    if axis["spacing"] == LINEAR:
        return np.asarray(value, float)
    if axis["spacing"] == LOGARITHMIC:
        return elementary.log(value)
    return -elementary.log(1 - np.asarray(value, float))


def place(axis: Any, value: float, refine: int) -> float:
    """Where a value lies on an axis, counted from 0 in neighbours; NaN if that is a list and has it not."""
    if not isinstance(axis, Mapping):
        return float(axis.index(value)) if value in axis else np.nan
    first, last, at = (float(scaled(axis, end)) for end in (axis["from"], axis["to"], value))
    return (at - first) / (last - first) * (regions.size(axis, refine) - 1)


def rows(region: Config, plane: Config) -> Int[np.ndarray, "ny nx"]:
    """The numbers of the rows in a plane.

    Args:
        region: a slice.
        plane: of the entry `maps`.
    """
    axes, refine = regions.axes(region), region["refine"]
    shape = regions.shape(region, refine)
    at = {name: round(place(axes[name], value, refine)) for name, value in fixed(plane, region).items()}
    at |= {
        plane["x"]: np.arange(regions.size(axes[plane["x"]], refine))[None, :],
        plane["y"]: np.arange(regions.size(axes[plane["y"]], refine))[:, None],
    }
    return np.ravel_multi_index(np.broadcast_arrays(*(at[name] for name in axes)), shape)


def of_maps(
    paths: Iterable[str | Path], settings: Config, columns: Sequence[str] | None = None
) -> dict[str, list[Plane]]:
    """The planes of each figure.

    Args:
        paths: as of `read`.
        settings: what the figures depend on (`optide.settings.maps.maps_slice`).
        columns: that are kept; all that is measured, if not given.

    Raises:
        FileError: a file cannot be read.
    """
    asked = [(kind, plane) for kind, planes in settings["maps"].items() for plane in planes]
    found = read(paths, [plane for _, plane in asked], settings["regions"], columns or KEPT)
    return {
        kind: [plane for (own, _), plane in zip(asked, found, strict=True) if own == kind] for kind in settings["maps"]
    }


def read(
    paths: Iterable[str | Path], asked: Sequence[Config], known: Mapping[str, Config], columns: Sequence[str]
) -> list[Plane]:
    """Planes, from the files of the data set, one after the other.

    Args:
        paths: of the files of all regions that are asked for, in any order.
        asked: planes, of the entry `maps`.
        known: the slices of their regions, by name.
        columns: that are kept.

    Raises:
        FileError: a file cannot be read.
    """
    wanted = [rows(known[plane["region"]], plane) for plane in asked]
    found: list[dict[str, np.ndarray]] = [{} for _ in asked]
    for path in paths:
        table = atlas.read(path)
        name = results.metadata(table)["configuration"]["region"]
        first, end = (table.column("row")[i].as_py() for i in (0, -1))
        for plane, numbers, into in zip(asked, wanted, found, strict=True):
            here = (numbers >= first) & (numbers <= end)
            if plane["region"] == name and here.any():
                for column in columns:
                    values = array(table.column(column))
                    into.setdefault(column, np.zeros(numbers.shape, values.dtype))[here] = values[numbers[here] - first]
    return [_plane(known[plane["region"]], plane, columns) for plane, columns in zip(asked, found, strict=True)]


def _plane(region: Config, plane: Config, columns: dict[str, np.ndarray]) -> Plane:
    axes, refine = regions.axes(region), region["refine"]
    held = {
        name: float(atlas.values(axes[name], refine)[round(place(axes[name], value, refine))])
        for name, value in fixed(plane, region).items()
    }
    return Plane(region, plane["x"], plane["y"], held, columns)


def array(column: pa.ChunkedArray) -> np.ndarray:
    """A column of the atlas, with NaN, "" or False where it has nothing."""
    if pa.types.is_string(column.type):
        found: np.ndarray = np.asarray(column.fill_null("").to_pylist(), object)
        return found
    if pa.types.is_boolean(column.type):
        return np.asarray(column.fill_null(False).to_numpy())
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))


def marked(plane: Plane, points: Iterable[Config]) -> list[tuple[float, float, Config]]:
    """Which of some points (`optide.settings.maps.points`) lie in a plane, and where, in neighbours from its corner."""
    refine, given = plane.region["refine"], defaults(plane.region["optimizer"]) | plane.at
    found = []
    for point in points:
        values = point["values"]
        beside = (given[name] for name in values if name not in (plane.x, plane.y))
        there = [value for name, value in values.items() if name not in (plane.x, plane.y)]
        x, y = (
            place(plane.axis(name), values[name], refine) if name in values else np.nan for name in (plane.x, plane.y)
        )
        inside = all(
            -SAME <= at <= regions.size(plane.axis(name), refine) - 1 + SAME
            for name, at in ((plane.x, x), (plane.y, y))
        )
        if inside and there == [*beside]:
            found.append((x, y, point))
    return found

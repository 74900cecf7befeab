"""The atlas: regions of the space of configurations, of which every point of a grid is solved by both models.

A row is a configuration, with what is measured of the algorithm, of its equation, and of the equation without
look-ahead.  No curve is kept, but those of a sample.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int

from optide.base.errors import FileError
from optide.data import results
from optide.numerics import elementary
from optide.problem.registry import hyperparameter_columns
from optide.settings import atlas
from optide.settings.axes import DIGITS, LINEAR, LOGARITHMIC
from optide.settings.config import Config

DISCRETE, EQUATION, NO_LOOKAHEAD = "discrete", "equation", "no_lookahead"
EQUATIONS = {EQUATION: 1, NO_LOOKAHEAD: 0}
"""What solves the equation, with its look-ahead."""
MODELS = (DISCRETE, *EQUATIONS)
_LEFT = "{}: left by a run of another configuration; delete results/atlas/shards, run again"

MEASURED = {
    "end": pa.float64(),
    "loss": pa.float64(),
    "settling_step": pa.int64(),
    "decay_rate": pa.float64(),
    "oscillations": pa.int64(),
    "basin": pa.float64(),
    "behaviour": pa.string(),
}
"""Columns of each model, after its name: see `optide.studies.atlas_measures`."""
COMPARED = {"gap": pa.float64(), "gap_rms": pa.float64(), "loss_gap": pa.float64()}
"""Likewise of each way to solve the equation, held against the algorithm."""
SOLVED = {"converged": pa.bool_(), "residual": pa.float64(), "ambiguous": pa.bool_()}
"""Likewise; where one did not converge, nothing is measured of it."""


def values(axis: Any, refine: int) -> Float64[np.ndarray, " n"]:
    """The values of an axis, in order."""
    if not isinstance(axis, Mapping):
        return np.asarray(axis, float)
    size = atlas.size(axis, refine)
    share = np.arange(size) / (size - 1)

    def between(first: Any, last: Any) -> Any:
        return first + (last - first) * share

    if axis["spacing"] == LINEAR:
        found = between(axis["from"], axis["to"])
    elif axis["spacing"] == LOGARITHMIC:
        found = elementary.exp(between(elementary.log(axis["from"]), elementary.log(axis["to"])))
    else:
        memory = -elementary.log(1 - np.asarray([axis["from"], axis["to"]]))
        found = 1 - elementary.exp(-between(*memory))
    return np.asarray([float(f"{value:.{DIGITS}g}") for value in found])


def places(region: Config, rows: Int[np.ndarray, " n"]) -> dict[str, Int[np.ndarray, " n"]]:
    """Where rows of a region lie on each of its axes.

    Args:
        region: a slice (`optide.settings.atlas.region_slice`).
        rows: their numbers.
    """
    found = np.unravel_index(rows, atlas.shape(region, region["refine"]))
    return dict(zip(atlas.axes(region), found, strict=True))


def configurations(region: Config, rows: Int[np.ndarray, " n"]) -> dict[str, np.ndarray]:
    """The value of each axis in rows of a region."""
    axes = atlas.axes(region)
    return {name: values(axes[name], region["refine"])[at] for name, at in places(region, rows).items()}


def sampled(region: Config, rows: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which rows of a region keep their curves, however much it is refined."""
    axes, every = atlas.axes(region), region["refine"] * region["sample"]
    found: np.ndarray = np.all(
        [at % every == 0 for name, at in places(region, rows).items() if isinstance(axes[name], Mapping)]
        or [np.ones_like(rows, bool)],
        axis=0,
    )
    return found


def schema(hyperparameters: Sequence[str]) -> pa.Schema:
    """The columns of the data set; the region is in the names of its files.

    Args:
        hyperparameters: that are given; those of the paper's optimizers always have a column.
    """
    needed = ("row", atlas.STEPS)
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in ("objective", "optimizer")),
            *(pa.field(name, pa.int64(), nullable=False) for name in needed),
            *(pa.field(name, pa.float64(), nullable=False) for name in (atlas.THETA0, atlas.LEARNING_RATE)),
            *(pa.field(name, pa.float64()) for name in hyperparameter_columns(hyperparameters)),
            *(
                pa.field(f"{model}_{name}", kind)
                for model in MODELS
                for name, kind in (MEASURED | (COMPARED | SOLVED if model in EQUATIONS else {})).items()
            ),
        ]
    )


CURVES = pa.schema(
    [
        *(pa.field(name, pa.int64(), nullable=False) for name in ("row", "k")),
        *(pa.field(model, pa.float64()) for model in MODELS),
    ]
)
"""Columns of the sample: theta of each model after k steps; null before the equation starts, and where it has none."""


def of(settings: Config) -> pa.Schema:
    """The columns of the rows of a region, by its slice."""
    return schema([*settings["hyperparameters"]])


def write(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Write rows of a region with the slice that they were solved for, sealed, whole or not at all."""
    results.write(path, table.cast(of(settings)), settings)


def write_curves(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Likewise curves."""
    results.write(path, table.cast(CURVES), settings)


def read(path: str | Path) -> pa.Table:
    """Rows of a region.

    Raises:
        FileError: the file cannot be read, was damaged, or has other columns.
    """
    return results.read(path, lambda found: of(found["configuration"]), "rows of the atlas")


def read_curves(path: str | Path) -> pa.Table:
    """Curves of a sample.

    Raises:
        FileError: likewise.
    """
    return results.read(path, lambda _: CURVES, "curves of the atlas")


def shards(
    paths: Iterable[str | Path], reader: Callable[[str | Path], pa.Table], settings: Config, first: int, end: int
) -> Iterator[pa.Table]:
    """The shards of a region that have some rows, in order.

    Args:
        paths: of their files.
        reader: `read` or `read_curves`.
        settings: the slice of the region.
        first: the first of the rows.
        end: after the last of them.

    Raises:
        FileError: one cannot be read, or was left by a run of another configuration or of shards of another size.
    """
    wanted, at, path = json.loads(json.dumps(settings)), None, None
    for path in paths:
        table = reader(path)
        part = results.metadata(table)["configuration"]
        own = {name: value for name, value in part.items() if name not in ("first", "end")}
        follows = part["first"] <= first < part["end"] if at is None else part["first"] == at < end
        if own != wanted or not follows:
            raise FileError(_LEFT.format(path))
        at = part["end"]
        yield table
    if at is not None and at < end:
        raise FileError(_LEFT.format(path))


def joined(shards: Iterable[pa.Table], first: int, end: int) -> pa.Table:
    """Some rows of a region, from the shards that have any of them, in order."""
    whole = joined_curves(shards)
    skipped = first - whole.column("row")[0].as_py()
    return whole.slice(skipped, end - first)


def joined_curves(shards: Iterable[pa.Table]) -> pa.Table:
    """What several shards have, in order."""
    return pa.concat_tables(table.replace_schema_metadata(None) for table in shards).combine_chunks()

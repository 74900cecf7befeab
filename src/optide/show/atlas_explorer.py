"""One HTML page to explore the atlas, without a network: maps of any plane, and the curves of the sample.

It names no address, as that of the traces (`optide.show.explorer`), and holds the points of the grids that are not
refined, rounded, so that it stays small however fine an atlas is.
"""

import base64
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from optide.data import provenance, results
from optide.problem.registry import OBJECTIVES, written
from optide.settings import atlas as regions
from optide.settings.config import Config, number
from optide.settings.planes import defaults
from optide.show import atlas_axes, atlas_colours
from optide.show.page import rendered
from optide.show.style import look
from optide.studies import atlas
from optide.studies.atlas import DISCRETE, EQUATION, MODELS, NO_LOOKAHEAD
from optide.studies.atlas_measures import NEAR
from optide.studies.atlas_planes import array, place

POINTS, VALUES = 180_000, 4_500_000
"""Points, and values of curves, that the page holds of all regions together; of what has more, every so many-th."""
BITS, BITS_OF_CURVES = 11, 14
"""Of what follows the first digit of a number that is kept in base two: three and four digits in base ten."""
NOTHING = 255
"""The number of no behaviour and no minimum."""
SHADES = 33
TITLES = {
    DISCRETE: "discrete algorithm",
    EQUATION: "equation, with look-ahead",
    NO_LOOKAHEAD: "equation, without look-ahead",
}
QUANTITIES = {
    "gap": ("largest gap", "logarithmic"),
    "gap_rms": ("gap, root mean square", "logarithmic"),
    "loss_gap": ("gap of the loss at the end", "signed"),
    "behaviour": ("behaviour", "behaviours"),
    "basin": ("nearest minimum at the end", "minima"),
    "wells": ("minimum beside the algorithm's", "wells"),
    "settling_step": ("step from which it has settled", "linear"),
    "decay_rate": ("decay rate, per step", "logarithmic"),
    "oscillations": ("crossings of the minimum", "linear"),
    "loss": ("loss at the end", "logarithmic"),
    "end": ("theta at the end", "linear"),
}
"""What may be coloured: what it is called, and how."""
_DERIVED = "wells"
_CODES = ("behaviour", "basin")


def write(
    rows: Sequence[str | Path],
    curves: Sequence[str | Path],
    settings: Config,
    path: str | Path,
    record: provenance.Record,
) -> str:
    """Write the page, with its provenance; whole or not at all.

    Args:
        rows: the files of the data set.
        curves: those of the samples.
        settings: what it depends on (`optide.settings.maps.page_slice`).
        path: of the page.
        record: its provenance.

    Returns:
        What is in it, in a line.

    Raises:
        FileError: a file cannot be read or written.
    """
    shown = found(rows, curves, settings)
    provenance.write(path, (page(shown) + provenance.of_text(path, record)).encode())
    points, curves_of = (sum(found["count"] for found in of) for of in (shown, [one["curves"] for one in shown]))
    return f"{points:,} points and {curves_of:,} curves shown"


def page(shown: Sequence[Mapping[str, Any]]) -> str:
    """The page that shows some regions."""
    data = {
        "models": TITLES,
        "quantities": {name: {"text": text, "scale": scale} for name, (text, scale) in QUANTITIES.items()},
        "behaviours": atlas_colours.BEHAVIOURS,
        "midway": atlas_colours.MIDWAY,
        "missing": atlas_colours.MISSING,
        "same": atlas_colours.SAME,
        "different": atlas_colours.DIFFERENT,
        "sequence": atlas_colours.sampled(atlas_colours.SEQUENCE, SHADES),
        "diverging": atlas_colours.sampled(atlas_colours.DIVERGING, SHADES),
        "nothing": NOTHING,
        "regions": shown,
    }
    return rendered("atlas", data, styles=("explorer", "atlas"), near=NEAR)


def found(rows: Iterable[str | Path], curves: Iterable[str | Path], settings: Config) -> list[dict[str, Any]]:
    """What the page holds of each region.

    Raises:
        FileError: a file cannot be read.
    """
    known: Mapping[str, Config] = settings["regions"]
    every = {name: _every(one, 1, POINTS // len(known)) for name, one in known.items()}
    parts: dict[str, list[pa.Table]] = {name: [] for name in known}
    for path in rows:
        table = atlas.read(path)
        name = results.metadata(table)["configuration"]["region"]
        parts[name].append(_kept(table, known[name], every[name]))
    sampled = {}
    for path in curves:
        table = atlas.read_curves(path)
        name = results.metadata(table)["configuration"]["region"]
        steps = max(known[name]["steps"])
        each = _every(
            known[name], math.lcm(known[name]["sample"], every[name]), VALUES // len(known), steps * len(MODELS)
        )
        sampled[name] = _curves(_kept(table, known[name], each), known[name], each)
    return [
        _region(name, one, every[name], pa.concat_tables(parts[name]), settings["points"][name])
        | {"curves": sampled[name]}
        for name, one in known.items()
    ]


def _sizes(region: Config, every: int) -> list[int]:
    """How many values each axis has of which every so many-th of a range is kept, counted without refinement."""
    sizes = ((axis, regions.size(axis, 1)) for axis in regions.axes(region).values())
    return [(size - 1) // every + 1 if isinstance(axis, Mapping) else size for axis, size in sizes]


def _every(region: Config, least: int, most: int, weight: int = 1) -> int:
    """The smallest multiple of `least` with which there are not more points than that."""
    every = least
    while np.prod(_sizes(region, every)) * weight > most and np.prod(_sizes(region, every + least)) < np.prod(
        _sizes(region, every)
    ):
        every += least
    return every


def _kept(table: pa.Table, region: Config, every: int) -> pa.Table:
    """The rows of which each range has every so many-th value, counted without refinement."""
    numbers, axes = table.column("row").to_numpy(), regions.axes(region)
    at = atlas.places(region, numbers)
    kept = np.ones(len(numbers), bool)
    for name, axis in axes.items():
        if isinstance(axis, Mapping):
            kept &= at[name] % (region["refine"] * every) == 0
    return table.filter(pa.array(kept)).replace_schema_metadata(None)


def _region(name: str, region: Config, every: int, table: pa.Table, points: Sequence[Config]) -> dict[str, Any]:
    minima = sorted(float(minimum) for minimum in OBJECTIVES[region["objective"]].minima)  # type: ignore[arg-type]
    optimizer = region["optimizer"]
    return {
        "name": name,
        "title": f"{written(optimizer)}, {written(region['objective'])}",
        "axes": [
            _axis(axis, given, size, every, optimizer)
            for (axis, given), size in zip(regions.axes(region).items(), _sizes(region, every), strict=True)
        ],
        "every": every,
        "refine": region["refine"],
        "minima": minima,
        "wells": atlas_colours.wells(len(minima)),
        "points": [*_points(region, every, points)],
        "count": len(table),
        "columns": {
            column: _encoded(_code(array(table.column(column)), column.endswith("basin"), minima))
            if column.endswith(_CODES)
            else _encoded(_rounded(array(table.column(column)), BITS))
            for column in (f"{model}_{quantity}" for model in MODELS for quantity in QUANTITIES if quantity != _DERIVED)
            if column in table.column_names
        },
    }


def _axis(name: str, given: Any, size: int, every: int, optimizer: str) -> dict[str, Any]:
    values, step = atlas.values(given, 1), every if isinstance(given, Mapping) else 1
    return {
        "name": name,
        "text": atlas_axes.label(name, optimizer)[0],
        "short": atlas_axes.short(name, optimizer),
        "range": isinstance(given, Mapping),
        "values": values[: (size - 1) * step + 1 : step].tolist(),
        "ticks": [
            [tick.place / step, number(tick.value) if tick.labelled else ""] for tick in atlas_axes.ticks(given, 1)
        ],
    }


def _points(region: Config, every: int, points: Sequence[Config]) -> Iterable[dict[str, Any]]:
    """The paper's points, by their places on the axes."""
    axes, given = regions.axes(region), defaults(region["optimizer"])
    for point in points:
        values = point["values"]
        if all(value == given.get(name) for name, value in values.items() if name not in axes):
            of = {name: place(axes[name], value, 1) for name, value in values.items() if name in axes}
            if all(np.isfinite(at) for at in of.values()):
                steps = {name: every if isinstance(axes[name], Mapping) else 1 for name in of}
                yield {
                    "places": {name: float(f"{at / steps[name]:.6f}") for name, at in of.items()},
                    "text": point["choice"],
                    "colour": look(point["place"]).colour,
                }


def _curves(table: pa.Table, region: Config, every: int) -> dict[str, Any]:
    """The curves of a sample, (curves, steps) of each model; NaN where there is nothing."""
    numbers, k = table.column("row").to_numpy(), table.column("k").to_numpy()
    kept, where = np.unique(numbers, return_inverse=True)
    steps = int(k.max(initial=-1)) + 1
    whole = {}
    for model in MODELS:
        of = np.full((len(kept), steps), np.nan)
        of[where, k] = array(table.column(model))
        whole[model] = _encoded(_rounded(of, BITS_OF_CURVES))
    return {"count": len(kept), "every": every, "sizes": _sizes(region, every), "steps": steps, "theta": whole}


def _code(column: np.ndarray, of_basin: bool, minima: Sequence[float]) -> np.ndarray:
    """The numbers of behaviours, or of minima."""
    names: Sequence[Any] = minima if of_basin else [*atlas_colours.BEHAVIOURS]
    found = np.full(column.shape, NOTHING, np.uint8)
    for i, name in enumerate(names):
        found[column == name] = i
    return found


def _rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """In single precision, with so many bits after the first; what it cannot hold is the largest that it can."""
    limits = np.finfo(np.float32)
    single = np.clip(values, limits.min / 2, limits.max / 2).astype("<f4").view("<u4").astype(np.uint64)
    left = 23 - bits
    return np.where(
        np.isnan(values), np.float32(np.nan), (((single + (1 << left - 1)) >> left) << left).astype("<u4").view("<f4")
    ).astype("<f4")


def _encoded(values: np.ndarray) -> str:
    """The first bytes of all numbers, then the second and so on, which are alike; deflated, in base64."""
    planes = np.ascontiguousarray(values.reshape(-1).view(np.uint8).reshape(values.size, -1).T)
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii")

"""A panel of an atlas figure: a plane as a picture, the paper's points in it, and crosses where nothing was solved."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from optide.settings.config import Config, number
from optide.show import atlas_axes, atlas_colours
from optide.show.style import in_tex, look
from optide.studies.atlas_planes import Plane, marked

BLOCKS = 40
"""Crosses that an axis has at most, however many points are missing."""
_CROSS: dict[str, Any] = {
    "color": "0.35",
    "marker": "x",
    "markersize": 2.6,
    "markeredgewidth": 0.6,
    "linestyle": "none",
}
_POINT: dict[str, Any] = {"markersize": 4.0, "markeredgewidth": 1.0, "markerfacecolor": "white", "linestyle": "none"}
_HALO: dict[str, Any] = {"markersize": 6.4, "color": "white", "markeredgewidth": 0.0, "linestyle": "none", "zorder": 3}
"""Around a point, whose colour may be that of its ground."""


def categories(panel: Axes, plane: Plane, of: np.ndarray, colours: Sequence[str]) -> None:
    """Draw a plane of categories: their numbers, -1 where there is none."""
    shades, bounds = ListedColormap([atlas_colours.MISSING, *colours]), np.arange(-1.5, len(colours))
    _picture(panel, plane, of, of < 0, cmap=shades, norm=BoundaryNorm(bounds, shades.N))


def amounts(panel: Axes, plane: Plane, of: np.ndarray, low: float, high: float) -> AxesImage:
    """Draw a plane of numbers, NaN where there is none."""
    return _picture(panel, plane, of, np.isnan(of), cmap=atlas_colours.SEQUENCE, vmin=low, vmax=high)


def _picture(panel: Axes, plane: Plane, of: np.ndarray, missing: np.ndarray, **look: Any) -> AxesImage:
    ny, nx = of.shape
    # each point is a cell of the picture, on a page too, where nothing is to be blended
    picture = panel.imshow(
        of, origin="lower", aspect="auto", interpolation="none", extent=(-0.5, nx - 0.5, -0.5, ny - 0.5), **look
    )
    panel.grid(visible=False)
    panel.spines[:].set_visible(True)
    for axis, name in ((panel.xaxis, plane.x), (panel.yaxis, plane.y)):
        found = atlas_axes.ticks(plane.axis(name), plane.region["refine"])
        told = [tick for tick in found if tick.labelled]
        axis.set_ticks([tick.place for tick in told], [f"${in_tex(number(tick.value))}$" for tick in told])
        axis.set_ticks([tick.place for tick in found if not tick.labelled], minor=True)
    if missing.any():
        y, x = _spread(missing)
        panel.plot(x, y, **_CROSS)
    return picture


def _spread(missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the crosses are: one in each block that misses something."""
    places = np.argwhere(missing)
    side = -(-max(missing.shape) // BLOCKS)
    _, first = np.unique(places // side, axis=0, return_index=True)
    y, x = places[np.sort(first)].T
    return y, x


def mark(panel: Axes, plane: Plane, points: Sequence[Config]) -> bool:
    """Draw the paper's points that lie in a plane, each in its look of all figures; whether there are any."""
    found = marked(plane, points)
    for x, y, point in found:
        of = look(point["place"])
        panel.plot([x], [y], marker=of.marker, clip_on=False, **_HALO)
        panel.plot([x], [y], marker=of.marker, clip_on=False, color=of.colour, zorder=3, **_POINT)
    return bool(found)


def area(colour: str, text: str) -> Line2D:
    """The entry of a legend for a filled area."""
    return Line2D([], [], linestyle="none", marker="s", markersize=7, color=colour, markeredgecolor="0.4", label=text)


def cross(text: str) -> Line2D:
    """Likewise for what is missing."""
    return Line2D([], [], label=text, **_CROSS)


def point() -> Line2D:
    """Likewise for the paper's points."""
    return Line2D([], [], marker="o", color="0.2", label="configurations of the paper", **_POINT)

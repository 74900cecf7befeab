"""What a figure draws, described in its own file: so that another version of matplotlib can be told from other data.

The description has the texts, the scales and the limits of every panel, and for each curve its look and a
fingerprint (`optide.data.fingerprints`) of the places of its points, on the scales of the panel and relative to the
reach of all its curves.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optide.data import fingerprints, provenance, tolerances
from optide.data.tolerances import CHAOTIC

Array = np.ndarray

_PNG_KEY, _PDF_KEY = "Drawn", "Subject"  # PDF has no free place that matplotlib can write

RESIDUAL = " residual"

UNIT = 1 / 2**40
"""Of a place, in the reach of all curves of its panel."""
_NOWHERE = -1000.0
"""A logarithmic axis puts there what it cannot show (`optide.show.logscale`)."""
_FAR = 1e3
"""Places further out than that are all alike."""


def mark(configuration: Mapping[str, Any], kind: str = "") -> str:
    """How steady a solution is, which matplotlib keeps with its curve: the argument `gid` of `plot`.

    Args:
        configuration: of the solution, and its report.
        kind: `RESIDUAL` for a curve of residuals, of which what is small is rounding; else nothing.
    """
    return f"{tolerances.grade(configuration)}{kind}"


def of_figure(path: str | Path, figure: Figure) -> dict[str, str]:
    """The metadata that matplotlib writes into a .png or .pdf file."""
    return {_PDF_KEY if Path(path).suffix == ".pdf" else _PNG_KEY: describe(figure)}


def read(path: str | Path) -> str | None:
    """The description that a .png or .pdf file carries, or None."""
    return provenance.carried(path, _PDF_KEY if Path(path).suffix == ".pdf" else _PNG_KEY)


def describe(figure: Figure) -> str:
    """The description of a figure that was laid out, as JSON in one line.

    Curves that no `mark` was put on are as steady as can be.  Of a chaotic one there are no places, and of a panel
    or a figure that has one, no limits and only the first line of the text below.
    """
    panels = [_panel(axes) for axes in _panels(figure)]
    note = figure.get_supxlabel()
    if any(is_chaotic(panel) for panel in panels):
        note = note.partition("\n")[0]
    described = {"panels": panels, "legend": [*_legend(figure)], "note": note}
    return json.dumps(described, separators=(",", ":"))


def _panels(figure: Figure) -> Iterator[Axes]:
    for axes in figure.axes:
        yield axes
        yield from axes.child_axes  # type: ignore[misc]  # insets, which are Axes


def _panel(axes: Axes) -> dict[str, Any]:
    lines = axes.get_lines()
    grades = [line.get_gid() or "converged" for line in lines]
    shown = {i: _places(axes, line) for i, line in enumerate(lines) if not grades[i].startswith(CHAOTIC)}
    least, span = _extent([*shown.values()])
    panel = {
        "texts": [axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale(), axes.get_yscale()],
        "curves": [
            {"look": _look(line), "grade": grades[i]} | (_points((shown[i] - least) / span) if i in shown else {})
            for i, line in enumerate(lines)
        ],
    }
    return panel if is_chaotic(panel) else panel | {"limits": [*axes.get_xlim(), *axes.get_ylim()]}


def _extent(curves: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Where all points together begin, and how far they reach, (2,) each; what an axis cannot show left out."""
    points = np.concatenate([np.zeros((0, 2)), *curves])
    points = np.where(points > _NOWHERE, points, np.nan)
    if np.isnan(points).all(axis=0).any() or not len(points):
        return np.zeros(2), np.ones(2)
    least, most = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    return least, np.where(most > least, most - least, 1.0)


def is_chaotic(panel: Mapping[str, Any]) -> bool:
    """Whether a panel of a description shows a chaotic solution, or residuals: it looks otherwise elsewhere."""
    return any(curve["grade"].startswith(CHAOTIC) or curve["grade"].endswith(RESIDUAL) for curve in panel["curves"])


def _places(axes: Axes, line: Line2D) -> np.ndarray:
    """The points of a curve on the scales of its axes, (n, 2)."""
    points = np.array(line.get_xydata(), float)
    if (line.get_gid() or "").endswith(RESIDUAL):
        points[:, 1] = np.maximum(points[:, 1], tolerances.NO_RESIDUAL)
    return axes.transScale.transform(points)


def _points(at: np.ndarray) -> dict[str, Any]:
    """The number of points, and the fingerprints of their places."""
    counted = np.rint(np.clip(np.nan_to_num(at), -_FAR, _FAR) / UNIT).astype(np.int64)
    places = np.where(np.isnan(at), fingerprints.NAN, counted)
    sums = {axis: fingerprints.of(of).sum(axis=0).tolist() for axis, of in zip("xy", places.T, strict=True)}
    return {"points": len(at), **sums}


def _look(line: Line2D) -> str:
    """Colour, dashes, width and markers, in words."""
    dashes, every = line._unscaled_dash_pattern[1], line.get_markevery()  # type: ignore[attr-defined]  # no part of the stubs
    parts = [to_hex(line.get_color()), f"{line.get_linestyle()} {dashes or ''}".strip(), f"{line.get_linewidth():g}"]
    if line.get_marker() not in ("None", "none", "", " ", None):
        face = line.get_markerfacecolor()
        filled = "hollow" if str(face) == "none" else to_hex(face)
        parts += [f"marker {line.get_marker()} {line.get_markersize():g} {filled} every {every}"]
    return ", ".join(parts)


def _legend(figure: Figure) -> Iterator[list[str]]:
    for legend in figure.legends:
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True):
            assert isinstance(handle, Line2D)  # all that our legends have
            yield [text.get_text(), _look(handle)]

"""One style for all figures, and the looks that tell choices of hyper-parameters apart."""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.typing import LineStyleType, RcKeyType

from optide.base.collector import paused

STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.formatter.limits": (-3, 6),
    "axes.formatter.use_mathtext": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.9",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "lines.markeredgewidth": 0.7,
    "path.simplify": True,
    "path.simplify_threshold": 0.1,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}

# Hues that stay apart under the common colour-vision deficiencies (black and the "muted" scheme of
# Paul Tol without its faint sand, and with a stronger cyan), ordered so that neighbours differ in
# lightness too.  Where two are alike, in grey, markers and dashes differ (tests/show/test_palette.py).
COLOURS = ("#000000", "#CC6677", "#117733", "#332288", "#882255", "#44AA99", "#999933", "#AA4499", "#5599CC")
MARKERS = ("o", "s", "^", "D", "v", "<", ">", "p", "h")
DASHES: tuple[LineStyleType, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.5, 1, 1.5)), (0, (1.5, 4)))
"""The order in which the dash of a colour changes from round to round."""
_SOLID, _DASHED, _DOTTED, _MIXED, _ = DASHES
LINES = (_SOLID, _DASHED, _DOTTED, _MIXED, _SOLID, _DASHED, _MIXED, _DOTTED, _DASHED)

MORE_HUES = len(COLOURS) - 1
"""Colours that are used again after the first round: without the last, which tritanopes take for the sixth."""
MORE_MARKERS = ("x", "*", "+", "1")
"""The marker of each further round."""


class Look(NamedTuple):
    """Of a choice of hyper-parameters: the equation has the colour and the dash, the algorithm colour and marker."""

    colour: str
    marker: str
    dash: LineStyleType


def look(place: int) -> Look:
    """The look at a place: at those below `optide.settings.looks.LOOKS`, no two lines are alike, and no two markers.

    In the first round each has a colour and a marker of its own; in each further one the colours come with one other
    marker and with the next dash.
    """
    if place < len(COLOURS):
        return Look(COLOURS[place], MARKERS[place], LINES[place])
    further, hue = divmod(place - len(COLOURS), MORE_HUES)
    dash = DASHES.index(LINES[hue]) + 1 + further
    return Look(COLOURS[hue], MORE_MARKERS[further], DASHES[dash % len(DASHES)])


def in_tex(text: str) -> str:
    r"""The numbers in a text in TeX, where "1e-08" would be a difference: "10^{-8}"."""

    def power(found: re.Match[str]) -> str:
        digits = "" if found[1] == "1" else rf"{found[1]} \cdot "
        return f"{digits}10^{{{int(found[2])}}}"

    return re.sub(r"([\d.]+)e([+-]\d+)", power, text)


@functools.cache
def _shipped_fonts() -> list[font_manager.FontEntry]:
    folder = Path(mpl.get_data_path(), "fonts", "ttf")
    return [font_manager.ttfFontProperty(font_manager.get_font(path)) for path in sorted(folder.glob("*.ttf"))]


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's own defaults and `STYLE`, and only the fonts that matplotlib ships.

    Nothing of the user's matplotlibrc is left.  The list of fonts is replaced because a family is
    looked up by name, in matplotlib's font cache: another version of DejaVu Sans on the system would
    do as well as the one shipped, and an outdated cache may name anything.  Drawing makes many objects and hardly any
    garbage, so the collector is left out.
    """
    manager = font_manager.fontManager
    installed = manager.ttflist
    forget = manager._findfont_cached.cache_clear  # type: ignore[attr-defined]  # no part of the stubs
    with mpl.rc_context(), paused():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        try:
            manager.ttflist = _shipped_fonts()
            forget()  # what the one list gave is not what the other gives
            yield
        finally:
            manager.ttflist = installed
            forget()

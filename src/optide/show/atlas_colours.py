"""What the areas of the atlas are filled with, in its figures and on its page."""

from matplotlib import colormaps
from matplotlib.colors import to_hex

from optide.studies.atlas_measures import DIVERGES, OSCILLATES, RESTS, SETTLES, UNDER_WAY

MISSING = "#FFFFFF"
"""Where nothing was solved, or nothing can be said; with a cross."""
BEHAVIOURS = {
    SETTLES: "#84C7E8",
    OSCILLATES: "#CC6677",
    UNDER_WAY: "#EEDD88",
    RESTS: "#117733",
    DIVERGES: "#222255",
}
WELLS = ("#332288", "#84C7E8", "#C05A6B", "#117733")
"""By the order of the minima."""
MIDWAY = "#9C9C9C"
"""Ends as near to one minimum as to another."""
SAME, DIFFERENT = "#EEDD88", "#000000"
"""Whether both models end nearest to one minimum."""
# Areas side by side: 10 CAM02-UCS units or more for every eye and in grey (tests/show/test_atlas_maps.py).

SEQUENCE = "viridis_r"
"""From little to much: for all eyes, and lighter is less."""
DIVERGING = "PuOr_r"
"""From below zero to above."""


def wells(count: int) -> list[str]:
    """A colour for each of some minima; of more than can be told apart, shades by their order."""
    return [*WELLS[:count]] if count <= len(WELLS) else sampled(SEQUENCE, count)


def sampled(name: str, count: int) -> list[str]:
    """As many colours of a map of matplotlib, evenly."""
    return [to_hex(colormaps[name](i / (count - 1))) for i in range(count)]

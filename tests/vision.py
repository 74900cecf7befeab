"""Colours as people with colour-vision deficiencies, and printers without colour, see them."""

import itertools

import numpy as np
from colorspacious import cspace_convert, deltaE
from matplotlib.colors import to_rgb

DEFICIENCIES = ("protanomaly", "deuteranomaly", "tritanomaly")
KINDS = ("normal", *DEFICIENCIES, "grey")

APART = 10
"""Least difference in CAM02-UCS, where 1 is what an eye just notices between large patches side by side.
Lines of one point in a legend and a panel are small and far apart, hence ten times that."""


def seen(colours, kind):
    """sRGB colours as they are seen: with a deficiency in full (Machado et al. 2009), or their lightness only."""
    if kind in DEFICIENCIES:
        space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
        return np.clip(cspace_convert(colours, space, "sRGB1"), 0, 1)
    if kind == "grey":
        appearance = cspace_convert(colours, "sRGB1", "JCh")
        appearance[:, 1] = 0
        return np.clip(cspace_convert(appearance, "JCh", "sRGB1"), 0, 1)
    return colours


def difference(colours, kind):
    return float(deltaE(*seen(colours, kind), input_space="sRGB1"))


def cues(line):
    """What tells a curve besides its colour: its dash, and its marker."""
    dashes = line._unscaled_dash_pattern[1]  # matplotlib has no public way to ask for it
    return line.get_linestyle(), tuple(dashes or ()), line.get_marker()


def confused(figure):
    """The looks that share a panel of a figure and that somebody cannot tell apart, by what is seen of colours.

    A curve may come in parts, and all equations of one kind may look the same; two looks are what must differ: in
    dash or marker, or in colour by `APART` for every eye and in grey.
    """
    found = set()
    for panel in figure.axes:
        looks = {(line.get_color(), *cues(line)) for line in panel.get_lines()}
        for (one, *shape), (other, *shape_of_other) in itertools.combinations(sorted(looks, key=str), 2):
            pair = np.array([to_rgb(one), to_rgb(other)])
            if shape == shape_of_other:
                found |= {(kind, one, other) for kind in KINDS if difference(pair, kind) < APART}
    return found

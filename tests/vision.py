"""Colours as people with colour-vision deficiencies, and printers without colour, see them."""

import numpy as np
from colorspacious import cspace_convert, deltaE

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

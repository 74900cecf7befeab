"""The figures of the atlas: where the equation follows the algorithm, how both behave, and in which well they end."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from optide.numerics import elementary
from optide.problem.registry import OBJECTIVES, written
from optide.settings import atlas as regions
from optide.settings.config import Config, number
from optide.settings.planes import BASINS, BEHAVIOUR, GAP
from optide.show import atlas_axes, atlas_colours
from optide.show.atlas_panels import amounts, area, categories, cross, mark, point
from optide.show.plotting import LEGEND_HEIGHT, WIDTH, lay_out, legend
from optide.show.style import in_tex, style
from optide.studies.atlas import DISCRETE, EQUATION, EQUATIONS, NO_LOOKAHEAD
from optide.studies.atlas_planes import Plane

ROW, FOOT = 1.55, 0.3  # inches, of a row of panels, and of what is below all
TITLES = {
    DISCRETE: "algorithm",
    EQUATION: "equation",
    NO_LOOKAHEAD: "equation without look-ahead",
}
SPAN, REST = 8, 0.02
"""Powers of ten that the colours of gaps span at most, no more than half of them above the median, and the share of
points left out at either end of them."""
_TEN = float(elementary.log(10.0))

Points = Mapping[str, Sequence[Config]]


def drawn(planes: Mapping[str, Sequence[Plane]], points: Points) -> dict[str, Figure]:
    """The figures by name, as PNG and PDF have them.

    Args:
        planes: of each figure (`optide.studies.atlas_planes.of_maps`).
        points: of the paper, by region (`optide.settings.maps.points`).
    """
    of = {GAP: gaps, BEHAVIOUR: behaviours, BASINS: basins}
    return {kind: of[kind](chosen, points) for kind, chosen in planes.items()}


def gaps(planes: Sequence[Plane], points: Points) -> Figure:
    """The largest gap between both models, with look-ahead beside without: a row for each plane."""
    shown = [[_decades(plane.columns[f"{model}_gap"]) for model in EQUATIONS] for plane in planes]
    everything = np.concatenate([of.ravel() for row in shown for of in row])
    low, high = _limits(everything)
    with style():
        figure, panels = _panels(planes, [TITLES[model] for model in EQUATIONS])
        for plane, row, line in zip(planes, shown, panels, strict=True):
            for of, panel in zip(row, line, strict=True):
                picture = amounts(panel, plane, of, low, high)
                _contour(panel, np.clip(of, low, high), low, high)
        _bar(figure, picture, panels, everything)
        _finish(figure, planes, panels, points, [_line(), *([_lost(planes)] if np.isnan(everything).any() else [])])
    return figure


def behaviours(planes: Sequence[Plane], points: Points) -> Figure:
    """How the algorithm and its equation behave, side by side: a row for each plane."""
    models = (DISCRETE, EQUATION)
    seen: set[str] = set()
    with style():
        figure, panels = _panels(planes, [TITLES[model] for model in models])
        for plane, line in zip(planes, panels, strict=True):
            for model, panel in zip(models, line, strict=True):
                of = plane.columns[f"{model}_behaviour"]
                numbers = np.full(of.shape, -1)
                for i, name in enumerate(atlas_colours.BEHAVIOURS):
                    numbers[of == name] = i
                categories(panel, plane, numbers, [*atlas_colours.BEHAVIOURS.values()])
                seen |= {*np.unique(of.astype(str))}
        told = [area(colour, name) for name, colour in atlas_colours.BEHAVIOURS.items() if name in seen]
        _finish(figure, planes, panels, points, [*told, *([_lost([])] if "" in seen else [])])
    return figure


def basins(planes: Sequence[Plane], points: Points) -> Figure:
    """To which minimum the algorithm and its equation end nearest, and where these are two: a row for each plane."""
    minima = sorted({minimum for plane in planes for minimum in _minima(plane)})
    colours = [*atlas_colours.wells(len(minima)), atlas_colours.MIDWAY]
    seen: set[int] = set()
    with style():
        figure, panels = _panels(planes, [TITLES[DISCRETE], TITLES[EQUATION], "algorithm and equation"])
        for plane, line in zip(planes, panels, strict=True):
            wells = [_wells(plane, model, minima) for model in (DISCRETE, EQUATION)]
            for of, panel in zip(wells, line, strict=False):
                categories(panel, plane, of, colours)
            one, other = wells
            both = np.where((one < 0) | (other < 0), -1, one != other)
            categories(line[-1], plane, both, [atlas_colours.SAME, atlas_colours.DIFFERENT])
            seen |= {*np.unique([*wells]).tolist()}
        told = [
            area(colours[i], rf"ends near $\theta = {in_tex(number(minimum))}$") for i, minimum in enumerate(minima)
        ]
        told += [area(atlas_colours.MIDWAY, "ends midway")] if len(minima) in seen else []
        told += [
            area(atlas_colours.SAME, "end near the same"),
            area(atlas_colours.DIFFERENT, "end near different ones"),
        ]
        _finish(figure, planes, panels, points, [*told, *([_lost(planes)] if -1 in seen else [])])
    return figure


def _minima(plane: Plane) -> list[float]:
    return [float(minimum) for minimum in OBJECTIVES[plane.region["objective"]].minima]  # type: ignore[arg-type]


def _wells(plane: Plane, model: str, minima: Sequence[float]) -> np.ndarray:
    """The number of the minimum that each run ends nearest to, or as many as there are midway; -1 of none."""
    of = plane.columns[f"{model}_basin"]
    found = np.where(np.isfinite(plane.columns[f"{model}_end"]), len(minima), -1)
    for i, minimum in enumerate(minima):
        found[of == minimum] = i
    return found


def _decades(gap: np.ndarray) -> np.ndarray:
    """The logarithm to base ten; of no gap that of the least number."""
    return elementary.log(np.maximum(gap, np.finfo(float).tiny)) / _TEN


def _limits(of: np.ndarray) -> tuple[float, float]:
    """The powers of ten between which all but a few lie."""
    known = np.sort(of[np.isfinite(of)])
    if not len(known):
        return -1.0, 0.0
    left = int(REST * len(known))
    high = min(np.ceil(known[-1 - left]), np.ceil(known[len(known) // 2]) + SPAN / 2)
    low = np.floor(known[left])
    return float(min(max(low, high - SPAN), high - 1)), float(high)


def _levels(low: float, high: float) -> np.ndarray:
    return np.arange(low + 1, high)


def _contour(panel: Axes, of: np.ndarray, low: float, high: float) -> None:
    """Lines at powers of ten, dark on light and light on dark."""
    known = of[np.isfinite(of)]
    levels = [level for level in _levels(low, high) if known.size and known.min() < level < known.max()]
    if levels and min(of.shape) > 1:
        inks = ["white" if level > (low + high) / 2 else "0.25" for level in levels]
        panel.contour(np.ma.masked_invalid(of), levels, colors=inks, linewidths=0.5)


def _bar(figure: Figure, picture: AxesImage, panels: np.ndarray, of: np.ndarray) -> None:
    """What the colours are, and whether there are gaps beyond them."""
    known, (low, high) = of[np.isfinite(of)], picture.get_clim()
    below, above = bool((known < low).any()), bool((known > high).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    bar = figure.colorbar(picture, ax=[*panels.ravel()], extend=extend, aspect=40, pad=0.015, fraction=0.04)
    ticks = np.arange(low, high + 1)
    bar.set_ticks([*ticks], labels=[f"$10^{{{tick:.0f}}}$" for tick in ticks])
    bar.set_label(r"largest gap $\max_k\,|\theta(t_k) - \theta_k|$")
    bar.ax.grid(visible=False)


def _panels(planes: Sequence[Plane], titles: Sequence[str]) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(WIDTH, ROW * len(planes) + LEGEND_HEIGHT + FOOT), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(planes), len(titles), squeeze=False, sharey="row", sharex="row")
    for title, panel in zip(titles, panels[0], strict=True):
        panel.set_title(title)
    return figure, panels


def _finish(
    figure: Figure, planes: Sequence[Plane], panels: np.ndarray, points: Points, told: Sequence[Line2D]
) -> None:
    """What all figures have: points of the paper, names of axes and planes, the legend."""
    there = False
    below = [_axis(plane, plane.x) for plane in planes]
    for i, (plane, line) in enumerate(zip(planes, panels, strict=True)):
        for panel in line:
            there |= mark(panel, plane, points.get(plane.region["region"], ()))
            if below[i] != ([*below[i + 1 :], ""])[0]:
                panel.set_xlabel(below[i])
        line[0].set_ylabel("\n".join([*_title(plane), _axis(plane, plane.y)]))
    legend(figure, [*told, *([point()] if there else [])])
    steps = {tuple(plane.region[regions.STEPS]) for plane in planes}
    if len(steps) == 1 and len(only := steps.pop()) == 1:
        figure.supxlabel(f"runs of {number(only[0])} steps", fontsize=7)
    lay_out(figure)


def _axis(plane: Plane, name: str) -> str:
    return atlas_axes.label(name, plane.region["optimizer"])[1]


def _title(plane: Plane) -> list[str]:
    """Of a row: the optimizer and the objective, and where the other axes are held."""
    optimizer, objective = (written(plane.region[kind]) for kind in ("optimizer", "objective"))
    held = [atlas_axes.held(name, value, plane.region["optimizer"]) for name, value in plane.told.items()]
    return [f"{optimizer}, {objective}", *([", ".join(held)] if held else [])]


def _line() -> Line2D:
    return Line2D([], [], color="0.25", linewidth=0.5, label="gap at a power of ten")


def _lost(planes: Sequence[Plane]) -> Line2D:
    """The entry of a legend for crosses, which some planes also have where the algorithm leaves the finite numbers."""
    left = any(np.isnan(plane.columns[f"{DISCRETE}_end"]).any() for plane in planes)
    return cross("not solved, or not finite" if left else "not solved")

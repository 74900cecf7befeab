"""The figure of decay rates: both models, and what the equations predict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optide.numerics import elementary
from optide.problem.registry import symbols, written
from optide.settings.config import Config, number
from optide.show.logscale import PortableLogScale
from optide.show.plotting import LEGEND_HEIGHT, WIDTH, lay_out, legend
from optide.show.style import COLOURS, MARKERS, in_tex, style
from optide.studies import linearisation, rates

HEIGHT = 2.3  # inches, of a row of panels
PANELS = 2
"""Panels in a row."""

PLACES = (3, 1, 2, 4, 5, 6, 7, 8)
"""Of colour and marker (`plotting.COLOURS`), by learning rate; black and grey are for what all rates share."""
_PREDICTIONS: dict[str, dict[str, Any]] = {
    "linearised": {"color": "0.25", "linestyle": (0, (4, 2)), "linewidth": 0.8},
    "small steps": {"color": "0.25", "linestyle": (0, (1, 1.5)), "linewidth": 1.1},
}
_TEXT = {"linearised": "linearised equation", "small steps": "equation, limit of small steps"}


def draw(rows: Sequence[Mapping[str, Any]], settings: Config) -> Figure:
    """Draw all rates: one panel per curve of the configuration, and one for AdaGrad.

    Args:
        rows: of `rates.read`.
        settings: the entry `rates` of the configuration.
    """
    names = [*settings["curves"], "adagrad"]
    lines = -(-len(names) // PANELS)
    looks = {rate: PLACES[i] for i, rate in enumerate(settings["learning_rates"])}
    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT * lines + LEGEND_HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(lines, PANELS, squeeze=False).ravel()
        for name, panel in zip(names, panels, strict=False):
            own = [row for row in rows if row["curve"] == name]
            panel.set(xscale=PortableLogScale(), yscale=PortableLogScale())
            for rate, place in looks.items():
                _draw_rate(panel, [row for row in own if row["learning_rate"] == rate], place)
            if name == "adagrad":
                _predict_adagrad(panel, own)
                panel.set(title="AdaGrad, on its way", xlabel="step $k$")
            else:
                curve = settings["curves"][name]
                _predict(panel, own, curve)
                panel.set(
                    title=_title(curve),
                    xlabel=rf"memory length $1/(1-{symbols(curve['varies'], curve['optimizer'])[1]})$ (steps)",
                )
        for panel in panels[len(names) :]:
            panel.remove()
        for panel in panels[: len(names) : PANELS]:
            panel.set_ylabel(r"decay rate of $|\theta-\theta^*|$ (per step)")
        legend(figure, _handles(looks))
        if missing := _missing(rows):
            figure.supxlabel(missing, fontsize=7)
        lay_out(figure)
    return figure


def _draw_rate(panel: Axes, rows: Sequence[Mapping[str, Any]], place: int) -> None:
    """Markers for the algorithm, every second one left out; a line for the equation, broken where rates are missing."""
    for model in reversed(rates.MODELS):
        chosen = [row for row in rows if row["model"] == model]
        x = [_place(row) for row in chosen]
        y = [np.nan if row["rate"] is None else row["rate"] for row in chosen]
        if model == "discrete":
            panel.plot(x, y, MARKERS[place], color=COLOURS[place], markerfacecolor="none", markevery=2)
        else:
            panel.plot(x, y, color=COLOURS[place])


def _place(row: Mapping[str, Any]) -> float:
    place: float = np.sqrt(row["first"] * row["last"]) if row["memory"] is None else row["memory"]
    return place


def _predict(panel: Axes, rows: Sequence[Mapping[str, Any]], curve: Config) -> None:
    memory = elementary.geometric(curve["memory"]["shortest"], curve["memory"]["longest"], 150)
    choice = {**curve.get("fixed", {}), curve["varies"]: 1 - 1 / memory}
    for alpha, distance in dict.fromkeys((row["learning_rate"], row["distance"]) for row in rows):
        found = linearisation.predictions(curve["optimizer"], alpha, distance, memory, choice)
        for kind, (x, y) in found.items():
            panel.plot(x, y, **_PREDICTIONS[kind])


def _predict_adagrad(panel: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for alpha, distance in dict.fromkeys((row["learning_rate"], row["distance"]) for row in rows):
        last = max(row["last"] for row in rows if row["learning_rate"] == alpha)
        panel.plot([1, last], 2 * [linearisation.adagrad_rate(alpha, distance)], **_PREDICTIONS["linearised"])
        # from a path that has hardly begun to far beyond the end of the run
        left = elementary.exp(-elementary.geometric(1e-4, 100, 4000))
        k, rate = linearisation.adagrad_local_rate(alpha, distance, left)
        on_the_way = (k >= 1) & (k <= last)
        panel.plot(k[on_the_way], rate[on_the_way], **_PREDICTIONS["small steps"])


def _title(curve: Config) -> str:
    fixed = ", ".join(
        f"${symbols(name, curve['optimizer'])[1]} = {in_tex(number(value))}$"
        for name, value in curve.get("fixed", {}).items()
    )
    return f"{written(curve['optimizer'])}{', ' if fixed else ''}{fixed}"


def _handles(looks: Mapping[float, int]) -> list[Line2D]:
    handles = [
        Line2D([], [], color="0.3", linestyle="none", marker="o", markerfacecolor="none", label="discrete algorithm"),
        Line2D([], [], color="0.3", label="equation, converged"),
        *(Line2D([], [], label=_TEXT[name], **look) for name, look in _PREDICTIONS.items()),
    ]
    for rate, place in looks.items():
        look: dict[str, Any] = {"color": COLOURS[place], "marker": MARKERS[place], "markerfacecolor": "none"}
        handles.append(Line2D([], [], label=rf"learning rate $\alpha = {in_tex(number(rate))}$", **look))
    return handles


def _missing(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many rates are missing, and why."""
    counts = Counter(row["status"] for row in rows if row["status"] != rates.FITTED)
    if not counts:
        return ""
    reasons = "\n".join(f"{counts[name]} where {text}" for name, text in rates.STATUS.items() if counts[name])
    return f"no rate in {counts.total()} of {len(rows)} places:\n{reasons}"

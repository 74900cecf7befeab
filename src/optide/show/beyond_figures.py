"""The figures beyond the paper's problems: training by both models, and how their gap falls with the learning rate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter
from matplotlib.typing import LineStyleType

from optide.numerics import elementary
from optide.problem.registry import written
from optide.settings.config import number
from optide.show.logscale import PortableLogScale
from optide.show.plotting import LEGEND_HEIGHT, WIDTH, lay_out, legend
from optide.show.style import COLOURS, DASHES, MARKERS, in_tex, style
from optide.studies import beyond_orders
from optide.studies.beyond import Run

ROW = 1.55  # inches, of a row of panels
TALL = 2.1  # likewise, of the orders
PLACES = (3, 1, 2, 4, 5, 6, 7, 8)
"""Of colour and marker, by learning rate or by problem; black and grey are for what all share."""
ROOM = 0.3
"""Of the width of a panel, for the exponents at its right."""
ABOVE = 0.45
"""Of the height of a panel, for the learning rates above its data."""
MARKED = 12
"""Markers of a curve."""
AHEAD = {1: "with look-ahead", 0: "without look-ahead"}
_DASH = {1: DASHES[0], 0: DASHES[1]}
FITTED = {place: DASHES[i % len(DASHES)] for i, place in enumerate(PLACES)}
"""The dash of a fitted power, by place: colours that are alike in grey have different ones."""


def drawn(runs: Sequence[Run]) -> dict[str, Figure]:
    """Both figures by name."""
    return {"training": training(runs), "orders": orders(beyond_orders.costs(runs))}


def training(runs: Sequence[Run]) -> Figure:
    """Loss and accuracy of both models over time: a row for each problem and quantity, a column for each optimizer.

    Args:
        runs: of the problems that have an accuracy are drawn.
    """
    runs = [run for run in runs if "discrete_accuracy" in run.values]
    rows = [(problem, name) for problem in _different(runs, "problem") for name in ("loss", "accuracy")]
    optimizers = _different(runs, "optimizer")
    with style():
        figure, panels = _panels(len(rows), len(optimizers), ROW, sharey="row")
        for (problem, name), line in zip(rows, panels, strict=True):
            for optimizer, panel in zip(optimizers, line, strict=True):
                chosen = [run for run in runs if (run.known["problem"], run.known["optimizer"]) == (problem, optimizer)]
                rates = _different(chosen, "learning_rate")
                for i, rate in enumerate(rates):
                    _draw(panel, [run for run in chosen if run.known["learning_rate"] == rate], name, PLACES[i], i)
                panel.locator_params(nbins=4)
                if name == "loss":
                    told = [_mark(PLACES[i], rf"$\alpha = {in_tex(number(rate))}$") for i, rate in enumerate(rates)]
                    _tell(panel, told, "upper right")
            line[0].set_ylabel(f"{written(problem)}\n{name}")
            if name == "loss":
                low, high = line[0].get_ylim()
                line[0].set_ylim(low, high + ABOVE * (high - low))
        for optimizer, panel in zip(optimizers, panels[0], strict=True):
            panel.set_title(written(optimizer))
        for panel in panels[-1]:
            panel.set_xlabel(r"time $t = k \alpha$")
        legend(figure, _models())
        lay_out(figure)
    return figure


def orders(costs: pd.DataFrame) -> Figure:
    """The largest gap over all parameters and times, over the learning rate, with fitted powers and their exponents: a
    column for each optimizer, above with look-ahead, below without.

    Args:
        costs: of `optide.studies.beyond_orders.costs`.
    """
    problems = {name: PLACES[i] for i, name in enumerate(costs["problem"].unique())}
    optimizers = [*costs["optimizer"].unique()]
    with style():
        figure, panels = _panels(len(AHEAD), len(optimizers), TALL, sharey=True)
        for (ahead, text), line in zip(AHEAD.items(), panels, strict=True):
            for optimizer, panel in zip(optimizers, line, strict=True):
                panel.set(xscale=PortableLogScale(), yscale=PortableLogScale())
                chosen = costs[(costs["optimizer"] == optimizer) & (costs["lookahead"] == ahead) & costs["converged"]]
                slopes = {
                    place: _fitted(panel, chosen[chosen["problem"] == problem], place)
                    for problem, place in problems.items()
                }
                told = [_mark(place, f"{slope:.2f}") for place, slope in slopes.items() if np.isfinite(slope)]
                _tell(panel, told, "lower right")
                low, high = panel.get_xlim()
                panel.set_xlim(low, high * elementary.exp(ROOM * elementary.log(high / low)))
                panel.xaxis.set_minor_formatter(NullFormatter())
                panel.yaxis.set_minor_formatter(NullFormatter())
            line[0].set_ylabel(f"{text}\nlargest gap")
        for optimizer, panel in zip(optimizers, panels[0], strict=True):
            panel.set_title(written(optimizer))
        for panel in panels[-1]:
            panel.set_xlabel(r"learning rate $\alpha$")
        exponents = Line2D([], [], linestyle="none", label=r"numbers: $p$ of the fitted $\alpha^p$")
        fits = [_mark(place, written(name), FITTED[place]) for name, place in problems.items()]
        legend(figure, [*fits, exponents])
        lay_out(figure)
    return figure


def _panels(rows: int, columns: int, height: float, **share: Any) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(WIDTH, height * rows + LEGEND_HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **share)


def _different(runs: Sequence[Run], name: str) -> list[Any]:
    return [*dict.fromkeys(run.known[name] for run in runs)]


def _draw(panel: Axes, runs: Sequence[Run], name: str, place: int, turn: int) -> None:
    """The runs of one learning rate: the algorithm, which is one, and the equations that converged."""
    look: dict[str, Any]
    for run in runs:
        if run.known["converged"]:
            look = {"color": COLOURS[place], "linestyle": _DASH[run.known["lookahead"]], "linewidth": 0.9}
            panel.plot(run.values["t"], run.values[f"equation_{name}"], **look)
    values = runs[0].values
    stride = -(-len(values["t"]) // MARKED)
    marked: dict[str, Any] = {
        "color": COLOURS[place],
        "markerfacecolor": "none",
        "markevery": (turn * stride // len(PLACES), stride),
    }
    panel.plot(values["t"], values[f"discrete_{name}"], MARKERS[place], **marked)


def _fitted(panel: Axes, rows: pd.DataFrame, place: int) -> float:
    """Markers, and the power of the learning rate that fits them; its exponent."""
    rates, gaps = rows["learning_rate"].to_numpy(), rows["gap"].to_numpy()
    slope = beyond_orders.order(rates, gaps)
    panel.plot(rates, gaps, MARKERS[place], color=COLOURS[place], markerfacecolor="none")
    if np.isfinite(slope):
        ends = np.asarray([rates.min(), rates.max()])
        x, y = elementary.log(rates), elementary.log(gaps)
        line = elementary.exp(np.mean(y) + slope * (elementary.log(ends) - np.mean(x)))
        panel.plot(ends, line, color=COLOURS[place], linestyle=FITTED[place], linewidth=0.9)
    return slope


def _tell(panel: Axes, marks: Sequence[Line2D], corner: str) -> None:
    """What markers stand for, in a corner of a panel."""
    small = {"fontsize": 7, "handlelength": 0.6, "labelspacing": 0.1, "borderaxespad": 0.1}
    looks: dict[str, Any] = {"loc": corner, "labelcolor": "linecolor", **small}
    panel.legend(handles=marks, **looks)


def _models() -> list[Line2D]:
    discrete = Line2D(
        [], [], color="0.3", linestyle="none", marker="o", markerfacecolor="none", label="discrete algorithm"
    )
    equations = [
        Line2D([], [], color="0.3", linestyle=_DASH[ahead], label=f"equation {text}") for ahead, text in AHEAD.items()
    ]
    return [discrete, *equations]


def _mark(place: int, text: str, dash: LineStyleType = "none") -> Line2D:
    look: Mapping[str, Any] = {"color": COLOURS[place], "marker": MARKERS[place], "markerfacecolor": "none"}
    return Line2D([], [], linestyle=dash, label=text, **look)

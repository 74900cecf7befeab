"""One style for all figures: discrete traces as markers over the solutions of the equation as lines."""

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from optide.data import provenance
from optide.data.traces import Trace
from optide.numerics import elementary
from optide.problem.registry import is_state, symbols, written
from optide.settings.config import label, number, start
from optide.settings.schemes import DISCRETE, SCHEMES
from optide.show import drawn
from optide.show.logscale import PortableLogScale
from optide.show.style import Look, in_tex, look, style

Looks = Mapping[str, Look]

MAX_MARKERS = 30
"""Of a curve; on a logarithmic step axis of all curves of a panel, so long as each has `FEW_MARKERS`."""
FEW_MARKERS = 5
WIDTH, ROW_HEIGHT, LEGEND_HEIGHT = 6.4, 1.9, 0.85  # inches
LEGEND_COLUMNS, LEGEND_LINES = 3, 3
"""Columns of a legend, and lines for which there is room in `LEGEND_HEIGHT`, beside one note."""
LEGEND_LINE, NOTE_LINE = 0.176, 0.147
"""What each further line takes, in inches."""


def draw(figure: Mapping[str, Any], traces: Iterable[Trace], scheme: str, places: Mapping[str, int]) -> Figure:
    """Draw one figure of the configuration.

    Args:
        figure: its entry in the configuration: the quantity, and the rows of panels.
        traces: of the discrete model and of `scheme`, at least those the figure shows.
        scheme: "published" or "converged".
        places: of the `look` of each choice of hyper-parameters (`optide.settings.looks.looks`).
    """
    traces = list(traces)
    rates = list(dict.fromkeys(trace.configuration["learning_rate"] for trace in traces))
    looks = {choice: look(place) for choice, place in places.items()}
    rows = figure["rows"]
    with style():
        canvas = Figure(figsize=(WIDTH, ROW_HEIGHT * len(rows) + LEGEND_HEIGHT), layout="constrained")
        FigureCanvasAgg(canvas)
        share: Literal["row"] | bool = False if is_state(figure["quantity"]) else "row"
        panels = canvas.subplots(len(rows), len(rates), squeeze=False, sharex="col", sharey=share)
        shown = []
        for row, axes in zip(rows, panels, strict=True):
            for rate, panel in zip(rates, axes, strict=True):
                drawn = [t for t in traces if _belongs(t.configuration, row, rate)]
                draw_panel(panel, drawn, figure["quantity"], looks, "y" if row.get("scale") == "log" else "")
                shown += [t.configuration for t in drawn]
                for inset in row.get("insets", ()):
                    if rate == inset["learning_rate"]:
                        _draw_inset(panel, drawn, figure["quantity"], looks, inset)
            of = [t.configuration["optimizer"] for t in traces if t.configuration["experiment"] in row["experiments"]]
            axes[0].set_ylabel("\n".join([*_row_title(row), quantity_label(figure["quantity"], of[0])]))
        for rate, panel in zip(rates, panels[0], strict=True):
            panel.set_title(rf"learning rate $\alpha = {in_tex(number(rate))}$")
            panel.locator_params(axis="x", nbins=5)
        legend(canvas, _handles(shown, looks, scheme))
        _label_steps(canvas, shown)
        lay_out(canvas)
    return canvas


def lay_out(figure: Figure) -> None:
    """Put all of a figure that has a layout in its place, once for all formats in which it is saved."""
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    figure.set_layout_engine(None)


def save(figure: Figure, path: str | Path, record: provenance.Record) -> None:
    """Write a figure as PNG or PDF, by its suffix, with its provenance, a description of what it draws
    (`optide.show.drawn`) and no date; whole or not at all."""
    kind = Path(path).suffix[1:]
    dates = {"CreationDate": None} if kind == "pdf" else {}
    metadata = dates | provenance.of_figure(path, record) | drawn.of_figure(path, figure)
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=kind, metadata=metadata)
    provenance.write(path, content.getvalue())


def _belongs(configuration: Mapping[str, Any], row: Mapping[str, Any], rate: float) -> bool:
    return (
        configuration["experiment"] in row["experiments"]
        and configuration["learning_rate"] == rate
        and configuration["theta0"] == row.get("theta0", configuration["theta0"])
        and configuration["set"] == row.get("set", configuration["set"])
    )


def draw_panel(panel: Axes, traces: Sequence[Trace], quantity: str, looks: Looks, logarithmic: Collection[str]) -> None:
    """Lines first, markers over them; the markers of different curves are staggered."""
    panel.set(**{f"{axis}scale": PortableLogScale() for axis in logarithmic})
    for scheme_is_discrete in (False, True):
        chosen = [t for t in traces if (t.configuration["scheme"] == DISCRETE.name) == scheme_is_discrete]
        for i, trace in enumerate(chosen):
            colour, marker, dash = looks[_choice(trace.configuration)]
            x, y = trace.place(quantity), trace.values[quantity]
            steady = drawn.mark(trace.configuration)
            if scheme_is_discrete:
                every = _marked(len(x), i, len(chosen), "x" in logarithmic)
                panel.plot(x, y, marker, color=colour, markerfacecolor="none", markevery=every, gid=steady)
            else:
                panel.plot(x, y, color=colour, linestyle=dash, gid=steady)


def _marked(points: int, place: int, curves: int, logarithmic: bool) -> tuple[int, int] | list[int]:
    """The points of the curve at `place` among `curves` that get a marker: first and stride, or all of them."""
    if logarithmic:
        spaced = np.unique(np.rint(elementary.geometric(1, points - 1, max(MAX_MARKERS, FEW_MARKERS * curves))))
        chosen: list[int] = spaced[place % len(spaced) :: curves].astype(int).tolist()
        return chosen
    # an odd stride, so that an oscillation of period two does not vanish
    stride = -(-points // MAX_MARKERS) // 2 * 2 + 1
    return place * stride // curves, stride


def _choice(configuration: Mapping[str, Any]) -> str:
    return label(configuration["optimizer"], configuration["hyperparameters"])


def _draw_inset(panel: Axes, traces: list[Trace], quantity: str, looks: Looks, inset: Mapping[str, Any]) -> None:
    """A window on a detail, or the same curves on logarithmic axes, over an empty part of the panel."""
    logarithmic = inset.get("log", ())
    window = panel.inset_axes(inset["place"])
    draw_panel(window, traces, quantity, looks, logarithmic)
    window.set(xlim=inset["k"], ylim=inset["range"])
    window.tick_params(which="both", labelsize=6, length=2, pad=1.5)
    axes: dict[Literal["x", "y"], Axis] = {"x": window.xaxis, "y": window.yaxis}
    for axis, locator in axes.items():
        if axis in logarithmic:
            locator.set_major_locator(LogLocator(numticks=4))
            locator.set_minor_locator(NullLocator())
        else:
            window.locator_params(axis=axis, nbins=4)
    window.spines[["top", "right"]].set_visible(True)
    if not logarithmic:
        panel.indicate_inset_zoom(window, edgecolor="0.4", linewidth=0.6)


def _row_title(row: Mapping[str, Any]) -> list[str]:
    parts = [rf"$\theta_0 = {in_tex(start(row['theta0']))}$"] if "theta0" in row else []
    parts += [f"set {row['set']}"] if "set" in row else []
    return [", ".join(parts)] if parts else []


def _handles(shown: Sequence[Mapping[str, Any]], looks: Looks, scheme: str) -> list[Line2D]:
    """The entries of the legend: what markers and lines are, then every choice drawn."""
    handles = [of_scheme(DISCRETE.name), of_scheme(scheme)]
    named = {_choice(configuration): configuration for configuration in shown}
    several = len({configuration["optimizer"] for configuration in shown}) > 1
    for choice, configuration in named.items():
        colour, marker, dash = looks[choice]
        text = _pretty(configuration, with_name=several)
        handles.append(Line2D([], [], color=colour, linestyle=dash, marker=marker, markerfacecolor="none", label=text))
    return handles


def of_scheme(name: str) -> Line2D:
    """The entry of a legend that says what markers are, or what lines are."""
    scheme = SCHEMES[name]
    if scheme is DISCRETE:
        return Line2D([], [], color="0.3", linestyle="none", marker="o", markerfacecolor="none", label=scheme.title)
    return Line2D([], [], color="0.3", label=scheme.title)


def legend(canvas: Figure, handles: list[Line2D]) -> None:
    """Put a legend above the panels, in as many columns as fit; where it is long, the figure grows, not they shrink."""
    for columns in range(LEGEND_COLUMNS, 0, -1):
        drawn = canvas.legend(handles=handles, loc="outside upper center", ncols=columns)
        if drawn.get_window_extent().width <= canvas.bbox.width or columns == 1:
            break
        drawn.remove()
    _grow(canvas, -(-len(handles) // columns) - LEGEND_LINES, LEGEND_LINE)


def _grow(canvas: Figure, lines: int, height: float) -> None:
    """By so many lines, if any."""
    canvas.set_figheight(canvas.get_figheight() + max(lines, 0) * height)


def quantity_label(name: str, optimizer: str) -> str:
    """Of an axis for a quantity of an optimizer."""
    if name == "loss":
        return r"loss $f(\theta)$"
    return f"${symbols(name, optimizer)[1]}$"


def _pretty(configuration: Mapping[str, Any], with_name: bool) -> str:
    optimizer = configuration["optimizer"]
    chosen = configuration["hyperparameters"].items()
    values = ", ".join(f"${symbols(name, optimizer)[1]} = {in_tex(number(value))}$" for name, value in chosen)
    return " ".join([written(optimizer), values]).strip() if with_name or not values else values


def _label_steps(canvas: Figure, shown: Sequence[Mapping[str, Any]]) -> None:
    """What is across; and a footnote for the solutions drawn that miss the tolerance of their scheme."""
    failed = [
        f"{_pretty(c, with_name=True)} at $\\alpha = {in_tex(number(c['learning_rate']))}$"
        for c in shown
        if c["converged"] is False
    ]
    failed = [*dict.fromkeys(failed)]
    for together in (2, 1):
        notes = ["; ".join(failed[i : i + together]) for i in range(0, len(failed), together)]
        note = ["iteration not converged: " + ";\n".join(notes)] if notes else []
        below = canvas.supxlabel("\n".join(["step $k = t/\\alpha$", *note]), fontsize=8)
        if below.get_window_extent().width <= canvas.bbox.width:
            break
    _grow(canvas, len(notes) - 1, NOTE_LINE)

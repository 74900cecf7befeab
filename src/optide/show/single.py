"""One configuration in one figure: the equation as a line, and over it the algorithm as markers."""

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optide.base import files
from optide.data.traces import Trace
from optide.settings.config import label
from optide.settings.looks import LOOKS
from optide.settings.schemes import SCHEMES
from optide.show import plotting
from optide.show.style import look, style

PANELS = 2
"""Side by side."""


def draw(traces: Sequence[Trace]) -> Figure:
    """A panel for theta, for the loss and for each state, with all elements of each that theta has.

    Args:
        traces: of one configuration, each by another scheme.
    """
    configuration = traces[0].configuration
    wholes: dict[str, list[str]] = {}
    for quantity in traces[0].quantities:
        wholes.setdefault(quantity.partition("[")[0], []).append(quantity)
    choice = label(configuration["optimizer"], configuration["hyperparameters"])
    rows, columns = -(-len(wholes) // PANELS), min(len(wholes), PANELS)
    with style():
        size = plotting.WIDTH, plotting.ROW_HEIGHT * rows + plotting.LEGEND_HEIGHT
        canvas = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(canvas)
        panels = canvas.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for (whole, parts), panel in zip(wholes.items(), panels, strict=False):
            for place, quantity in enumerate(parts):
                plotting.draw_panel(panel, traces, quantity, {choice: look(place % LOOKS)}, "")
            panel.set_ylabel(plotting.quantity_label(whole, configuration["optimizer"]))
        for empty in panels[len(wholes) :]:
            empty.set_axis_off()
        plotting.legend(canvas, [*map(_model, traces), *_elements(wholes["theta"])])
        canvas.supxlabel("step $k = t/\\alpha$", fontsize=8)
    return canvas


def save(figure: Figure, path: Path) -> None:
    """Write it, in the format of the suffix; whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=path.suffix[1:])
    with files.aside(path) as temporary:
        temporary.write_bytes(content.getvalue())


def _model(trace: Trace) -> Line2D:
    """What markers are, or what the line is: by its method, as it may not have converged."""
    handle = plotting.of_scheme(trace.configuration["scheme"])
    if method := SCHEMES[trace.configuration["scheme"]].method:
        failed = "" if trace.configuration["converged"] else ", not converged"
        handle.set_label(f"equation, {method}{failed}")
    return handle


def _elements(parts: Sequence[str]) -> list[Line2D]:
    """What tells the elements of a list apart, where theta is one."""
    looks = [look(place % LOOKS) for place in range(len(parts))]
    return [
        Line2D([], [], color=one.colour, linestyle=one.dash, marker=one.marker, markerfacecolor="none", label=f"[{i}]")
        for i, one in enumerate(looks)
    ][: 0 if len(parts) == 1 else None]

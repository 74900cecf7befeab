"""The figure of the audit: one configuration near its minimum, and the residuals of both methods."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optide.base.errors import ConfigError
from optide.data.traces import Trace
from optide.numerics import metrics
from optide.problem.registry import OPTIMIZERS
from optide.settings.schemes import SCHEMES
from optide.show import drawn
from optide.show.logscale import PortableLogScale
from optide.show.plotting import LEGEND_HEIGHT, WIDTH, lay_out, quantity_label
from optide.show.style import COLOURS, LINES, style

HEIGHT = 3.4  # inches, without the legend
POINTS = {"published": ".", "converged": "s"}
"""The markers of iterations; a method that needs only one has no line."""
SINGLE = 10
"""The first iterations, which a logarithmic axis keeps apart, are marked."""

_LOOKS: dict[str, dict[str, Any]] = {
    "published": {"color": COLOURS[1], "linestyle": LINES[0], "linewidth": 0.8},
    "converged": {"color": COLOURS[3], "linestyle": LINES[0], "linewidth": 1.3},
    "discrete": {"color": COLOURS[0], "linestyle": "none", "marker": "o", "markerfacecolor": "none"},
}
_MARKED = 21
"""Steps from one marker to the next: an odd number, so that an oscillation of period two does not vanish."""


def draw(traces: Sequence[Trace], minima: Sequence[float], first: int) -> Figure:
    """Draw theta from step `first` on, the second moment, and the residuals.

    Args:
        traces: of one configuration, by all schemes.
        minima: of the objective.
        first: step at which the tail begins.

    Raises:
        ConfigError: the converged solution ends midway between two minima.
    """
    by_scheme = {trace.configuration["scheme"]: trace for trace in traces}
    configuration = by_scheme["converged"].configuration
    minimum = metrics.nearest(by_scheme["converged"].values["theta"][-1], minima)
    assert not isinstance(minimum, Sequence)  # theta of the example is a number
    if np.isnan(minimum):
        raise ConfigError("audit.example: ends midway between two minima; what is drawn is the way to one")
    moment = _moment(configuration["optimizer"])
    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT + LEGEND_HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplot_mosaic([["tail", "residual"], ["moment", "residual"]], width_ratios=[1.25, 1])
        alpha = configuration["learning_rate"]
        panels["moment"].set_yscale(PortableLogScale())
        for scheme, look in _LOOKS.items():
            values = by_scheme[scheme].values
            kept = {
                "markevery": _MARKED if scheme == "discrete" else None,
                "gid": drawn.mark(by_scheme[scheme].configuration),
                **look,
            }
            panels["tail"].plot(values["t"] / alpha, values["theta"] - minimum, **kept)
            panels["moment"].plot(values["u"] / alpha, values[moment], label=SCHEMES[scheme].title, **kept)
        _set_tail(panels["tail"], by_scheme, minimum, first)
        panels["tail"].set(ylabel=rf"$\theta {-minimum:+g}$", title="near the minimum")
        panels["moment"].set(ylabel=quantity_label(moment, configuration["optimizer"]), xlabel=r"step $k = t/\alpha$")
        panels["residual"].set(xscale=PortableLogScale(), yscale=PortableLogScale())
        for scheme, point in POINTS.items():
            residuals = by_scheme[scheme].configuration["residuals"]
            early = [*range(min(len(residuals), SINGLE))]
            steady = drawn.mark(by_scheme[scheme].configuration, drawn.RESIDUAL)
            kept = {"markevery": early, "gid": steady, **_LOOKS[scheme]}
            panels["residual"].plot(np.arange(1, len(residuals) + 1), residuals, marker=point, **kept)
        panels["residual"].set(xlabel="iteration", title="residual, in the norm of the method")
        figure.legend(*panels["moment"].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        lay_out(figure)
    return figure


def _moment(optimizer: str) -> str:
    """The state that is drawn: what the velocity is divided by, or the last there is."""
    powers = OPTIMIZERS[optimizer].powers()
    return next((name for name, power in powers.items() if power == 2), [*powers][-1])


def _set_tail(panel: Axes, by_scheme: Mapping[str, Trace], minimum: float, first: int) -> None:
    """From step `first` on, as high as what is there."""
    shown = [trace.values["theta"][trace.values["k"] >= first] - minimum for trace in by_scheme.values()]
    height = 1.1 * max(np.max(np.abs(values)) for values in shown)
    last = max(trace.values["k"][-1] for trace in by_scheme.values())
    panel.set(xlim=(first, last), ylim=(-height, height))

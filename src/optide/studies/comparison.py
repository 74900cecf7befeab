"""Table 1: one row per configuration, the discrete model against both solutions of the equation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from optide.data.traces import LaneTrace
from optide.numerics import metrics
from optide.settings.config import STATES

Row = dict[str, Any]

SCHEMES = ("published", "converged")
HYPERPARAMETERS = ("beta", "beta1", "beta2")
KEY = ("experiment", "set", "learning_rate", "theta0", *HYPERPARAMETERS)
CURVES = ("theta", "G", "m", "v")
MEASURES = (
    *(f"{curve}_gap_{norm}" for curve in CURVES for norm in ("max", "rms")),
    "loss_gap_final",
    "decay_rate",
    "minimum",
    "iterations",
    "residual",
    "converged",
)
COLUMNS = (
    *("experiment", "set", "objective", "optimizer", "learning_rate", *HYPERPARAMETERS, "theta0", "steps"),
    *("memory_m", "memory_v", "discrete_decay_rate", "discrete_minimum"),
    *(f"{scheme}_{measure}" for scheme in SCHEMES for measure in MEASURES),
)


def rows(traces: Iterable[LaneTrace], minima: Mapping[str, Sequence[float]]) -> list[Row]:
    """Compare the models on every configuration.

    Args:
        traces: of all configurations and schemes, in any order.
        minima: the minimisers of each objective, by its name.

    Returns:
        A row with `COLUMNS` for each configuration of the discrete model, in its order.
    """
    by_scheme: dict[str, dict[tuple, LaneTrace]] = {}
    for trace in traces:
        key = tuple(trace.configuration[name] for name in KEY)
        by_scheme.setdefault(trace.configuration["scheme"], {})[key] = trace
    return [
        _row(discrete, {scheme: by_scheme[scheme][key] for scheme in SCHEMES}, minima)
        for key, discrete in by_scheme["discrete"].items()
    ]


def _row(discrete: LaneTrace, continuous: Mapping[str, LaneTrace], minima) -> Row:
    configuration = discrete.configuration
    targets = minima[configuration["objective"]]
    row: Row = dict.fromkeys(COLUMNS)
    row |= {name: value for name, value in configuration.items() if name in COLUMNS}
    for state, parameters in {"m": ("beta1",), "v": ("beta", "beta2")}.items():
        betas = [configuration[name] for name in parameters if configuration[name] is not None]
        row[f"memory_{state}"] = metrics.memory_length(betas[0]) if betas else None
    row["discrete_decay_rate"], row["discrete_minimum"] = _approach(discrete, targets)
    for scheme, trace in continuous.items():
        measures = _compare(discrete, trace, STATES[configuration["optimizer"]])
        measures["decay_rate"], measures["minimum"] = _approach(trace, targets)
        measures |= {name: trace.configuration[name] for name in ("iterations", "residual", "converged")}
        row |= {f"{scheme}_{name}": value for name, value in measures.items()}
    return row


def _compare(discrete: LaneTrace, trace: LaneTrace, states: Sequence[str]) -> Row:
    alpha = discrete.configuration["learning_rate"]
    ours, theirs = discrete.values, trace.values
    updates = np.rint(theirs["u"] / alpha).astype(int)
    gaps = {"theta": metrics.gap(ours["k"], ours["theta"], theirs["k"], theirs["theta"])}
    gaps |= {state: metrics.gap(ours["k"], ours[state], updates, theirs[state]) for state in states}
    measures = {"loss_gap_final": float(abs(ours["loss"][-1] - theirs["loss"][-1]))}
    for curve, gap in gaps.items():
        measures |= {f"{curve}_gap_max": gap.largest, f"{curve}_gap_rms": gap.rms}
    return measures


def _approach(trace: LaneTrace, minima: Sequence[float]) -> tuple[float, float]:
    """The decay rate towards the minimum that the trace ends nearest to, and that minimum."""
    theta = trace.values["theta"]
    minimum = metrics.nearest(theta[-1], minima)
    return metrics.decay_rate(trace.values["k"], theta - minimum), minimum

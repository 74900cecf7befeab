"""Table 1: one row per configuration, the discrete model against both solutions of the equation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optide.data import frames
from optide.data.traces import LaneTrace
from optide.numerics import metrics
from optide.problem.optimizers import OPTIMIZERS

Row = dict[str, Any]

SCHEMES = ("published", "converged")


def columns(configurations: Sequence[Mapping[str, Any]], memories: Iterable[str]) -> list[str]:
    """The columns of the table.

    Args:
        configurations: that are compared.
        memories: the columns of memories of finite length.
    """
    states = sorted({state for one in configurations for state in frames.states(one["optimizer"])})
    measures = [
        *(f"{curve}_gap_{norm}" for curve in ("theta", *states) for norm in ("max", "rms")),
        *("loss_gap_final", "decay_rate", "minimum", "iterations", "residual", "converged"),
    ]
    of_schemes = [f"{scheme}_{measure}" for scheme in SCHEMES for measure in measures]
    return [*frames.columns(configurations), *memories, "discrete_decay_rate", "discrete_minimum", *of_schemes]


def table(lanes: Iterable[LaneTrace], minima: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Compare the models on every configuration, a row for each.

    Args:
        lanes: of all configurations and schemes, in any order.
        minima: the minimisers of each objective, by its name.
    """
    by_configuration = frames.by_configuration(lanes).values()
    rows = [_row(by_scheme, minima) for by_scheme in by_configuration]
    memories = sorted({name for row in rows for name in row if name.startswith("memory_")})
    return frames.frame(rows, columns([one["discrete"].configuration for one in by_configuration], memories))


def _row(by_scheme: Mapping[str, LaneTrace], minima: Mapping[str, Sequence[float]]) -> Row:
    discrete = by_scheme["discrete"]
    configuration = discrete.configuration
    targets = minima[configuration["objective"]]
    row: Row = frames.row(configuration) | _memories(configuration)
    row["discrete_decay_rate"], row["discrete_minimum"] = _approach(discrete, targets)
    for scheme in SCHEMES:
        trace = by_scheme[scheme]
        measures = _compare(discrete, trace, frames.states(configuration["optimizer"]))
        measures["decay_rate"], measures["minimum"] = _approach(trace, targets)
        measures |= {name: trace.configuration[name] for name in ("iterations", "residual", "converged")}
        row |= {f"{scheme}_{name}": value for name, value in measures.items()}
    return row


def _memories(configuration: Mapping[str, Any]) -> Row:
    """Steps over which each state remembers, if not all."""
    alpha = configuration["learning_rate"]
    memories = OPTIMIZERS[configuration["optimizer"]](alpha, **configuration["hyperparameters"]).memories()
    return {f"memory_{state}": metrics.memory_length(one.rate, alpha) for state, one in memories.items() if one.rate}


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

"""Table 1: one row per configuration, the discrete model against both solutions of the equation."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optide.data import frames, traces
from optide.data.traces import LaneTrace
from optide.numerics import metrics
from optide.problem.optimizers import OPTIMIZERS

Row = dict[str, Any]

SCHEMES = ("published", "converged")


def columns(configurations: Sequence[Mapping[str, Any]], remembered: Collection[str]) -> list[str]:
    """The columns of the table.

    Args:
        configurations: that are compared.
        remembered: the states whose memory has a finite length.
    """
    states = sorted({state for one in configurations for state in frames.states(one["optimizer"])})
    measures = [
        *(f"{curve}_gap_{norm}" for curve in ("theta", *states) for norm in ("max", "rms")),
        *("loss_gap_final", "decay_rate", "minimum", "iterations", "residual", "converged"),
    ]
    return [
        *frames.columns(configurations),
        *(f"memory_{state}" for state in sorted(remembered)),
        *("discrete_decay_rate", "discrete_minimum"),
        *(f"{scheme}_{measure}" for scheme in SCHEMES for measure in measures),
    ]


def table(lanes: Iterable[LaneTrace], minima: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Compare the models on every configuration.

    Args:
        lanes: of all configurations and schemes, in any order.
        minima: the minimisers of each objective, by its name.

    Returns:
        A row for each configuration of the discrete model, in its order.
    """
    by_scheme: dict[str, dict[tuple, LaneTrace]] = {}
    for trace in lanes:
        by_scheme.setdefault(trace.configuration["scheme"], {})[traces.key(trace.configuration)] = trace
    discrete = by_scheme["discrete"]
    memories = {key: _memory_lengths(trace.configuration) for key, trace in discrete.items()}
    rows = [
        _row(trace, {scheme: by_scheme[scheme][key] for scheme in SCHEMES}, minima)
        | {f"memory_{state}": length for state, length in memories[key].items()}
        for key, trace in discrete.items()
    ]
    remembered = {state for lengths in memories.values() for state in lengths}
    return frames.frame(rows, columns([trace.configuration for trace in discrete.values()], remembered))


def _memory_lengths(configuration: Mapping[str, Any]) -> dict[str, float]:
    """Steps over which each state remembers, if not all: what its kernel exp(-rate s) weighs, in units of alpha."""
    alpha = configuration["learning_rate"]
    optimizer = OPTIMIZERS[configuration["optimizer"]](alpha, **configuration["hyperparameters"])
    return {
        state: metrics.memory_length(memory.rate, alpha)
        for state, memory in optimizer.memories().items()
        if memory.rate
    }


def _row(discrete: LaneTrace, continuous: Mapping[str, LaneTrace], minima: Mapping[str, Sequence[float]]) -> Row:
    configuration = discrete.configuration
    targets = minima[configuration["objective"]]
    row: Row = frames.row(configuration)
    row["discrete_decay_rate"], row["discrete_minimum"] = _approach(discrete, targets)
    for scheme, trace in continuous.items():
        measures = _compare(discrete, trace, frames.states(configuration["optimizer"]))
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

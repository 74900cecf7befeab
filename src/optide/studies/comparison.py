"""Table 1: one row per configuration, the discrete model against both solutions of the equation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optide.data import frames
from optide.data.traces import Trace
from optide.numerics import metrics
from optide.problem.registry import OPTIMIZERS, parts
from optide.settings.config import elements
from optide.settings.schemes import CONTINUOUS, DISCRETE

Row = dict[str, Any]


def columns(configurations: Sequence[Mapping[str, Any]], memories: Iterable[str]) -> list[str]:
    """The columns of the table.

    Args:
        configurations: that are compared.
        memories: the columns of memories of finite length.
    """
    states = sorted({state for one in configurations for state in frames.states(one["optimizer"])})
    measures = [
        *(f"{curve}_gap_{norm}" for curve in ("theta", *states) for norm in ("max", "rms")),
        *("loss_gap_final", "decay_rate", *frames.of_elements("minimum", configurations)),
        *("iterations", "residual", "converged"),
    ]
    minima = frames.of_elements("discrete_minimum", configurations)
    of_schemes = [f"{scheme}_{measure}" for scheme in CONTINUOUS for measure in measures]
    return [*frames.columns(configurations), *memories, "discrete_decay_rate", *minima, *of_schemes]


def table(lanes: Iterable[Trace], minima: Mapping[str, Sequence[float] | Sequence[Sequence[float]]]) -> pd.DataFrame:
    """Compare the models on every configuration, a row for each.

    Args:
        lanes: of all configurations and schemes, in any order.
        minima: the minimisers of each objective, by its name.
    """
    by_configuration = frames.by_configuration(lanes).values()
    rows = [_row(by_scheme, minima) for by_scheme in by_configuration]
    memories = sorted({name for row in rows for name in row if name.startswith("memory_")})
    return frames.frame(rows, columns([one[DISCRETE.name].configuration for one in by_configuration], memories))


def _row(by_scheme: Mapping[str, Trace], minima: Mapping[str, Any]) -> Row:
    discrete = by_scheme[DISCRETE.name]
    configuration = discrete.configuration
    targets = minima[configuration["objective"]]
    row: Row = frames.row(configuration) | _memories(configuration)
    row |= {f"discrete_{name}": value for name, value in _approach(discrete, targets).items()}
    for scheme in CONTINUOUS:
        trace = by_scheme[scheme]
        measures = _compare(discrete, trace, frames.states(configuration["optimizer"])) | _approach(trace, targets)
        measures |= {name: trace.configuration[name] for name in ("iterations", "residual", "converged")}
        row |= {f"{scheme}_{name}": value for name, value in measures.items()}
    return row


def _memories(configuration: Mapping[str, Any]) -> Row:
    """Steps over which each state remembers, if not all."""
    alpha = configuration["learning_rate"]
    kernels = OPTIMIZERS[configuration["optimizer"]].kernels(learning_rate=alpha, **configuration["hyperparameters"])
    return {
        f"memory_{state}": metrics.memory_length(float(one.rate), alpha) for state, one in kernels.items() if one.rate
    }


def _compare(discrete: Trace, trace: Trace, states: Sequence[str]) -> Row:
    size = elements(discrete.configuration["theta0"])
    measures = {"loss_gap_final": float(abs(discrete.values["loss"][-1] - trace.values["loss"][-1]))}
    for quantity in ("theta", *states):
        gap = metrics.gap(*_curve(discrete, quantity, size), *_curve(trace, quantity, size))
        measures |= {f"{quantity}_gap_max": gap.largest, f"{quantity}_gap_rms": gap.rms}
    return measures


def _curve(trace: Trace, quantity: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps (n,), and a quantity, (n,) or (n, size)."""
    steps, _ = trace.curve(parts(quantity, size)[0])
    return steps, trace.whole(quantity)


def _approach(trace: Trace, minima: Sequence[float] | Sequence[Sequence[float]]) -> Row:
    """The minimum that the trace ends nearest to, and the decay rate towards it; nothing if no minimum is known."""
    if not minima:
        return {}
    theta = trace.theta
    minimum = metrics.nearest(theta[-1], minima)
    distance = theta - minimum if theta.ndim == 1 else metrics.length(theta - np.asarray(minimum))
    return {"decay_rate": metrics.decay_rate(trace.values["k"], distance), **frames.apart("minimum", minimum)}

"""Table 1: one row per configuration, the discrete model against both solutions of the equation."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optide import metrics, provenance, tables
from optide.config import STATES
from optide.traces import LaneTrace

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


def write(table: Sequence[Row], path: str | Path, record: provenance.Record) -> None:
    """Write all columns as .csv, or the main ones as .md, .html or .tex (booktabs), with their provenance.

    That of the CSV file is written for the path `NAME.csv-metadata.json`.  Whole or not at all.
    """
    tables.write(path, record, COLUMNS, table, tables.pages(table, path, _LAYOUT))


def _second_moment(row: Row) -> float:
    return row["converged_v_gap_max"] if row["converged_G_gap_max"] is None else row["converged_G_gap_max"]


def _published_iterations(row: Row) -> str:
    return f"{row['published_iterations']}{'' if row['published_converged'] else '*'}"


# heading in Markdown, heading in LaTeX, cell: a column of the row, or a function of it
_MAIN: tuple[tuple[str, str, str | Callable[[Row], Any]], ...] = (
    ("experiment", "experiment", tables.configuration),
    ("α", r"$\alpha$", tables.exactly("learning_rate")),
    ("β", r"$\beta$", tables.betas),
    ("θ₀", r"$\theta_0$", tables.exactly("theta0")),
    ("max Δθ published", r"$\max|\Delta\theta|$ publ.", "published_theta_gap_max"),
    ("max Δθ", r"$\max|\Delta\theta|$", "converged_theta_gap_max"),
    ("rms Δθ", r"rms $\Delta\theta$", "converged_theta_gap_rms"),
    ("max Δ(G or v)", r"$\max|\Delta G|, |\Delta v|$", _second_moment),
    ("final Δloss", r"$|\Delta f|$", "converged_loss_gap_final"),
    ("rate discrete", "rate", "discrete_decay_rate"),
    ("rate equation", "rate, eq.", "converged_decay_rate"),
    ("memory", "memory", "memory_v"),
    ("minimum", "min.", "converged_minimum"),
    ("iterations published", "it. publ.", _published_iterations),
    ("iterations", "it.", "converged_iterations"),
    ("residual published", "res. publ.", "published_residual"),
    ("residual", "res.", "converged_residual"),
)
_NOTE = (
    "Gaps are between the discrete algorithm and the equation: as the published scheme solves it, where so marked, "
    "and converged otherwise. Rates are per step; memory is 1/(1-beta) steps. "
    "* The published iteration did not converge."
)
_LAYOUT = tables.Layout(_MAIN, "lrlr" + "r" * (len(_MAIN) - 4), _NOTE)

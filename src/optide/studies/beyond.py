"""Optimizers beyond the paper's problems: what is run, and its traces, written and read.

A trace has the runs of one optimizer on one problem, a lane for each learning rate, with look-ahead and without: what
is told of both models at each step, and how far apart they are over all parameters; no parameter itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from optide.base import files
from optide.data import results
from optide.data.columns import numbers
from optide.data.traces import split
from optide.problem.registry import hyperparameter_columns
from optide.settings.config import Config

MODELS = ("discrete", "equation")
TOLD = ("loss", "accuracy", "norm")
"""What is told of each model: see `optide.studies.beyond_problems.told`."""
LOOKAHEADS = (1, 0)


def schema(settings: Config) -> pa.Schema:
    """The columns of a trace, by the slice that it was computed for (`optide.settings.config.beyond_slice`).

    Those of a model begin with its name; accuracy is null where there is none.  `gap` is the largest
    difference between the models over all parameters, `gap_rms` its root mean square.
    """
    texts = ("problem", "optimizer")
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in texts),
            pa.field("learning_rate", pa.float64(), nullable=False),
            *(pa.field(name, pa.float64()) for name in hyperparameter_columns(settings["hyperparameters"])),
            *(pa.field(name, pa.int64(), nullable=False) for name in ("lookahead", "steps", "lane", "k")),
            pa.field("converged", pa.bool_(), nullable=False),
            pa.field("t", pa.float64(), nullable=False),
            *(pa.field(f"{model}_{told}", pa.float64()) for told in TOLD for model in MODELS),
            *(pa.field(name, pa.float64(), nullable=False) for name in ("gap", "gap_rms")),
        ]
    )


def write(path: str | Path, table: pa.Table, settings: Config, lanes: Sequence[Mapping[str, Any]]) -> None:
    """Write a trace with the slice that it was computed for and what is known of each lane, sealed, whole or not at
    all."""
    results.write(path, table.cast(schema(settings)), settings, lanes)


def write_seconds(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the processor seconds of both models, a row for each run, as CSV; whole or not at all.

    They are those of a machine, and no part of a trace, whose bits are compared.
    """
    with files.aside(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def report(lanes: Sequence[Mapping[str, Any]]) -> str:
    """One line per run, for the log of a job."""
    return "".join(
        f"learning rate {lane['learning_rate']}, look-ahead {lane['lookahead']}: "
        f"{'converged' if lane['converged'] else 'NOT CONVERGED'}, residual {lane['residual']:.3g}, "
        f"{lane['gradients']} gradients in {lane['steps']} steps\n"
        for lane in lanes
    )


class Run(NamedTuple):
    """A lane of a trace.

    Attributes:
        known: problem, optimizer, hyperparameters, parameters (how many), learning_rate, lookahead, steps, order,
            substeps, converged, iterations, residual, gradients (asked for by the solver), and `halved`: how much
            halving the time step moves the solution, None where that was not tried.
        values: the other columns that the lane has, (steps,) each.
    """

    known: dict[str, Any]
    values: dict[str, np.ndarray]


def read(path: str | Path) -> list[Run]:
    """The runs of a trace.

    Raises:
        FileError: the file cannot be read, was damaged, or has other columns.
    """
    table = results.read(path, lambda found: schema(found["configuration"]), "a trace of `beyond`")
    described = results.metadata(table)
    same = {name: described["configuration"][name] for name in ("problem", "optimizer", "hyperparameters")}
    return [
        Run(same | lane, {name: numbers(piece.column(name)) for name in _measured(piece)})
        for piece, lane in zip(split(table), described["lanes"], strict=True)
    ]


def _measured(table: pa.Table) -> Iterable[str]:
    ends = tuple(f"_{told}" for told in TOLD)
    return [
        name
        for name in table.schema.names
        if (name in ("k", "t", "gap", "gap_rms") or name.endswith(ends)) and not table.column(name).null_count
    ]

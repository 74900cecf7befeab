"""The audit: in which ways the equation is solved anew, and the files of what `optide.studies.audit_solve` finds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from optide.data import results, traces
from optide.settings.config import HYPERPARAMETERS, Config

Array = np.ndarray

_HYPERPARAMETERS = [*dict.fromkeys(name for names in HYPERPARAMETERS.values() for name in names)]

SOLUTIONS = pa.schema(
    [
        *(traces.CONFIGURATION.field(name) for name in ("experiment", "set", "learning_rate", "theta0")),
        *(pa.field(name, pa.float64()) for name in _HYPERPARAMETERS),
        pa.field("lookahead", pa.int64(), nullable=False),
        pa.field("order", pa.int64(), nullable=False),
        pa.field("substeps", pa.int64(), nullable=False),
        pa.field("converged", pa.bool_(), nullable=False),
        pa.field("residual", pa.float64(), nullable=False),
        pa.field("k", pa.int64(), nullable=False),
        pa.field("theta", pa.float64(), nullable=False),
    ]
)
"""theta at step k of one configuration, solved in one way, always from an aligned start."""


class Treatment(NamedTuple):
    """A way to solve the equation from an aligned start: see `optide.solve_ide`."""

    lookahead: int
    order: int
    substeps: int


LIMITS = {"limit": 1, "no_lookahead": 0}
"""The limits of small time steps, by their names in the configuration and in table 2: the look-ahead of each."""
AS_CONFIGURED = Treatment(lookahead=1, order=1, substeps=1)
WITHOUT_LOOKAHEAD = AS_CONFIGURED._replace(lookahead=0)


class Solved(NamedTuple):
    """One configuration, solved in one way.

    Attributes:
        key: of the configuration (`traces.key`).
        treatment: the way.
        converged: whether the solver reached its tolerance.
        theta: (steps,), at the steps of the discrete algorithm.
    """

    key: tuple
    treatment: Treatment
    converged: bool
    theta: Array


def refinements(name: str, settings: Config) -> list[Treatment]:
    """The treatments that lead to one of `LIMITS`, coarse ones first."""
    return [Treatment(LIMITS[name], settings["order"], substeps) for substeps in settings["substeps"][name]]


def treatments(t_start: str, settings: Config) -> list[Treatment]:
    """All treatments of an experiment; as configured only where the trace has another start."""
    aligned = [AS_CONFIGURED] if t_start != "origin" else []
    refined = (one for name in LIMITS for one in refinements(name, settings))
    return list(dict.fromkeys([*aligned, WITHOUT_LOOKAHEAD, *refined]))


def is_example(lane: Mapping[str, Any], example: Config) -> bool:
    """Whether a lane of the example's experiment is the example."""
    return lane["theta0"] == example["theta0"] and lane["hyperparameters"] == example["hyperparameters"]


def write(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Write a table of `SOLUTIONS` with the settings it was computed for, sealed, whole or not at all."""
    results.write(path, table, settings)


def read(path: str | Path) -> list[Solved]:
    """Read what `write` wrote, in its order.

    Raises:
        FileError: the file cannot be read, was damaged, or has other columns.
    """
    table = results.read(path, SOLUTIONS, "an audit")
    theta = table.column("theta").to_numpy()
    starts = np.flatnonzero(table.column("k").to_numpy() == 0)
    solved = []
    for start, end in zip(starts, [*starts[1:], len(theta)], strict=True):
        (row,) = table.slice(start, 1).to_pylist()
        treatment = Treatment(*(row[name] for name in Treatment._fields))
        own = {name: row[name] for name in _HYPERPARAMETERS if row[name] is not None}
        key = traces.key({**row, "hyperparameters": own})
        solved.append(Solved(key, treatment, row["converged"], theta[start:end]))
    return solved

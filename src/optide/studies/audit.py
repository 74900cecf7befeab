"""The audit: in which ways the equation is solved anew, and the files of what `optide.studies.audit_solve` finds."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from optide.data import layout, results, traces
from optide.data.traces import Key
from optide.problem.registry import hyperparameter_columns, parts
from optide.settings.config import Config, elements

Array = np.ndarray


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
        key: of its configuration (`optide.data.traces.key`).
        treatment: the way.
        converged: whether the solver reached its tolerance.
        theta: (steps, *S), at the steps of the discrete algorithm.
    """

    key: Key
    treatment: Treatment
    converged: bool
    theta: Array


def schema(slices: Iterable[Config]) -> pa.Schema:
    """The columns of the solutions of some experiment slices: theta at step k, always from an aligned start.

    A lane is one configuration, solved in one way.
    """
    slices = list(slices)
    names = {name for part in slices for entry in part["sets"] for name in entry["hyperparameters"]}
    sizes = sorted({elements(part["theta0"][0]) for part in slices})
    theta = [name for size in sizes for name in parts("theta", size)]
    start = [name for size in sizes for name in parts("theta0", size)]
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in ("experiment", "set")),
            pa.field("learning_rate", pa.float64(), nullable=False),
            *(pa.field(name, pa.float64()) for name in hyperparameter_columns(names)),
            *(pa.field(name, pa.float64()) for name in dict.fromkeys(start)),
            *(pa.field(name, pa.int64(), nullable=False) for name in (*Treatment._fields, "lane")),
            pa.field("converged", pa.bool_(), nullable=False),
            pa.field("residual", pa.float64(), nullable=False),
            pa.field("k", pa.int64(), nullable=False),
            *(pa.field(name, pa.float64()) for name in dict.fromkeys(theta)),
        ]
    )


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
    return bool(lane["theta0"] == example["theta0"] and lane["hyperparameters"] == example["hyperparameters"])


def write(path: str | Path, table: pa.Table, settings: Config, lanes: Sequence[Mapping[str, Any]]) -> None:
    """Write a table of `schema` with the settings it was computed for, sealed, whole or not at all.

    Args:
        settings: `experiments`, which are slices, and `audit`, an entry of the configuration.
        lanes: of `optide.studies.audit_solve.compute`.
    """
    results.write(path, table, settings, lanes)


def read(path: str | Path) -> list[Solved]:
    """Read what `write` wrote, in its order.

    Raises:
        FileError: the file cannot be read, was damaged, or has other columns.
    """
    table = results.read(path, lambda found: schema(found["configuration"]["experiments"]), "an audit")
    solved = []
    for part, lane in zip(traces.split(table), results.metadata(table)["lanes"], strict=True):
        treatment = Treatment(*(lane[name] for name in Treatment._fields))
        converged, theta = part.column("converged")[0].as_py(), layout.together(part, lane["theta0"])
        solved.append(Solved(traces.key(lane), treatment, converged, theta))
    return solved

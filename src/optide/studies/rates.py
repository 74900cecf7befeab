"""Decay rates on the quadratic against the length of the memory, for both models: written and read."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from optide.data import results
from optide.numerics import metrics
from optide.problem.registry import hyperparameter_columns
from optide.settings.config import Config

MODELS = ("discrete", "equation")
FITTED = "fitted"
CLOSER = 10
"""How much further than to the floor of the fit a run must come, so that the fit sees nothing of its end."""
STATUS = {
    "not converged": "the solver did not converge",
    "stays away": f"the run ends above 1/{CLOSER / metrics.FIT_FLOOR:.0f} of its first distance: a limit cycle, or too "
    "few steps",
    "too fast": f"fewer than {metrics.SMALLEST_WINDOW} steps are left for a fit",
}
"""Why a rate is missing."""


def schema(settings: Config) -> pa.Schema:
    """The columns of the entry `rates` of a configuration.

    A row is one rate: per step, over the steps first to last, with its confidence interval; null if status is not
    "fitted".
    """
    names = {name for curve in settings["curves"].values() for name in (curve["varies"], *curve.get("fixed", ()))}
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in ("curve", "optimizer", "model")),
            *(pa.field(name, pa.float64(), nullable=False) for name in ("learning_rate", "distance")),
            *(pa.field(name, pa.float64()) for name in hyperparameter_columns(names)),
            *(pa.field(name, pa.float64()) for name in ("memory", "rate", "low", "high")),
            *(pa.field(name, pa.int64(), nullable=False) for name in ("first", "last")),
            pa.field("status", pa.string(), nullable=False),
        ]
    )


def write(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Write rates with the settings they were computed for, sealed, whole or not at all."""
    results.write(path, table.cast(schema(settings)), settings)


def read(path: str | Path) -> list[dict[str, Any]]:
    """Read rates, as rows of `schema`.

    Raises:
        FileError: the file cannot be read, was damaged, or has other columns.
    """
    rows: list[dict[str, Any]] = results.read(path, lambda found: schema(found["configuration"]), "rates").to_pylist()
    return rows

"""Decay rates on the quadratic against the length of the memory, for both models: written and read."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from optide.base.errors import OptideError
from optide.data import results
from optide.numerics import metrics
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

SCHEMA = pa.schema(
    [
        pa.field("curve", pa.string(), nullable=False),
        pa.field("optimizer", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("learning_rate", pa.float64(), nullable=False),
        pa.field("distance", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("beta", "beta1", "beta2", "memory")),
        *(pa.field(name, pa.float64()) for name in ("rate", "low", "high")),
        pa.field("first", pa.int64(), nullable=False),
        pa.field("last", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)
"""One rate: per step, over the steps first to last, with its confidence interval; null if status is not "fitted"."""


class RatesError(OptideError):
    """The file of rates is missing, damaged or of another version; says how to mend it."""


def write(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Write rates with the settings they were computed for, sealed, whole or not at all."""
    results.write(path, table.cast(SCHEMA), settings)


def read(path: str | Path) -> list[dict[str, Any]]:
    """Read rates, as rows of `SCHEMA`.

    Raises:
        RatesError: the file cannot be read, was damaged, or has other columns.
    """
    return results.read(path, SCHEMA, "rates", RatesError).to_pylist()

"""Parquet traces: one schema for all, so that any glob of them reads as one table."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from optide.errors import OptideError

CONFIGURATION = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("set", pa.string(), nullable=False),
        pa.field("scheme", pa.string(), nullable=False),
        pa.field("objective", pa.string(), nullable=False),
        pa.field("optimizer", pa.string(), nullable=False),
        pa.field("learning_rate", pa.float64(), nullable=False),
        pa.field("beta", pa.float64()),
        pa.field("beta1", pa.float64()),
        pa.field("beta2", pa.float64()),
        pa.field("theta0", pa.float64(), nullable=False),
        pa.field("steps", pa.int64(), nullable=False),
        pa.field("converged", pa.bool_()),
    ]
)
"""What a row belongs to; `converged` is null for the discrete algorithm."""

VALUES = pa.schema(
    [
        pa.field("k", pa.int64(), nullable=False),
        pa.field("t", pa.float64(), nullable=False),
        pa.field("u", pa.float64(), nullable=False),
        pa.field("theta", pa.float64(), nullable=False),
        pa.field("loss", pa.float64(), nullable=False),
        pa.field("G", pa.float64()),
        pa.field("m", pa.float64()),
        pa.field("v", pa.float64()),
    ]
)
"""A point of a trace: theta and loss at time t = k alpha, the states at time u."""

SCHEMA = pa.schema([*CONFIGURATION, *VALUES])
_KEY = b"optide"


class TraceError(OptideError):
    """A trace file is missing, damaged or of another version."""


def write(path: str | Path, table: pa.Table, metadata: dict[str, Any]) -> None:
    """Write a trace aside, then rename it, so that no reader sees half a file.

    Args:
        path: of the Parquet file (zstd).
        table: of `SCHEMA`.
        metadata: anything JSON can hold; kept in the file under the key "optide".
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    stamped = table.cast(SCHEMA).replace_schema_metadata({_KEY: json.dumps(metadata, sort_keys=True)})
    try:
        pq.write_table(stamped, aside, compression="zstd")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read(path: str | Path) -> pa.Table:
    """Read a trace and make sure that it is one.

    Raises:
        TraceError: the file cannot be read as Parquet, or its columns are not those of `SCHEMA`.
    """
    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise TraceError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from None
    if not table.schema.equals(SCHEMA):
        raise TraceError(f"{path}: columns are not those of a trace of this version; delete it and run again")
    return table


def metadata(path: str | Path) -> dict[str, Any]:
    """What `write` was given: configuration, scheme, convergence of each lane, versions."""
    return json.loads(pq.read_schema(path).metadata[_KEY])

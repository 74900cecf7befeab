"""Parquet traces: one schema for all, so that any glob of them reads as one table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from optide.base.errors import OptideError
from optide.data import seal
from optide.settings.config import label

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

FORMAT = b"1"
"""Raise it whenever a trace means something else than before, so that no old one is taken for new."""

_KEY = b"optide"
_FORMAT_KEY = b"optide-format"


class TraceError(OptideError):
    """A trace file is missing, damaged or of another version; says how to mend it."""


def write(path: str | Path, table: pa.Table, metadata: dict[str, Any]) -> None:
    """Write a trace, sealed, whole or not at all.

    Args:
        path: of the Parquet file (zstd).
        table: of `SCHEMA`.
        metadata: anything JSON can hold; kept in the file under the key "optide".

    Raises:
        FileError: it cannot be written.
    """
    keys = {_KEY: json.dumps(metadata, sort_keys=True), _FORMAT_KEY: FORMAT}
    seal.write(path, table.cast(SCHEMA).replace_schema_metadata(keys))


def read(path: str | Path) -> pa.Table:
    """Read a trace and make sure that it is one, to the last bit.

    Raises:
        TraceError: the file cannot be read or was damaged, its format is not that of this version,
            or its columns are not those of `SCHEMA`.
    """
    try:
        table = seal.read(path)
    except seal.SealError as error:
        raise TraceError(f"{error}; {seal.REMEDY}") from None
    found = (table.schema.metadata or {}).get(_FORMAT_KEY)
    if found != FORMAT:
        raise TraceError(f"{path}: format {found!r} of another version of optide, not {FORMAT!r}; {seal.REMEDY}")
    if not table.schema.equals(SCHEMA):
        raise TraceError(f"{path}: columns are not those of a trace of this version; {seal.REMEDY}")
    return table


def metadata(path: str | Path) -> dict[str, Any]:
    """What `write` was given: configuration, scheme, convergence of each lane, versions."""
    return _metadata(read(path))


def _metadata(table: pa.Table) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
    return described


class LaneTrace(NamedTuple):
    """One configuration of a trace file.

    Attributes:
        configuration: the columns of `CONFIGURATION`, and what the metadata say of this lane
            (for a continuous scheme: iterations, residual, and the residual of each iteration).
        values: the columns of `VALUES`, each (n,); those the optimizer does not have are NaN.
    """

    configuration: dict[str, Any]
    values: dict[str, np.ndarray]


def choice(configuration: Mapping[str, Any]) -> str:
    """The set and the hyper-parameters of a configuration, as in "set A: beta=0.9"; "none" if it has neither."""
    betas = {name: configuration[name] for name in ("beta", "beta1", "beta2") if configuration[name] is not None}
    named = [f"set {configuration['set']}"] if configuration["set"] else []
    return ": ".join([*named, *([label("", betas).strip()] if betas else [])]) or "none"


def name(configuration: Mapping[str, Any]) -> str:
    """What tells a configuration from all others of its scheme, in words."""
    return ", ".join(
        [
            configuration["experiment"],
            f"learning rate {configuration['learning_rate']}",
            choice(configuration),
            f"theta0 {configuration['theta0']}",
        ]
    )


def lanes(path: str | Path) -> list[LaneTrace]:
    """The configurations of a trace file, in their order in it."""
    table = read(path)
    values = {name: table.column(name).to_numpy() for name in VALUES.names}
    starts = np.flatnonzero(np.diff(values["k"], prepend=values["k"][0]) <= 0)
    ends = [*starts[1:], table.num_rows]
    reports = _metadata(table)["lanes"]
    if len(reports) != len(starts):
        raise TraceError(f"{path}: {len(starts)} configurations, but metadata for {len(reports)}")
    return [
        LaneTrace(
            {**report, **table.slice(start, 1).select(CONFIGURATION.names).to_pylist()[0]},
            {name: column[start:end] for name, column in values.items()},
        )
        for start, end, report in zip(starts, ends, reports, strict=True)
    ]

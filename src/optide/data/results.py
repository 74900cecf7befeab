"""Parquet files of what an entry of the configuration asks for, beside the traces."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from optide.data import seal
from optide.settings.config import Config

_KEY = b"optide"


def write(path: str | Path, table: pa.Table, settings: Config, lanes: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write a table with the settings it was computed for, sealed, whole or not at all.

    Args:
        lanes: what is known of each lane of it, if it has any.
    """
    metadata = {"configuration": settings, **({"lanes": lanes} if lanes else {})}
    seal.write(path, table.replace_schema_metadata({_KEY: json.dumps(metadata, sort_keys=True)}))


def metadata(table: pa.Table) -> dict[str, Any]:
    """What `write` was given beside the table."""
    described: dict[str, Any] = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    return described


def read(path: str | Path, schema: Callable[[dict[str, Any]], pa.Schema], what: str) -> pa.Table:
    """Read what `write` wrote.

    Args:
        schema: that it must have, given its metadata.
        what: the table is, for the message.

    Raises:
        FileError: it cannot be read, was damaged, or has other columns.
    """
    table = seal.read_or_tell(path)
    seal.demand_columns(path, table, lambda: schema(metadata(table)), what)
    return table

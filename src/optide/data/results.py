"""Parquet files of what an entry of the configuration asks for, beside the traces."""

import json
from pathlib import Path

import pyarrow as pa

from optide.base.errors import FileError
from optide.data import seal
from optide.settings.config import Config


def write(path: str | Path, table: pa.Table, settings: Config) -> None:
    """Write a table with the settings it was computed for, sealed, whole or not at all."""
    metadata = {"optide": json.dumps({"configuration": settings}, sort_keys=True)}
    seal.write(path, table.replace_schema_metadata(metadata))


def read(path: str | Path, schema: pa.Schema, what: str) -> pa.Table:
    """Read what `write` wrote.

    Args:
        schema: that it must have.
        what: the table is, for the message.

    Raises:
        FileError: it cannot be read, was damaged, or has other columns.
    """
    try:
        table = seal.read(path)
    except FileError as error:
        raise FileError(f"{error}; {seal.REMEDY}") from None
    if not table.schema.equals(schema):
        raise FileError(f"{path}: columns are not those of {what} of this version; {seal.REMEDY}")
    return table

"""SHA-256 of values, settings and files; docs/reproducibility.md says who needs which."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from optide.data import columns


def of_table(table: pa.Table) -> str:
    """SHA-256 over the values of a table: column names, types, and little-endian bytes.

    The digest does not depend on how Parquet stores the values, nor on metadata.
    """
    digest = hashlib.sha256()
    for field in table.schema:
        column = table.column(field.name)
        digest.update(f"{field.name}:{field.type};".encode())
        digest.update(np.packbits(columns.present(column)).tobytes())
        if pa.types.is_string(field.type):
            digest.update(json.dumps(column.to_pylist()).encode())
        else:
            values = columns.numbers(column)
            digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def of_setting(value: Any) -> str:
    """SHA-256 of plain data: of its values, whatever their order and layout in a file."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def of_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

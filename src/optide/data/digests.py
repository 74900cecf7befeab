"""SHA-256 of values, settings and files; docs/reproducibility.md says who needs which."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa


def of_table(table: pa.Table) -> str:
    """SHA-256 over the values of a table: column names, types, and little-endian bytes.

    The digest does not depend on how Parquet stores the values, nor on metadata.
    """
    digest = hashlib.sha256()
    for field in table.schema:
        column = table.column(field.name).combine_chunks()
        digest.update(f"{field.name}:{field.type};".encode())
        digest.update(np.packbits(column.is_valid().to_numpy(zero_copy_only=False)).tobytes())
        if pa.types.is_string(field.type):
            digest.update(json.dumps(column.to_pylist()).encode())
        else:
            values = column.fill_null(False if pa.types.is_boolean(field.type) else 0)
            little = values.to_numpy(zero_copy_only=False)
            digest.update(little.astype(little.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def of_setting(value: Any) -> str:
    """SHA-256 of plain data: of its values, whatever their order and layout in a file."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def of_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

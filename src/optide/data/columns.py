"""Columns of Arrow as arrays of NumPy, without pandas: pyarrow imports it for what it converts itself."""

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Num, UInt8


def present(column: pa.ChunkedArray) -> Bool[np.ndarray, " n"]:
    """Where a column has values, and no nulls."""
    whole = column.combine_chunks()
    return _bits(whole, 0).astype(bool) if whole.null_count else np.ones(len(whole), bool)


def numbers(column: pa.ChunkedArray) -> Num[np.ndarray, " n"]:
    """The values of a column of numbers, or of Booleans as 0 and 1; 0 where it has null."""
    whole = column.combine_chunks()
    if pa.types.is_boolean(whole.type):
        values: np.ndarray = _bits(whole, 1)
    else:
        data = [None, whole.buffers()[1]]  # without what says where nulls are
        values = np.from_dlpack(pa.Array.from_buffers(whole.type, len(whole), data, offset=whole.offset))
    return np.where(present(column), values, 0) if whole.null_count else values


def _bits(whole: pa.Array, buffer: int) -> UInt8[np.ndarray, " n"]:
    packed = np.frombuffer(whole.buffers()[buffer], np.uint8)
    return np.unpackbits(packed, count=whole.offset + len(whole), bitorder="little")[whole.offset :]

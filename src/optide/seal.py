"""Parquet files that know the digest of their own bytes, so that one flipped bit is noticed.

Parquet's checksums cover pages, and neither its footer nor the metadata.  Here the metadata hold a
SHA-256 of the whole file, taken with 64 zeros in its own place.
"""

import hashlib
import io
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from optide import _runtime, files
from optide.errors import OptideError

REMEDY = "`snakemake --cores 1 mend` removes damaged and outdated files, `snakemake --cores 4` builds them again"
"""What to do about a file that cannot be read."""
_KEY = b"optide-seal"
_BLANK = b"sealed:" + b"0" * 64
_SEAL = re.compile(rb"sealed:[0-9a-f]{64}")


class SealError(OptideError):
    """A file cannot be read, was damaged, or was not written by `write`."""


def write(path: str | Path, table: pa.Table) -> None:
    """Write a table with its metadata (zstd), whole or not at all.

    Raises:
        PinError: the arithmetic is not that of the workflow, whose bits are compared.
        FileError: it cannot be written.
    """
    _runtime.demand_pinned(str(path))
    buffer = io.BytesIO()
    # without the Arrow schema, which Parquet's own types say as well
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**(table.schema.metadata or {}), _KEY: _BLANK})
    content = buffer.getvalue()
    with files.aside(path) as temporary:
        temporary.write_bytes(content.replace(_BLANK, b"sealed:" + _digest(content)))


def read(path: str | Path) -> pa.Table:
    """Read what `write` wrote, with its metadata.

    Raises:
        SealError: the file cannot be read, was damaged, or has no seal; names it.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SealError(f"{path}: {error.strerror}") from None
    seals = _SEAL.findall(content)
    if len(seals) != 1 or seals[0] != b"sealed:" + _digest(content.replace(seals[0], _BLANK)):
        raise SealError(f"{path}: damaged, or not written by this version of optide")
    # In this thread: a thread of pyarrow's that is still at work when Python ends can abort the process.
    file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
    metadata = {key: value for key, value in file.metadata.metadata.items() if key != _KEY}
    return file.read(use_threads=False).replace_schema_metadata(metadata)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()

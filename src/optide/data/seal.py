"""Files that know the digest of their own bytes, so that one flipped bit is noticed.

Somewhere in its metadata a file holds a SHA-256 of the whole, taken with 64 zeros in its own place.  Parquet's own
checksums cover pages, and neither its footer nor the metadata; those of PNG each cover one chunk, and follow.
"""

import hashlib
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from optide.base import arithmetic as _runtime
from optide.base import files
from optide.base.errors import FileError

REMEDY = "`optide run mend` removes damaged and outdated files, `optide run` builds them again"
"""What to do about a file that cannot be read: as it can be done in a clone and with an installed package."""
BLANK = "sealed:" + "0" * 64
"""What a file that is to be sealed has in one place of its metadata."""
_KEY = b"optide-seal"
_BLANK = BLANK.encode()
_SEAL = re.compile(rb"sealed:[0-9a-f]{64}")
_PNG = b"\x89PNG\r\n\x1a\n"


def close(content: bytes) -> bytes:
    """The bytes of a file, sealed: with their digest in place of `BLANK`."""
    return _with_checksums(content.replace(_BLANK, b"sealed:" + _digest(content)))


def is_whole(content: bytes) -> bool:
    """Whether the bytes of a file are what `close` gave."""
    seals = _SEAL.findall(content)
    return len(seals) == 1 and close(_with_checksums(content.replace(seals[0], _BLANK))) == content


def _with_checksums(content: bytes) -> bytes:
    """A PNG file whose chunks have the checksums of what is in them; anything else as it is."""
    if not content.startswith(_PNG):
        return content
    parts, start = [_PNG], len(_PNG)
    while start < len(content):
        end = start + 8 + int.from_bytes(content[start : start + 4], "big")
        parts += [content[start:end], zlib.crc32(content[start + 4 : end]).to_bytes(4, "big")]
        start = end + 4
    return b"".join(parts)


def write(path: str | Path, table: pa.Table, *, repetitive: bool | list[str] = True) -> None:
    """Write a table with its metadata (zstd), whole or not at all.

    Args:
        path: of the file.
        table: of the file.
        repetitive: the columns whose values come more than once, which saves space in others; all of them if True.

    Raises:
        PinError: the arithmetic is not that of the workflow, whose bits are compared.
        FileError: it cannot be written.
    """
    _runtime.demand_pinned(str(path))
    buffer = io.BytesIO()
    # without the Arrow schema, which Parquet's own types say as well
    form = {"compression": "zstd", "use_dictionary": repetitive, "store_schema": False}
    with pq.ParquetWriter(buffer, table.schema, **form) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**(table.schema.metadata or {}), _KEY: _BLANK})
    with files.aside(path) as temporary:
        temporary.write_bytes(close(buffer.getvalue()))


def read(path: str | Path) -> pa.Table:
    """Read what `write` wrote, with its metadata.

    Raises:
        FileError: the file cannot be read, was damaged, or has no seal; names it.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    if not is_whole(content):
        raise FileError(f"{path}: damaged, or not written by this version of optide")
    # In this thread: a thread of pyarrow's that is still at work when Python ends can abort the process.
    file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
    metadata = {key: value for key, value in file.metadata.metadata.items() if key != _KEY}
    return file.read(use_threads=False).replace_schema_metadata(metadata)


def read_or_tell(path: str | Path) -> pa.Table:
    """The same, with what to do about a file that cannot be read.

    Raises:
        FileError: likewise; says how to mend it.
    """
    try:
        return read(path)
    except FileError as error:
        raise FileError(f"{error}; {REMEDY}") from None


def demand_columns(path: str | Path, table: pa.Table, schema: Callable[[], pa.Schema], what: str) -> None:
    """Make sure that a table that was read has its columns.

    Args:
        path: of its file, for the message.
        table: as read.
        schema: gives those that it must have, from what its metadata say; fails where these do not say it.
        what: the table is, for the message.

    Raises:
        FileError: it has others; says how to mend it.
    """
    try:
        fits = table.schema.equals(schema())
    except (KeyError, IndexError, TypeError):
        fits = False
    if not fits:
        raise FileError(f"{path}: columns are not those of {what} of this version; {REMEDY}")


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()

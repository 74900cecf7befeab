"""Whole files or none: write aside, then rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optide.base.errors import FileError

PARTIAL = ".part"
"""Suffix of a file that is being written, or that a killed job left behind."""


def named(path: str | Path, root: str | Path) -> str:
    """The name of a file from a folder that it lies in, with slashes: the same wherever that folder is."""
    return Path(path).relative_to(root).as_posix()


@contextmanager
def aside(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it at the end unless an exception is raised.

    Raises:
        FileError: the disk is full, the folder read-only, and the like.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)

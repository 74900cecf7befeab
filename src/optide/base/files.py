"""Whole files or none: write aside, then rename."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
        with suppress(OSError):  # where there is no such folder, it tells less than what failed before
            temporary.unlink(missing_ok=True)


def create(contents: Mapping[Path, bytes]) -> None:
    """Write new files and the folders that they need: all of them, or nothing stays.

    Raises:
        FileError: one cannot be written.
    """
    made: list[Path] = []
    try:
        for path, content in contents.items():
            for folder in reversed([folder for folder in path.parents if not folder.exists()]):
                _make(folder, path)
                made.append(folder)
            with aside(path) as temporary:
                temporary.write_bytes(content)
            made.append(path)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # a folder in which somebody else has put something stays
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def _make(folder: Path, path: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None

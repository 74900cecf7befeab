"""Whole files or none: write aside, then rename."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from optide.base.errors import FileError

PARTIAL = ".part"
"""Suffix of a file that is being written, or that a killed job left behind."""


def named(path: str | Path, root: str | Path) -> str:
    """The name of a file from a folder that it lies in, with slashes: the same wherever that folder is."""
    return Path(path).relative_to(root).as_posix()


def target(path: str | Path) -> Path:
    """The file that would be written: where `path` is a link, what it leads to.

    Raises:
        FileError: something else is there, as a folder, a device or a pipe, or no file can have this name.
    """
    found = Path(os.path.realpath(path))
    try:
        mode = found.lstat().st_mode
    except FileNotFoundError:
        return found
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        reason = os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "Not a regular file"
        raise FileError(f"{path}: cannot be written: {reason}")
    return found


@contextmanager
def aside(path: str | Path) -> Iterator[Path]:
    """A temporary name beside the `target` of a path, renamed to it at the end unless an exception is raised.

    Raises:
        FileError: the disk is full, the folder read-only, and the like.
    """
    file = target(path)
    # one that no other writer has; short, as the file's may be as long as a name can be
    temporary = file.with_name(f".{uuid4().hex}{PARTIAL}")
    try:
        yield temporary
        temporary.replace(file)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # where there is no such folder, it tells less than what failed before
            temporary.unlink(missing_ok=True)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write files, and the folders that they need: all of them, or nothing is changed.

    Raises:
        FileError: one cannot be written, or two are one file, as by a link, or one lies in another.
    """
    paths: dict[Path, Path] = {}
    for path in contents:
        if (first := paths.setdefault(target(path), path)) is not path:
            raise FileError(f"{path}: cannot be written: it is the file of {first}, too")
    for path in contents:
        if folder := next(filter(contents.__contains__, path.parents), None):
            raise FileError(f"{path}: cannot be written: {folder} is a file")
    made: list[Path] = []
    try:
        with ExitStack() as written:  # at its end all get their names
            for path, content in contents.items():
                for folder in reversed([folder for folder in path.parents if not folder.exists()]):
                    _make(folder, path)
                    made.append(folder)
                written.enter_context(aside(path)).write_bytes(content)
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):  # a folder in which somebody else has put something stays
                folder.rmdir()
        raise


def _make(folder: Path, path: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        reason = f"{folder} is a link that leads nowhere" if folder.is_symlink() else error.strerror
        raise FileError(f"{path}: cannot be written: {reason}") from None

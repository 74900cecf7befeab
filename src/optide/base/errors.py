"""Errors that a user can act on: one line each, naming what, where and what is allowed."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from optide.base.words import shown

_PREFIX, _WARNING = "optide: error:", "optide: warning:"
INTERRUPTED = 130
"""Exit code of what Ctrl-C ended."""


class OptideError(Exception):
    """Base of every error that optide raises on purpose."""


class ParameterError(OptideError, ValueError):
    """A parameter is outside its range."""

    def __init__(self, name: str, value: object, allowed: str):
        super().__init__(f"{name} = {shown(value)} is not allowed: {name} must be {allowed}")
        self.name, self.value, self.allowed = name, value, allowed


class ConfigError(OptideError):
    """What a user writes (configuration, claims, plug-ins) is wrong; names key or line, and what is allowed."""


class FileError(OptideError):
    """A file is missing, damaged, outdated, of another version, or cannot be written; names it, and what to do."""


class NonFiniteError(OptideError, FloatingPointError):
    """A trajectory left the finite numbers."""


class UnderflowError(OptideError, FloatingPointError):
    """A second moment fell below the smallest normal number where an update divides by its root."""


class PinError(OptideError, RuntimeError):
    """The arithmetic of this process is not, or can no longer be, that of the workflow."""


class TracedError(OptideError, TypeError):
    """JAX traces a call that cannot be traced, or not without float64."""


class ObjectiveError(OptideError, TypeError):
    """An objective does not map theta to one float64."""


class ConvergenceError(OptideError, ArithmeticError):
    """A solver that must converge did not."""


def _line(prefix: str, error: object) -> str:
    """One line whatever is in it: the name of a file may hold line breaks, and what steers a terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: repr(found[0])[1:-1], f"{prefix} {error}")


def tell(error: Exception) -> str:
    """Print an error as one line on stderr; that line."""
    line = _line(_PREFIX, error)
    print(line, file=sys.stderr)
    return line


def stop(error: object) -> NoReturn:
    """End a process that only plans the workflow, with one line on stderr, as `tell` prints it."""
    sys.exit(_line(_PREFIX, error))


def say(text: str) -> None:
    """Print on stdout, at once.

    Raises:
        FileError: it cannot be written, as where its disk is full.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:  # whoever read it has seen enough
        raise
    except OSError as error:
        raise FileError(f"standard output: cannot be written: {error.strerror}") from None


def warn(error: Exception) -> None:
    """Print as one line on stderr what is wrong, and is not needed."""
    print(_line(_WARNING, error), file=sys.stderr)


@contextmanager
def one_line(log: str | Path) -> Iterator[None]:
    """End the process with one line, in the log and on stderr, where optide or the file system fails.

    One that is interrupted ends without a word: Snakemake says that it was, once for all jobs.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except (OptideError, OSError) as error:
        line = tell(error)
        with suppress(OSError):  # a full disk has no room for the log either
            Path(log).write_text(line + "\n", encoding="utf-8")
        raise SystemExit(1) from None


def failures(logs: Path) -> list[str]:
    """The errors in a folder of logs, one line each; a job that succeeds overwrites its log."""
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in sorted(logs.rglob("*.log"))}
    return [f"{path}: {text.strip()}" for path, text in texts.items() if text.startswith(_PREFIX)]

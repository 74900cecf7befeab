"""The command `optide`: its parts, and its errors, which are one line each (docs/command.md)."""

import io
import sys
from collections.abc import Sequence

import click

from optide.base.errors import INTERRUPTED, ConfigError, ObjectiveError, OptideError, ParameterError, tell
from optide.command import completion  # noqa: F401  (its classes are registered)
from optide.command.listing import listing
from optide.command.solve import compare, solve
from optide.command.workflow import check, init, run

FAILED, MISUSED = 1, 2
"""Exit codes: of work that failed, and of a command, configuration or plug-in that is wrong."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="optide", message="%(version)s")
def optide() -> None:
    """AdaGrad, RMSProp and Adam, and the integro-differential equations that they follow."""


for command in (solve, compare, listing, run, init, check):
    optide.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those of the process, if not given.

    Returns:
        The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a plug-in says of itself may be in any script
    try:
        code: int | None = optide.main(arguments, prog_name="optide", standalone_mode=False)
        return code or 0
    except Exception as error:
        if _interrupted(error):
            return INTERRUPTED
        return _failed(error)


def _interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C is behind an error: a compiled module makes an ImportError of it while it is imported."""
    cause = error.__cause__ or error.__context__
    return isinstance(error, click.Abort | KeyboardInterrupt) or (cause is not None and _interrupted(cause))


def _failed(error: Exception) -> int:
    """Tell an error that somebody foresaw; the exit code."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            error.show()
        case click.ClickException():
            tell(_with_hint(error))
        case ParameterError() | ConfigError() | ObjectiveError():
            tell(error)
        case OptideError() | OSError():
            tell(error)
            return FAILED
        case _:
            raise error
    return MISUSED


def _with_hint(error: click.ClickException) -> Exception:
    """What click says, in one line, with where to read on."""
    text = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    return click.ClickException(f"{text} (`{context.command_path if context else 'optide'} --help`)")


if __name__ == "__main__":
    sys.exit(main())

"""What the values of options and arguments may be: names, numbers, and files to be written."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from optide.base import files
from optide.base.errors import FileError
from optide.base.words import nearest


class Name(click.ParamType[str]):
    """A name among those that there are when it is asked for: plug-ins add to them."""

    def __init__(self, kind: str, names: Callable[[], Iterable[str]]):
        self.name, self.names = kind, names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(self.names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in (names := [*self.names()]):
            self.fail(f"{value!r} is not one of {', '.join(map(repr, names))}{nearest(value, names)}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]


class Numbers(click.ParamType[float | list[float]]):
    """A number, or several with commas between them."""

    name = "number[,number...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | list[float]:
        try:
            first, *others = map(float, str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is neither a number nor several with commas between them.", param, ctx)
        return [first, *others] if others else first


class NumberOr(click.ParamType[float | str]):
    """A number, or a name that the library knows."""

    name = "name|number"

    def __init__(self, *names: str):
        self.names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        with suppress(ValueError):
            return float(value)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.names if name.startswith(incomplete)]


class Written(click.Path):
    """A file that will be written: refused before anything is solved, where it could not be."""

    def __init__(self, *suffixes: str):
        super().__init__(dir_okay=False, writable=True)
        self._suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        if path.suffix not in self._suffixes:
            self.fail(f"{path}: must end in {' or '.join(self._suffixes)}.", param, ctx)
        try:
            folder = files.target(path).parent
        except FileError as error:
            self.fail(f"{error}.", param, ctx)
        if not folder.is_dir():
            self.fail(f"{path}: there is no folder {folder}.", param, ctx)
        if not os.access(folder, os.W_OK):
            self.fail(f"{path}: nothing can be written to the folder {folder}.", param, ctx)
        return path


def demand_files_of_their_own(ctx: click.Context) -> None:
    """Make sure that no two options of a command name one file to be written, as by a link.

    Raises:
        UsageError: two do.
    """
    options: dict[Path, str] = {}
    for param in ctx.command.params:
        if isinstance(param.type, Written) and (path := ctx.params.get(param.name or "")):
            first = options.setdefault(files.target(path), param.opts[0])
            if first != param.opts[0]:
                raise click.UsageError(f"{param.opts[0]} {path}: is the file of {first}, too.", ctx)


class Cores(click.ParamType[str]):
    """What Snakemake takes for a number of jobs."""

    name = "number|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value != "all" and not (str(value).isdecimal() and int(value) > 0):
            self.fail(f"{value!r} is neither 'all' nor an integer >= 1.", param, ctx)
        return str(value)

"""A part of a page of docs/ that is written from results, between two markers; or compared with them."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from optide.base import files
from optide.base.errors import FileError, OptideError, tell


class Block(NamedTuple):
    """A part of a page.

    Attributes:
        command: the module whose command writes it.
        page: that has it.
        table: the result that it is written from.
        name: of what is in it, for messages and the markers.
        renew: the command that writes it.
        text: it, from the rows of the result.
        target: what `snakemake` is given to write the result.
    """

    command: str
    page: Path
    table: Path
    name: str
    renew: str
    text: Callable[[pd.DataFrame], str]
    target: str

    @property
    def begin(self) -> str:
        """The line before it."""
        return f"<!-- {self.name}, written by `{self.renew}` -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- end of {self.name} -->"

    def read(self, table: Path) -> str:
        """This part, as it belongs to a result.

        Raises:
            FileError: that cannot be read, or is another table.
        """
        try:
            return self.text(pd.read_csv(table))
        except OSError as error:
            reason = str(error.strerror)
        except KeyError as error:
            reason = f"no column {error}"
        except ValueError as error:  # no table at all, or not in UTF-8
            reason = " ".join(str(error).split())
        raise FileError(f"{table}: {reason}; `snakemake --cores 4 {self.target}` writes it")

    def replaced(self, page: str, path: Path, table: Path) -> str:
        """A page with this part as the result has it.

        Raises:
            FileError: the page has no markers.
        """
        text = self.read(table)
        inside = re.compile(f"(?<={re.escape(self.begin)}\n).*?(?={re.escape(self.end)})", re.DOTALL)
        if not inside.search(page):
            raise FileError(f"{path}: has no lines {self.begin!r} and {self.end!r}")
        return inside.sub(lambda _: text, page)

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Write or check it.

        Returns:
            0, or 1 after an error of one line.
        """
        parser = argparse.ArgumentParser(
            prog=f"python -m {self.command}", description=f"The {self.name} in {self.page}."
        )
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something else is there")
        parser.add_argument("--page", type=Path, default=self.page)
        parser.add_argument("--table", type=Path, default=self.table)
        options = parser.parse_args(arguments)
        try:
            text = options.page.read_text(encoding="utf-8")
            new = self.replaced(text, options.page, options.table)
            if options.check and new != text:
                raise FileError(f"{options.page}: its {self.name} are not those of {options.table}; run `{self.renew}`")
            if not options.check:
                with files.aside(options.page) as temporary:
                    temporary.write_text(new, encoding="utf-8")
        except (OptideError, OSError) as error:
            tell(error)
            return 1
        return 0


def exit_with(block: Block) -> None:
    """End the process as the command of a part does."""
    sys.exit(block.main())

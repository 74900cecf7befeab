"""The claims in brief, in docs/verdicts.md: written between two markers from figures/claims.csv, or compared with it.

python -m optide.show.verdicts           # write
python -m optide.show.verdicts --check   # exit code 1 if another table is there
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from optide.base import files
from optide.base.errors import FileError, OptideError, tell
from optide.claims.judge import FAILS, HOLDS, UNDECIDED
from optide.claims.selection import MODELS
from optide.show.claims import shared

BEGIN, END = "<!-- claims, written by `make verdicts` -->", "<!-- end of claims -->"
_BLOCK = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)
OURS = "this project"
"""The source of claims that are not the paper's."""
_SIGNS = {HOLDS: "holds", FAILS: "**fails**", UNDECIDED: "undecided"}


def brief(rows: pd.DataFrame) -> str:
    """The table: one line per claim, a verdict per model.

    Args:
        rows: of figures/claims.csv.
    """
    told = rows.groupby(["source", "statement", "claim", "model"], sort=False)["verdict"].agg(_cell)
    by_model = told.unstack("model", fill_value="–", sort=False)
    table = by_model.reindex(columns=[*MODELS], fill_value="–").reset_index()
    lines = [["source", "claim", *MODELS], ["---"] * 5, *table[["source", "statement", *MODELS]].to_numpy().tolist()]
    of_paper = table[table["source"] != OURS]
    counts = [
        f"{sum(of_paper[model] == _SIGNS[HOLDS])} of {sum(of_paper[model] != '–')} for {model}" for model in MODELS
    ]
    # without padding, so that another verdict changes one line
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n{text}\n\nOf the paper's statements hold: {', '.join(counts)}.\n\n"


def _cell(verdicts: pd.Series) -> str:
    """As in `judge.verdicts`: one failure decides, then what is undecided."""
    verdict = next(v for v in (FAILS, UNDECIDED, HOLDS) if (verdicts == v).any())
    return " ".join(filter(None, [_SIGNS[verdict], shared(verdict, sum(verdicts == verdict), len(verdicts))]))


def read(path: Path) -> str:
    """The table that belongs to the verdicts in a file.

    Raises:
        FileError: it cannot be read.
    """
    try:
        return brief(pd.read_csv(path, dtype=str))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; `snakemake --cores 4 claims` writes it") from None
    except KeyError as error:
        raise FileError(f"{path}: no column {error}; `snakemake --cores 4 claims` writes it") from None


def replaced(text: str, table: str, path: Path) -> str:
    """A page with the table between its markers.

    Raises:
        FileError: it has no markers.
    """
    if not _BLOCK.search(text):
        raise FileError(f"{path}: has no lines {BEGIN!r} and {END!r}")
    return _BLOCK.sub(lambda _: table, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the table.

    Returns:
        0, or 1 after an error of one line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m optide.show.verdicts", description="The claims in docs/verdicts.md."
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the table is another")
    parser.add_argument("--page", type=Path, default=Path("docs/verdicts.md"))
    parser.add_argument("--claims", type=Path, default=Path("figures/claims.csv"))
    options = parser.parse_args(arguments)
    try:
        text = options.page.read_text(encoding="utf-8")
        new = replaced(text, read(options.claims), options.page)
        if options.check and new != text:
            raise FileError(f"{options.page}: its verdicts are not those of {options.claims}; run `make verdicts`")
        if not options.check:
            with files.aside(options.page) as temporary:
                temporary.write_text(new, encoding="utf-8")
    except (OptideError, OSError) as error:
        tell(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

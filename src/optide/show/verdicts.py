"""The claims in brief, in docs/verdicts.md: written between two markers from figures/claims.csv, or compared with it.

python -m optide.show.verdicts           # write
python -m optide.show.verdicts --check   # exit code 1 if another table is there
"""

from pathlib import Path

import pandas as pd

from optide.claims.criteria import FAILS, HOLDS, UNDECIDED
from optide.claims.selection import MODELS
from optide.show.block import Block, exit_with
from optide.show.claims import shared

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


BLOCK = Block(
    "optide.show.verdicts",
    Path("docs/verdicts.md"),
    Path("figures/claims.csv"),
    "claims",
    "make verdicts",
    brief,
    "claims",
)

if __name__ == "__main__":
    exit_with(BLOCK)

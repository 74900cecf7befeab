"""The claims about the atlas in docs/atlas.md: written between two markers from figures/atlas/claims.csv.

python -m optide.show.shares_page           # write
python -m optide.show.shares_page --check   # exit code 1 if another table is there
"""

from pathlib import Path

import pandas as pd

from optide.show import shares
from optide.show.block import Block, exit_with


def table(counts: pd.DataFrame) -> str:
    """The table.

    Args:
        counts: of figures/atlas/claims.csv.
    """
    cells = shares.cells(counts)
    # without padding, so that another share changes one line
    lines = [[*cells], ["---"] * len(cells.columns), *cells.to_numpy().tolist()]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


BLOCK = Block(
    "optide.show.shares_page",
    Path("docs/atlas.md"),
    Path("figures/atlas/claims.csv"),
    "claims",
    "make atlas",
    table,
    "atlas",
)

if __name__ == "__main__":
    exit_with(BLOCK)

"""The claims about the atlas in docs/atlas.md: written between two markers from figures/atlas/claims.csv.

python -m optide.show.shares_page           # write
python -m optide.show.shares_page --check   # exit code 1 if another table is there
"""

from pathlib import Path

import pandas as pd

from optide.base.errors import FileError
from optide.show import shares
from optide.show.block import Block, exit_with


def read(path: Path) -> str:
    """The table that belongs to the counts in a file.

    Raises:
        FileError: it cannot be read.
    """
    try:
        cells = shares.cells(pd.read_csv(path))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; `snakemake --cores 4 atlas` writes it") from None
    except KeyError as error:
        raise FileError(f"{path}: no column {error}; `snakemake --cores 4 atlas` writes it") from None
    # without padding, so that another share changes one line
    lines = [[*cells], ["---"] * len(cells.columns), *cells.to_numpy().tolist()]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


BLOCK = Block(
    "optide.show.shares_page", Path("docs/atlas.md"), Path("figures/atlas/claims.csv"), "claims", "make atlas", read
)

if __name__ == "__main__":
    exit_with(BLOCK)

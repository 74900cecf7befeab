"""The numbers of the maps in docs/atlas.md: written between two markers from figures/atlas/maps.csv, or compared.

python -m optide.show.atlas_page           # write
python -m optide.show.atlas_page --check   # exit code 1 if other numbers are there
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from optide.problem.registry import written
from optide.settings.config import number
from optide.settings.planes import BASINS, BEHAVIOUR, GAP
from optide.show import atlas_axes
from optide.show.block import Block, exit_with
from optide.studies.atlas import DISCRETE, EQUATION, NO_LOOKAHEAD
from optide.studies.atlas_measures import BEHAVIOURS
from optide.studies.atlas_seen import WITHIN

Cell = Callable[[pd.Series], str]


def numbers(seen: pd.DataFrame) -> str:
    """All of them.

    Args:
        seen: of `optide.studies.atlas_seen.table`.
    """
    of = {GAP: _gaps, BEHAVIOUR: _behaviours, BASINS: _basins}
    seen = seen.fillna({"at": ""})
    parts = [_solved(seen)]
    for figure, columns in of.items():
        chosen = seen[seen["figure"] == figure]
        if len(chosen):
            parts += ["", *_table(chosen, figure, columns())]
    return "\n" + "\n".join(parts) + "\n\n"


def _solved(seen: pd.DataFrame) -> str:
    lost = int((seen["points"] - seen["solved"]).sum())
    return (
        f"{len(seen)} planes with {int(seen['points'].sum()):,} points; at {lost} of them the equation with look-ahead "
        "was not solved, and they are left out."
    )


def _gaps() -> dict[str, Cell]:
    return {
        f"gap of at most {WITHIN}": _share(f"{EQUATION}_within"),
        "without look-ahead": _share(f"{NO_LOOKAHEAD}_within"),
        "in the whole plane up to α": _rate(f"{EQUATION}_follows_to"),
        "without": _rate(f"{NO_LOOKAHEAD}_follows_to"),
        "nearer with look-ahead": _share("nearer_with_lookahead"),
        "gaps of the paper's points": _span(f"{EQUATION}_paper"),
        "those without": _span(f"{NO_LOOKAHEAD}_paper"),
    }


def _behaviours() -> dict[str, Cell]:
    def both(name: str) -> Cell:
        one, other = (_share(f"{model}_{name.replace(' ', '_')}") for model in (DISCRETE, EQUATION))
        return lambda row: f"{one(row)}, {other(row)}"

    return {**{name: both(name) for name in BEHAVIOURS}, "both alike": _share("alike")}


def _basins() -> dict[str, Cell]:
    return {
        "algorithm leaves the nearest well": _share(f"{DISCRETE}_leaves"),
        "equation does": _share(f"{EQUATION}_leaves"),
        "different wells": _share("different"),
        "the same up to α": _rate("same_to"),
    }


def _share(name: str) -> Cell:
    return lambda row: "–" if pd.isna(row[name]) else f"{100 * row[name]:.1f} %"


def _rate(name: str) -> Cell:
    return lambda row: "–" if pd.isna(row[name]) else f"{row[name]:.2g}"


def _span(name: str) -> Cell:
    least, most = f"{name}_least", f"{name}_most"
    return lambda row: "–" if pd.isna(row[least]) else f"{row[least]:.1e} to {row[most]:.1e}"


def _plane(row: pd.Series) -> str:
    optimizer = row["optimizer"]
    held = [pair.split("=") for pair in row["at"].split()]
    told = [f"{atlas_axes.short(name, optimizer)} = {number(float(value))}" for name, value in held]
    return ", ".join([f"{written(optimizer)}, {written(row['objective'])}", *told])


def _table(rows: pd.DataFrame, figure: str, columns: dict[str, Cell]) -> Iterable[str]:
    cells: list[Sequence[str]] = [[f"`{figure}`", *columns], ["---"] * (1 + len(columns))]
    cells += [[_plane(row), *(cell(row) for cell in columns.values())] for _, row in rows.iterrows()]
    # without padding, so that another number changes one line
    return [f"| {' | '.join(line)} |" for line in cells]


BLOCK = Block(
    "optide.show.atlas_page",
    Path("docs/atlas.md"),
    Path("figures/atlas/maps.csv"),
    "maps",
    "make atlas",
    numbers,
    "atlas",
)

if __name__ == "__main__":
    exit_with(BLOCK)

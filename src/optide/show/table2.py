"""Table 2 on the page: all columns as CSV, the main ones as Markdown, HTML and LaTeX."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from optide.data import provenance
from optide.settings.config import Config
from optide.show import tables
from optide.show.tables import Column, Row


def write(table: pd.DataFrame, path: str | Path, record: provenance.Record, settings: Config) -> None:
    """Write all columns as .csv, or the main ones as .md, .html or .tex (booktabs), with their provenance.

    That of the CSV file is written for the path `NAME.csv-metadata.json`.  Whole or not at all.
    """
    columns = [*tables.configuration(table), *_COLUMNS]
    tables.write(path, record, table, tables.pages(table, "Table 2", columns, _NOTE.format(**settings)))


def _published(row: Row) -> str:
    return f"{row['published_gap']:.3g}{'' if row['published_converged'] else '*'}"


def _shown(name: str) -> Callable[[Row], Any]:
    def cell(row: Row) -> Any:
        return row[f"{name}_status"] or row[f"{name}_gap"]

    return cell


_COLUMNS = (
    Column("published", "published", _published),
    Column("converged", "converged", "converged_gap"),
    Column("aligned", "aligned", "aligned_gap"),
    Column("no look-ahead", "no look-ahead", "without_lookahead_gap"),
    Column("h → 0", r"$h \to 0$", _shown("limit")),
    Column("± error", r"$\pm$ error", "limit_error"),
    Column("order", "order", "limit_order"),
    Column("no look-ahead, h → 0", r"no look-ahead, $h \to 0$", _shown("no_lookahead")),
    Column("± error", r"$\pm$ error", "no_lookahead_error"),
    Column("order", "order", "no_lookahead_order"),
)
_NOTE = (
    "Each number is the largest distance between theta_k of the discrete algorithm and theta(t_k) of the equation: as "
    "published; converged, from the same start of the time grid; from a start aligned with the algorithm, with the "
    "equation as it is and without look-ahead; and in the limit of small time steps, likewise. From converged to "
    "aligned is the start, from aligned to h -> 0 the time step, and what is left there belongs to the equation. "
    "Limits are Richardson's; their error is estimated from above, and the order observed is to be {order}. "
    "* The published iteration did not converge."
)

"""Table 2 on the page: all columns as CSV, the main ones as Markdown, HTML and LaTeX."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from optide.data import provenance
from optide.settings.config import Config
from optide.show import tables
from optide.studies.decomposition import Row, columns


def write(table: Sequence[Row], path: str | Path, record: provenance.Record, settings: Config) -> None:
    """Write all columns as .csv, or the main ones as .md, .html or .tex (booktabs), with their provenance.

    That of the CSV file is written for the path `NAME.csv-metadata.json`.  Whole or not at all.
    """
    layout = tables.Layout(_MAIN, "lrlr" + "r" * (len(_MAIN) - 4), _NOTE.format(**settings))
    tables.write(path, record, columns(settings), table, tables.pages(table, path, layout))


def _published(row: Row) -> str:
    return f"{row['published_gap']:.3g}{'' if row['published_converged'] else '*'}"


def _shown(name: str) -> Callable[[Row], Any]:
    def cell(row: Row) -> Any:
        return row[f"{name}_status"] or row[f"{name}_gap"]

    return cell


_MAIN = (
    ("experiment", "experiment", tables.configuration),
    ("α", r"$\alpha$", tables.exactly("learning_rate")),
    ("β", r"$\beta$", tables.betas),
    ("θ₀", r"$\theta_0$", tables.exactly("theta0")),
    ("published", "published", _published),
    ("converged", "converged", "converged_gap"),
    ("aligned", "aligned", "aligned_gap"),
    ("no look-ahead", "no look-ahead", "without_lookahead_gap"),
    ("h → 0", r"$h \to 0$", _shown("limit")),
    ("± error", r"$\pm$ error", "limit_error"),
    ("order", "order", "limit_order"),
    ("no look-ahead, h → 0", r"no look-ahead, $h \to 0$", _shown("no_lookahead")),
    ("± error", r"$\pm$ error", "no_lookahead_error"),
    ("order", "order", "no_lookahead_order"),
)
_NOTE = (
    "Each number is the largest distance between theta_k of the discrete algorithm and theta(t_k) of the equation: as "
    "published; converged, from the same start of the time grid; from a start aligned with the algorithm, with the "
    "equation as it is and without look-ahead; and in the limit of small time steps, likewise. From converged to "
    "aligned is the start, from aligned to h -> 0 the time step, and what is left there belongs to the equation. "
    "Limits are Richardson's; their error is estimated from above, and the order observed is to be {order}. "
    "* The published iteration did not converge."
)

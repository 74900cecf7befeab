"""Table 1 on the page: all columns as CSV, the main ones as Markdown, HTML and LaTeX."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from optide.data import provenance
from optide.show import tables
from optide.studies.comparison import COLUMNS, Row


def write(table: Sequence[Row], path: str | Path, record: provenance.Record) -> None:
    """Write all columns as .csv, or the main ones as .md, .html or .tex (booktabs), with their provenance.

    That of the CSV file is written for the path `NAME.csv-metadata.json`.  Whole or not at all.
    """
    tables.write(path, record, COLUMNS, table, tables.pages(table, path, _LAYOUT))


def _second_moment(row: Row) -> float:
    return row["converged_v_gap_max"] if row["converged_G_gap_max"] is None else row["converged_G_gap_max"]


def _published_iterations(row: Row) -> str:
    return f"{row['published_iterations']}{'' if row['published_converged'] else '*'}"


# heading in Markdown, heading in LaTeX, cell: a column of the row, or a function of it
_MAIN: tuple[tuple[str, str, str | Callable[[Row], Any]], ...] = (
    ("experiment", "experiment", tables.configuration),
    ("α", r"$\alpha$", tables.exactly("learning_rate")),
    ("β", r"$\beta$", tables.betas),
    ("θ₀", r"$\theta_0$", tables.exactly("theta0")),
    ("max Δθ published", r"$\max|\Delta\theta|$ publ.", "published_theta_gap_max"),
    ("max Δθ", r"$\max|\Delta\theta|$", "converged_theta_gap_max"),
    ("rms Δθ", r"rms $\Delta\theta$", "converged_theta_gap_rms"),
    ("max Δ(G or v)", r"$\max|\Delta G|, |\Delta v|$", _second_moment),
    ("final Δloss", r"$|\Delta f|$", "converged_loss_gap_final"),
    ("rate discrete", "rate", "discrete_decay_rate"),
    ("rate equation", "rate, eq.", "converged_decay_rate"),
    ("memory", "memory", "memory_v"),
    ("minimum", "min.", "converged_minimum"),
    ("iterations published", "it. publ.", _published_iterations),
    ("iterations", "it.", "converged_iterations"),
    ("residual published", "res. publ.", "published_residual"),
    ("residual", "res.", "converged_residual"),
)
_NOTE = (
    "Gaps are between the discrete algorithm and the equation: as the published scheme solves it, where so marked, "
    "and converged otherwise. Rates are per step; memory is 1/(1-beta) steps. "
    "* The published iteration did not converge."
)
_LAYOUT = tables.Layout(_MAIN, "lrlr" + "r" * (len(_MAIN) - 4), _NOTE)

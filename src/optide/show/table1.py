"""Table 1 on the page: all columns as CSV, the main ones as Markdown, HTML and LaTeX."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from optide.data import frames, provenance
from optide.show import tables
from optide.show.tables import Column, Row


def write(table: pd.DataFrame, path: str | Path, record: provenance.Record) -> None:
    """Write all columns as .csv, or the main ones as .md, .html or .tex (booktabs), with their provenance.

    That of the CSV file is written for the path `NAME.csv-metadata.json`.  Whole or not at all.
    """
    tables.write(path, record, table, tables.pages(table, "Table 1", _columns(table), _NOTE))


def _columns(table: pd.DataFrame) -> list[Column]:
    moment, tex = tables.either(sorted({_last_state(optimizer) for optimizer in table["optimizer"]}))
    return [
        *tables.configuration(table),
        Column("max Δθ published", r"$\max|\Delta\theta|$ publ.", "published_theta_gap_max"),
        Column("max Δθ", r"$\max|\Delta\theta|$", "converged_theta_gap_max"),
        Column("rms Δθ", r"rms $\Delta\theta$", "converged_theta_gap_rms"),
        Column(f"max Δ{moment}", rf"$\max{tex}$", _of_last_state("converged_{}_gap_max")),
        Column("final Δloss", r"$|\Delta f|$", "converged_loss_gap_final"),
        Column("rate discrete", "rate", "discrete_decay_rate"),
        Column("rate equation", "rate, eq.", "converged_decay_rate"),
        Column("memory", "memory", _of_last_state("memory_{}")),
        Column("minimum", "min.", "converged_minimum"),
        Column("iterations published", "it. publ.", _published_iterations),
        Column("iterations", "it.", "converged_iterations"),
        Column("residual published", "res. publ.", "published_residual"),
        Column("residual", "res.", "converged_residual"),
    ]


def _last_state(optimizer: str) -> str:
    """Of a first and a second moment the second."""
    return frames.states(optimizer)[-1]


def _of_last_state(name: str) -> Callable[[Row], Any]:
    def cell(row: Row) -> Any:
        return row.get(name.format(_last_state(row["optimizer"])))

    return cell


def _published_iterations(row: Row) -> str:
    return f"{row['published_iterations']}{'' if row['published_converged'] else '*'}"


_NOTE = (
    "Gaps are between the discrete algorithm and the equation: as the published scheme solves it, where so marked, "
    "and converged otherwise. Rates are per step; memory is 1/(1-beta) steps. "
    "* The published iteration did not converge."
)

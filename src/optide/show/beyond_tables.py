"""The tables beyond the paper's problems, on the page: gaps and costs of each run, and orders in the learning rate."""

from pathlib import Path

import pandas as pd

from optide.data import provenance
from optide.problem.registry import written
from optide.settings.config import number
from optide.show import tables
from optide.show.tables import Column, Row


def write(found: pd.DataFrame, orders: pd.DataFrame, path: str | Path, record: provenance.Record) -> None:
    """Write one file of the table "costs" or "orders", as `optide.show.tables.write`.

    Args:
        found: of `optide.studies.beyond_orders.costs`.
        orders: likewise `orders`.
        path: its name and its suffix decide.
        record: what the tables were made from.
    """
    table, title, columns, note = {
        "costs": (found, "Costs", _COSTS, _COSTS_NOTE),
        "orders": (orders, "Orders", _ORDERS, _ORDERS_NOTE),
    }[Path(path).name.partition(".")[0]]
    tables.write(path, record, table, tables.pages(table, title, columns, note))


def _written(name: str) -> Column:
    return Column(name, name, lambda row: written(row[name]), "l")


def _order(name: str, text: str) -> Column:
    return Column(text, text, lambda row: "" if pd.isna(row[name]) else f"{row[name]:.2f}")


def _gradients(row: Row) -> str:
    return f"{row['gradients_per_step']:.1f}{'' if row['converged'] else '*'}"


_COSTS = (
    _written("problem"),
    Column("parameters", "parameters", "parameters"),
    _written("optimizer"),
    Column("α", r"$\alpha$", lambda row: number(row["learning_rate"])),
    Column("look-ahead", "look-ahead", "lookahead"),
    Column("steps", "steps", "steps"),
    Column("largest gap", "largest gap", "gap"),
    Column("step halved", "step halved", "halved"),
    Column("gradients, discrete", "gradients, discrete", "discrete_gradients"),
    Column("equation", "equation", "equation_gradients"),
    Column("a step, or ratio", "a step, or ratio", _gradients),
    Column("a grid point", "a grid point", lambda row: f"{row['gradients_per_step'] / row['substeps']:.1f}"),
    Column("iterations", "iterations", "iterations"),
    Column("residual", "residual", "residual"),
)
_COSTS_NOTE = (
    "The largest gap is the largest difference between theta_k of the discrete algorithm and theta(t_k) of the "
    "equation, over all parameters and the times that all learning rates have in common; step halved is how much the "
    "solution moves at most if its time step is halved, tried at the largest learning rate. The algorithm computes one "
    "gradient a step, so that gradients a step of the solution are also the ratio of both. * The solution did not "
    "converge."
)
_ORDERS = (
    _written("problem"),
    _written("optimizer"),
    Column("look-ahead", "look-ahead", "lookahead"),
    Column("learning rates", "learning rates", "rates"),
    _order("gap_order", "order of the largest gap"),
    _order("gap_rms_order", "of its root mean square"),
)
_ORDERS_NOTE = (
    "The order p of a gap that falls like alpha^p, fitted by least squares to the logarithms at equal spans of time. "
    "The root mean square is over all parameters and those times."
)

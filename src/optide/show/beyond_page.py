"""The numbers of docs/beyond.md: written between two markers from figures/beyond/costs.csv, or compared with it.

python -m optide.show.beyond_page           # write
python -m optide.show.beyond_page --check   # exit code 1 if other numbers are there
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from optide.problem.registry import written
from optide.settings.config import number
from optide.show.block import Block, exit_with
from optide.studies import beyond_orders

_AHEAD = {1: "with", 0: "without"}


def numbers(costs: pd.DataFrame) -> str:
    """All of them.

    Args:
        costs: of `optide.studies.beyond_orders.costs`.
    """
    solved = costs[costs["converged"]]
    parts = [_converged(costs), *_orders(costs), *_training(costs), *_gradients(solved), *_halved(solved)]
    return "\n" + "\n".join(parts) + "\n\n"


def _converged(costs: pd.DataFrame) -> str:
    return (
        f"{len(costs)} solutions, {int(costs['converged'].sum())} of them converged, with residuals of at most "
        f"{costs.loc[costs['converged'], 'residual'].max():.0e}."
    )


def _orders(costs: pd.DataFrame) -> list[str]:
    found = beyond_orders.orders(costs)
    columns = [(name, ahead) for name in found["optimizer"].unique() for ahead in _AHEAD]
    rows = []
    for problem, group in found.groupby("problem", sort=False):
        by_column = group.set_index(["optimizer", "lookahead"])["gap_order"]
        rows.append([written(str(problem)), *(_rounded(by_column.get(column)) for column in columns)])
    heading = ["order of the largest gap", *(f"{written(name)}, {_AHEAD[ahead]} look-ahead" for name, ahead in columns)]
    between = [
        f"{text} look-ahead between {chosen.min():.2f} and {chosen.max():.2f}, with median {chosen.median():.2f}"
        for ahead, text in _AHEAD.items()
        for chosen in [found.loc[found["lookahead"] == ahead, "gap_order"]]
    ]
    return ["", *_table(heading, rows), "", f"Orders are {'; '.join(between)}."]


def _rounded(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.2f}"


def _training(costs: pd.DataFrame) -> list[str]:
    """Where both models end at the largest and the smallest learning rate, with look-ahead."""
    heading = ["at the end", "α", "loss, discrete", "equation", "accuracy, discrete", "equation", "largest gap"]
    heading += ["without look-ahead"]
    rows = []
    for (problem, optimizer), group in costs.groupby(["problem", "optimizer"], sort=False):
        if group["discrete_accuracy"].isna().all():
            continue
        for rate in (group["learning_rate"].max(), group["learning_rate"].min()):
            at = group[group["learning_rate"] == rate].set_index("lookahead")
            row = at.loc[1]
            rows.append(
                [
                    f"{written(str(problem))}, {written(str(optimizer))}",
                    number(rate),
                    *(f"{row[f'{model}_loss']:.3f}" for model in ("discrete", "equation")),
                    *(f"{100 * row[f'{model}_accuracy']:.1f} %" for model in ("discrete", "equation")),
                    *(f"{gap:.1e}" for gap in (row["gap"], at.loc[0, "gap"])),
                ]
            )
    return ["", *_table(heading, rows)]


def _gradients(solved: pd.DataFrame) -> list[str]:
    """Of a step, the range over all runs of a problem."""
    heading = [
        "gradients a step",
        "parameters",
        "order, grid points a step",
        *(f"{t} look-ahead" for t in _AHEAD.values()),
    ]
    rows = []
    for problem, group in solved.groupby("problem", sort=False):
        first = group.iloc[0]
        of = [group.loc[group["lookahead"] == ahead, "gradients_per_step"] for ahead in _AHEAD]
        stepping = f"{first['order']}, {first['substeps']}"
        spans = [f"{one.min():.0f} to {one.max():.0f}" for one in of]
        rows.append([written(str(problem)), str(first["parameters"]), stepping, *spans])
    return ["", *_table(heading, rows)]


def _halved(solved: pd.DataFrame) -> list[str]:
    """What the time step has to do with the gap."""
    tried = solved[solved["halved"].notna()]
    if tried.empty:
        return []
    share = tried["halved"] / tried["gap"]
    most = [
        f"{text} look-ahead by at most {100 * share[tried['lookahead'] == ahead].max():.0f} % of the gap"
        for ahead, text in _AHEAD.items()
    ]
    return ["", f"Halving the time step at the largest learning rate moves the solution {', '.join(most)}."]


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    # without padding, so that another number changes one line
    return [f"| {' | '.join(line)} |" for line in (heading, ["---"] * len(heading), *rows)]


BLOCK = Block(
    "optide.show.beyond_page",
    Path("docs/beyond.md"),
    Path("figures/beyond/costs.csv"),
    "numbers",
    "make beyond",
    numbers,
    "beyond",
)

if __name__ == "__main__":
    exit_with(BLOCK)

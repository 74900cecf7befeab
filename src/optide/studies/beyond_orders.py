"""What the runs beyond the paper's problems say: how far the models are apart, at what cost, and how that falls."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from optide.numerics import elementary, metrics
from optide.studies.beyond import Run

BOTH = ("gap", "gap_rms")


def costs(runs: Iterable[Run]) -> pd.DataFrame:
    """A row for each run: the gap over the time that all learning rates of its problem and optimizer have in common,
    and what its solution cost.

    The algorithm asks for one gradient a step, so that gradients a step are also the ratio of both.
    """
    runs = [*runs]
    ends: dict[tuple[str, str], float] = {}
    for run in runs:
        ends[_group(run)] = min(ends.get(_group(run), np.inf), run.values["t"][-1])
    return pd.DataFrame([_cost(run, ends[_group(run)]) for run in runs])


def _group(run: Run) -> tuple[str, str]:
    return run.known["problem"], run.known["optimizer"]


def _cost(run: Run, end: float) -> dict[str, Any]:
    known, values = run
    # times are products, with a rounding each
    common = values["t"] <= end * (1 + 1e-12)
    names = ("problem", "parameters", "optimizer", "learning_rate", "lookahead", "steps")
    return {
        **{name: known[name] for name in names},
        "gap": np.max(values["gap"][common]),
        "gap_rms": np.sqrt(np.mean(np.square(values["gap_rms"][common]))),
        "halved": np.nan if known["halved"] is None else known["halved"],
        **{f"{model}_{told}": values[name][-1] if name in values else np.nan for model, told, name in _ENDS},
        **{name: known[name] for name in ("order", "substeps")},
        "discrete_gradients": known["steps"],
        "equation_gradients": known["gradients"],
        "gradients_per_step": known["gradients"] / known["steps"],
        **{name: known[name] for name in ("iterations", "residual", "converged")},
    }


_ENDS = [(model, told, f"{model}_{told}") for told in ("loss", "accuracy") for model in ("discrete", "equation")]


def orders(found: pd.DataFrame) -> pd.DataFrame:
    """A row for each problem, optimizer and look-ahead: the order in the learning rate by which each gap falls.

    Args:
        found: of `costs`; solutions that did not converge are left out.
    """
    rows = []
    keys = ["problem", "optimizer", "lookahead"]
    for key, group in found.groupby(keys, sort=False):
        solved = group[group["converged"]]
        rates = solved["learning_rate"].to_numpy()
        fits = {f"{name}_order": order(rates, solved[name].to_numpy()) for name in BOTH}
        rows.append(dict(zip(keys, key, strict=True)) | {"rates": len(rates)} | fits)
    return pd.DataFrame(rows)


def order(rates: np.ndarray, gaps: np.ndarray) -> float:
    """The slope of log(gap) over log(learning rate) by least squares; NaN without two rates and gaps above 0."""
    if len(rates) < 2 or not np.all(gaps > 0):
        return float("nan")
    return metrics.slope(elementary.log(rates), elementary.log(gaps))

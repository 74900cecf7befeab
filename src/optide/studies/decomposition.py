"""Table 2, the audit: how much of the gap between the models is the equation, and how much its numerical treatment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optide.data import frames
from optide.data.traces import Key, Trace
from optide.numerics import metrics, richardson
from optide.settings.config import Config
from optide.studies import audit
from optide.studies.audit import AS_CONFIGURED, LIMITS, WITHOUT_LOOKAHEAD, Solved, Treatment

Array = np.ndarray
OF_LIMIT = ("gap", "order", "error", "status")
GAPS = ("published_gap", "converged_gap", "aligned_gap", "without_lookahead_gap")

NOT_SOLVED, NO_ORDER = "a solve did not converge", "no order"
"""Why a limit is missing; the second: the differences do not shrink as the method's order says."""


def columns(configurations: Iterable[Mapping[str, Any]], settings: Config) -> list[str]:
    """The columns of the table, for the configurations that were audited."""
    refined = [f"{name}_{substeps}" for name in LIMITS for substeps in settings["substeps"][name]]
    limits = [f"{name}_{measure}" for name in LIMITS for measure in OF_LIMIT]
    return [*frames.columns(configurations), "published_converged", *GAPS, *limits, *refined]


def table(lanes: Iterable[Trace], solutions: Iterable[Solved], settings: Config) -> pd.DataFrame:
    """The gaps max_k |theta_k - theta(t_k)| of every configuration that was audited.

    Args:
        lanes: of these configurations, by all schemes, in any order.
        solutions: of `optide.studies.audit.read`.
        settings: the entry `audit` of the configuration.

    Returns:
        A row for each configuration, in the order of the solutions.  Where a solve did not
        converge its gap is null; where a limit cannot be had, its values are null and its status
        says why.
    """
    by_scheme = frames.by_configuration(lanes)
    by_treatment: dict[Key, dict[Treatment, Solved]] = {}
    for solved in solutions:
        by_treatment.setdefault(solved.key, {})[solved.treatment] = solved
    rows = [_row(by_scheme[key], solved, settings) for key, solved in by_treatment.items()]
    return frames.frame(rows, columns((by_scheme[key]["discrete"].configuration for key in by_treatment), settings))


def _row(lanes: Mapping[str, Trace], solved: Mapping[Treatment, Solved], settings: Config) -> dict[str, Any]:
    discrete = lanes["discrete"]
    row = frames.row(discrete.configuration)
    row["published_converged"] = lanes["published"].configuration["converged"]
    for scheme in ("published", "converged"):
        row[f"{scheme}_gap"] = _gap(discrete, lanes[scheme].values["k"], lanes[scheme].theta)
    # where the start is aligned as configured, nothing else was solved
    row["aligned_gap"] = (
        _solved_gap(discrete, solved[AS_CONFIGURED]) if AS_CONFIGURED in solved else row["converged_gap"]
    )
    row["without_lookahead_gap"] = _solved_gap(discrete, solved[WITHOUT_LOOKAHEAD])
    for name in LIMITS:
        sequence = [solved[treatment] for treatment in audit.refinements(name, settings)]
        row |= {f"{name}_{one.treatment.substeps}": _solved_gap(discrete, one) for one in sequence}
        row |= {f"{name}_{measure}": value for measure, value in _limit(discrete, sequence, settings["order"]).items()}
    return row


def _limit(discrete: Trace, sequence: Sequence[Solved], order: int) -> dict[str, Any]:
    if not all(one.converged for one in sequence[-3:]):
        return {"status": NOT_SOLVED}
    limit = richardson.limit([one.theta for one in sequence], order)
    observed = None if np.isnan(limit.order) else limit.order
    if not limit.convergent:
        return {"status": NO_ORDER, "order": observed}
    gap = _gap(discrete, np.arange(len(limit.values)), limit.values)
    return {"gap": gap, "order": observed, "error": limit.error, "status": ""}


def _solved_gap(discrete: Trace, solved: Solved) -> float | None:
    return _gap(discrete, np.arange(len(solved.theta)), solved.theta) if solved.converged else None


def _gap(discrete: Trace, k: Array, theta: Array) -> float:
    return metrics.gap(discrete.values["k"], discrete.theta, k, theta).largest


def summary(table: pd.DataFrame) -> str:
    """How many limits there are, in a line for each kind."""
    lines = []
    for name in LIMITS:
        found = table[f"{name}_status"].to_list()
        reasons = "".join(f", {found.count(reason)}: {reason}" for reason in (NOT_SOLVED, NO_ORDER))
        lines.append(f"{name}: {found.count('')} of {len(table)}{reasons}\n")
    return "".join(lines)

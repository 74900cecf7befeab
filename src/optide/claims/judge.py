"""Measure every claim on every model and configuration, and compare the numbers with the criterion."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from optide.claims.criteria import FAILS, HOLDS, RATIO, UNDECIDED, margin_of
from optide.claims.equation import EQUATION
from optide.claims.measures import CURVE, PAIR
from optide.claims.selection import MODELS, Claim, counterpart, selects
from optide.data.traces import Trace
from optide.numerics.metrics import Fit
from optide.problem.registry import is_state
from optide.settings.schemes import DISCRETE


class Finding(NamedTuple):
    """One claim, measured on one configuration of one model.

    Attributes:
        claim: its name.
        model: "discrete", "published" or "converged".
        configuration: of the trace (`traces.Trace`).
        converged: false if an iteration that this rests on missed its tolerance; None if there is none.
        measured: the measurement.
        reference: the one it is compared with, or None.
        number: what is judged: measured, or its ratio to or difference from the reference.
        margin: how far inside its limits the number is; NaN if it cannot be told.
        verdict: "holds", "fails", or "undecided" where there is no number.
    """

    claim: str
    model: str
    configuration: dict[str, Any]
    converged: bool | None
    measured: float | Fit
    reference: float | Fit | None
    number: float
    margin: float
    verdict: str


def judge(claims: Mapping[str, Claim], traces: Iterable[Trace]) -> list[Finding]:
    """Judge claims that were examined (`check.examine`).

    Args:
        claims: by name.
        traces: all that they read, in any order.

    Returns:
        In the order of the claims, of `MODELS`, and of what each claim selects.
    """
    by_scheme: dict[str, list[Trace]] = {model: [] for model in MODELS}
    for trace in traces:
        by_scheme[trace.configuration["scheme"]].append(trace)
    return [
        _finding(name, claim, model, trace, by_scheme)
        for name, claim in claims.items()
        for model in MODELS
        if model in claim.get("models", MODELS)
        for selection in claim["traces"]
        for trace in by_scheme[model]
        if selects(selection, trace.configuration)
    ]


def _finding(name: str, claim: Claim, model: str, trace: Trace, by_scheme: Mapping[str, Sequence[Trace]]) -> Finding:
    measurement, against = claim["measurement"], claim.get("against")
    measured, reference, read = measure(measurement, trace, by_scheme[DISCRETE.name]), None, [trace]
    if against:
        other = _pick(by_scheme[against.get("model", model)], counterpart(trace.configuration, against))
        reference = measure(measurement, other, by_scheme[DISCRETE.name])
        read.append(other)
    known = [t.configuration["converged"] for t in read if t.configuration["converged"] is not None]
    number = _number(measured, reference, against)
    margin = float(margin_of(number, claim["criterion"]))
    verdict = UNDECIDED if np.isnan(margin) else HOLDS if margin > 0 else FAILS
    configuration = trace.configuration
    return Finding(
        name, model, configuration, all(known) if known else None, measured, reference, number, margin, verdict
    )


def _pick(traces: Sequence[Trace], selection: Claim) -> Trace:
    (found,) = (trace for trace in traces if selects(selection, trace.configuration))
    return found


def measure(measurement: Claim, trace: Trace, discrete: Sequence[Trace]) -> float | Fit:
    """Apply a claim's measurement to a trace; `discrete` holds the traces of the algorithms."""
    function, quantity = measurement["function"], measurement["quantity"]
    parameters = measurement.get("parameters", {})
    if function in EQUATION:
        return EQUATION[function](trace, **parameters)
    if function in CURVE:
        return CURVE[function](*curve(trace, quantity), **parameters)
    other = _pick(discrete, counterpart(trace.configuration, {}))
    return PAIR[function](*curve(trace, quantity), *curve(other, quantity), **parameters)


def curve(trace: Trace, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of one quantity.

    A state belongs to the number of updates it contains.  Those of the discrete algorithm before its first update
    are 0 by definition; the equation has none there, so they are left out.
    """
    steps, values = trace.curve(quantity)
    return (steps[steps > 0], values[steps > 0]) if is_state(quantity) else (steps, values)


def _number(measured: float | Fit, reference: float | Fit | None, against: Claim | None) -> float:
    ours, theirs = (float(x.rate if isinstance(x, Fit) else x) if x is not None else 0.0 for x in (measured, reference))
    if against is None:
        return ours
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_or_difference = np.divide if against["by"] == RATIO else np.subtract
        return float(ratio_or_difference(ours, theirs))


class Verdict(NamedTuple):
    """What is said of a claim for one model.

    Attributes:
        verdict: "fails" if one configuration does, else "undecided" if one is, else "holds".
        worst: the finding that decides: the one furthest outside, or least inside, its limits.
        alike: how many of the configurations have this verdict.
        configurations: how many there are.
    """

    verdict: str
    worst: Finding
    alike: int
    configurations: int


def verdicts(findings: Iterable[Finding]) -> dict[tuple[str, str], Verdict]:
    """The verdict on each (claim, model)."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        grouped.setdefault((finding.claim, finding.model), []).append(finding)
    rank = (FAILS, UNDECIDED, HOLDS)
    found = {}
    for key, group in grouped.items():
        worst = min(group, key=lambda finding: (rank.index(finding.verdict), finding.margin))
        alike = sum(finding.verdict == worst.verdict for finding in group)
        found[key] = Verdict(worst.verdict, worst, alike, len(group))
    return found

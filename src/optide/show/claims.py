"""Write the verdicts down: every number as CSV, one row per claim as Markdown and LaTeX."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optide.claims import criteria
from optide.claims.criteria import FAILS, HOLDS, UNDECIDED
from optide.claims.judge import Finding, Verdict, verdicts
from optide.claims.selection import MODELS, Claim
from optide.data import frames, provenance
from optide.numerics.metrics import Fit
from optide.show import tables

_CONFIGURATION = ("experiment", "set", "learning_rate")

NOTE = (
    "Each cell gives the verdict for one model, the number of the configuration that decides (the one furthest "
    "outside the criterion, or least inside), and in how many configurations a claim fails, if not in all. Steps are "
    "those of the discrete algorithm; inf is what does not happen within the run; undecided is what cannot be "
    "measured; a dash is where the claim is about other models. * The published iteration did not converge there. "
    "figures/claims.csv has every number."
)
_LEFT_OUT = "Not judged, since the configuration changed"


def write(
    claims: Mapping[str, Claim],
    findings: Sequence[Finding],
    not_judged: Mapping[str, str],
    path: str | Path,
    record: provenance.Record,
) -> None:
    """Write .csv, .csv-metadata.json (its provenance), .md, .html or .tex (booktabs, longtable), whole or not at all.

    Args:
        claims: as judged, by name.
        findings: of `judge.judge`.
        not_judged: claims left out, with the reason.
        path: of the file; its suffix decides.
        record: what it was made from.
    """
    cells, reasons = _cells(claims, verdicts(findings)), [*not_judged.values()]
    pages = {
        ".md": lambda: _markdown(cells, claims, reasons),
        ".html": lambda: _web_page(cells, claims, reasons),
        ".tex": lambda: _latex(cells, reasons),
    }
    tables.write(path, record, table(claims, findings), pages)


def table(claims: Mapping[str, Claim], findings: Sequence[Finding]) -> pd.DataFrame:
    """Every number: a row for each finding.

    Its verdict is that on the configuration of the row; low to last are confidence interval and window of a rate.
    """
    hyperparameters = sorted({name for finding in findings for name in finding.configuration["hyperparameters"]})
    columns = [
        *("claim", "source", "statement", "model", "verdict", "criterion", "number"),
        *(*_CONFIGURATION, *frames.of_elements("theta0", [finding.configuration for finding in findings])),
        *(*hyperparameters, "converged"),
        *("function", "quantity", "parameters", "against", "measured", "low", "high", "first", "last", "reference"),
    ]
    return frames.frame([_row(finding, claims[finding.claim]) for finding in findings], columns)


def summary(findings: Sequence[Finding]) -> str:
    """How many claims hold, fail and are undecided for each model, in one line."""
    found = verdicts(findings)
    parts = []
    for model in MODELS:
        counts = Counter(verdict.verdict for (_, of), verdict in found.items() if of == model)
        parts.append(f"{model}: " + ", ".join(f"{counts[v]} {v}" for v in (HOLDS, FAILS, UNDECIDED)))
    return "; ".join(parts)


def criterion_in_words(claim: Claim) -> str:
    """What the number is and where it must lie, as in "settling_step of theta < 1500"."""
    measurement = claim["measurement"]
    what = f"{measurement['function']} of {measurement['quantity']}"
    return criteria.in_words(what, claim.get("against"), claim["criterion"])


def number(value: float) -> str:
    """A number to three digits, or all digits of a whole one."""
    whole = abs(value) < 1e6 and value == int(value)
    return f"{value:.0f}" if whole else f"{value:.3g}"


def _row(finding: Finding, claim: Claim) -> dict[str, Any]:
    measurement, measured = claim["measurement"], finding.measured
    fit = measured if isinstance(measured, Fit) else None
    reference = finding.reference
    against = {k: v for k, v in claim.get("against", {}).items() if k != "hyperparameters"}
    against |= claim.get("against", {}).get("hyperparameters", {})
    if "theta0" in against:
        against = {k: v for k, v in against.items() if k != "theta0"} | frames.apart("theta0", against["theta0"])
    return {
        "claim": finding.claim,
        "source": claim["source"],
        "statement": claim["statement"],
        "model": finding.model,
        "verdict": finding.verdict,
        "criterion": criterion_in_words(claim),
        "number": finding.number,
        **{name: finding.configuration[name] for name in _CONFIGURATION},
        **frames.apart("theta0", finding.configuration["theta0"]),
        **finding.configuration["hyperparameters"],
        "converged": finding.converged,
        "function": measurement["function"],
        "quantity": measurement["quantity"],
        "parameters": _pairs(measurement.get("parameters", {})),
        "against": _pairs(against),
        "measured": fit.rate if fit else measured,
        **({name: getattr(fit, name) for name in ("low", "high", "first", "last")} if fit else {}),
        "reference": reference.rate if isinstance(reference, Fit) else reference,
    }


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _cells(claims: Mapping[str, Claim], found: Mapping[tuple[str, str], Verdict]) -> pd.DataFrame:
    """A row for each claim, by its name: what it says, and in a column for each model what is said of it."""
    rows = {
        name: [claim["source"], claim["statement"], criterion_in_words(claim)]
        + [cell(found.get((name, model))) for model in MODELS]
        for name, claim in claims.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["source", "statement", "holds if", *MODELS])


def cell(verdict: Verdict | None) -> str:
    """Verdict and deciding number, with the share of configurations; a dash where there is none."""
    if verdict is None:
        return "–"
    star = "*" if verdict.worst.converged is False else ""
    share = shared(verdict.verdict, verdict.alike, verdict.configurations)
    return f"{verdict.verdict} ({number(verdict.worst.number)}{star}{f'; {share}' if share else ''})"


def shared(verdict: str, alike: int, configurations: int) -> str:
    """In how many configurations a claim fails or is undecided, if not in all."""
    return "" if verdict == HOLDS or alike == configurations else f"in {alike} of {configurations}"


def _emphasised(cell: str, how: str) -> str:
    """A cell of a model, or another one, with the verdict emphasised as in "**{}**" if it is not that a claim holds."""
    return re.sub(rf"^({FAILS}|{UNDECIDED})(?= \()", lambda found: how.format(found[1]), cell)


def _markdown(cells: pd.DataFrame, claims: Mapping[str, Claim], left_out: Sequence[str]) -> str:
    judged = cells[[*MODELS]].map(lambda text: _emphasised(text.replace("*", r"\*"), "**{}**"))
    shown = tables.markdown(cells.assign(**judged).rename_axis("claim").reset_index())
    reasons = "\n".join(f"- `{name}`: {claim['because']}" for name, claim in claims.items())
    lines = "".join(f"\n{_LEFT_OUT}: {reason}\n" for reason in left_out)
    return f"# Claims\n\n{shown}\n\n{NOTE}\n{lines}\n## Why these criteria\n\n{reasons}\n"


def _web_page(cells: pd.DataFrame, claims: Mapping[str, Claim], left_out: Sequence[str]) -> str:
    shown = cells.assign(**{"why this criterion": [claim["because"] for claim in claims.values()]})
    note = NOTE + "".join(f" {_LEFT_OUT}: {reason}" for reason in left_out)
    return tables.web_page(shown, "Claims", note, wrapped=True)


def _latex(cells: pd.DataFrame, left_out: Sequence[str]) -> str:
    ragged = r">{\raggedright\arraybackslash}"
    kinds = f"{ragged}p{{1.5cm}}{ragged}p{{5cm}}{ragged}p{{3.6cm}}" + 3 * f"{ragged}p{{1.7cm}}"
    lines = "".join(f"% {_LEFT_OUT}: {reason}\n" for reason in left_out)
    shown = tables.longtable(
        cells.replace("–", "--"), [*cells], kinds, "3pt", lambda cell: _emphasised(cell, r"\textbf{{{}}}")
    )
    return f"% {NOTE}\n{lines}% Needs the packages array, booktabs and longtable.\n{{\\scriptsize\n{shown}}}\n"

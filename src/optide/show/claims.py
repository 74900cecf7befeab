"""Write the verdicts down: every number as CSV, one row per claim as Markdown and LaTeX."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from optide.claims.judge import FAILS, HOLDS, UNDECIDED, Finding, Verdict, verdicts
from optide.claims.selection import MODELS, Claim
from optide.data import provenance
from optide.numerics.metrics import Fit
from optide.settings.config import number as exactly
from optide.show import html, latex, tables

CONFIGURATION = ("experiment", "set", "learning_rate", "theta0", "beta", "beta1", "beta2")
COLUMNS = (
    *("claim", "source", "statement", "model", "verdict", "criterion", "number"),
    *(*CONFIGURATION, "converged"),
    *("function", "quantity", "parameters", "against", "measured", "low", "high", "first", "last", "reference"),
)
"""`verdict` is that on the configuration of the row; low to last are confidence interval and window of a rate."""

NOTE = (
    "Each cell gives the verdict for one model, the number of the configuration that decides (the one furthest "
    "outside the criterion, or least inside), and in how many configurations a claim fails, if not in all. Steps are "
    "those of the discrete algorithm; inf is what does not happen within the run; undecided is what cannot be "
    "measured; a dash is where the claim is about other models. * The published iteration did not converge there. "
    "figures/claims.csv has every number."
)


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
    pages = {
        suffix: functools.partial(text, claims, verdicts(findings), not_judged)
        for suffix, text in {".md": _markdown, ".html": _html, ".tex": _latex}.items()
    }
    rows = (_row(finding, claims[finding.claim]) for finding in findings)
    tables.write(path, record, COLUMNS, rows, pages)


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
    measurement, against = claim["measurement"], claim.get("against")
    what = f"{measurement['function']} of {measurement['quantity']}"
    if against:
        changed = {name: against[name] for name in ("model", "learning_rate", "theta0") if name in against}
        changed |= against.get("hyperparameters", {})
        other = ", ".join(value if name == "model" else f"{name} {exactly(value)}" for name, value in changed.items())
        what += f", {'relative to' if against['by'] == 'ratio' else 'minus that of'} {other}"
    ((comparison, limits),) = claim["criterion"].items()
    if comparison in ("below", "above"):
        return f"{what} {'<' if comparison == 'below' else '>'} {exactly(limits)}"
    return f"{what} {comparison} {exactly(limits[0])} and {exactly(limits[1])}"


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
    return {
        "claim": finding.claim,
        "source": claim["source"],
        "statement": claim["statement"],
        "model": finding.model,
        "verdict": finding.verdict,
        "criterion": criterion_in_words(claim),
        "number": finding.number,
        **{name: finding.configuration[name] for name in CONFIGURATION},
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


def cell(verdict: Verdict | None) -> tuple[str, str]:
    """Verdict and deciding number, with the share of configurations; two empty texts where there is none."""
    if verdict is None:
        return "", ""
    star = "*" if verdict.worst.converged is False else ""
    share = shared(verdict.verdict, verdict.alike, verdict.configurations)
    return verdict.verdict, f"{number(verdict.worst.number)}{star}{f'; {share}' if share else ''}"


def shared(verdict: str, alike: int, configurations: int) -> str:
    """In how many configurations a claim fails or is undecided, if not in all."""
    return "" if verdict == HOLDS or alike == configurations else f"in {alike} of {configurations}"


def _markdown(claims: Mapping[str, Claim], found: Mapping[tuple[str, str], Verdict], not_judged) -> str:
    rows = [
        [name, claim["source"], claim["statement"], criterion_in_words(claim)]
        + [_markdown_cell(*cell(found.get((name, model)))) for model in MODELS]
        for name, claim in claims.items()
    ]
    headings = ["claim", "source", "statement", "holds if", *MODELS]
    table = tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)
    reasons = "\n".join(f"- `{name}`: {claim['because']}" for name, claim in claims.items())
    left_out = "".join(f"\nNot judged, since the configuration changed: {reason}\n" for reason in not_judged.values())
    return f"# Claims\n\n{table}\n\n{NOTE}\n{left_out}\n## Why these criteria\n\n{reasons}\n"


def _html(claims: Mapping[str, Claim], found: Mapping[tuple[str, str], Verdict], not_judged) -> str:
    rows = []
    for name, claim in claims.items():
        judged = [" ".join(filter(None, cell(found.get((name, model))))) or "–" for model in MODELS]
        rows.append([claim["source"], claim["statement"], criterion_in_words(claim), *judged, claim["because"]])
    headings = ["source", "statement", "holds if", *MODELS, "why this criterion"]
    left_out = "".join(f" Not judged, since the configuration changed: {reason}" for reason in not_judged.values())
    return html.page("claims", headings, rows, NOTE + left_out, wrapped=True)


def _markdown_cell(verdict: str, value: str) -> str:
    if not verdict:
        return "–"
    emphasised = verdict if verdict == HOLDS else f"**{verdict}**"
    starred = value.replace("*", r"\*")
    return f"{emphasised} ({starred})"


def _latex(claims: Mapping[str, Claim], found: Mapping[tuple[str, str], Verdict], not_judged) -> str:
    rows = []
    for name, claim in claims.items():
        texts = [claim["source"], claim["statement"], criterion_in_words(claim)]
        rows.append([latex.escape(text) for text in texts] + [_latex_cell(*cell(found.get((name, m)))) for m in MODELS])
    headings = ["source", "statement", "holds if", *MODELS]
    ragged = r">{\raggedright\arraybackslash}"
    columns = f"{ragged}p{{1.5cm}}{ragged}p{{5cm}}{ragged}p{{3.6cm}}" + 3 * f"{ragged}p{{1.7cm}}"
    left_out = "".join(f"% Not judged, since the configuration changed: {reason}\n" for reason in not_judged.values())
    return (
        f"% {NOTE}\n{left_out}% Needs the packages array, booktabs and longtable.\n"
        f"{{\\scriptsize\n{latex.longtable(headings, rows, columns, '3pt')}\n}}\n"
    )


def _latex_cell(verdict: str, value: str) -> str:
    if not verdict:
        return "--"
    emphasised = verdict if verdict == HOLDS else r"\textbf{" + verdict + "}"
    return f"{emphasised} ({value})"

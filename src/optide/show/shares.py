"""Write down in how much of the atlas its claims hold: every count as CSV, one row per claim, region and model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optide.claims import criteria
from optide.claims.criteria import FAILS, HOLDS, UNDECIDED
from optide.claims.regions import SHARES, Statement, where
from optide.claims.shares import NOT_CONVERGED, Share
from optide.data import frames, provenance
from optide.settings.config import number
from optide.show import tables

HEADINGS = ("source", "claim", "holds if", "region", "model", "holds", "of rows", "left out", "fails where")
NOTE = (
    "A row is a configuration of the atlas. Each line says in which share of the rows of a region a claim holds, for "
    "one model, of those that are decided; left out of these are rows where what is measured cannot be told, or where "
    "the equation was not solved. The last column has the smallest and the largest value of each axis among the rows "
    "where it fails, to three digits. figures/atlas/claims.csv has every count."
)
_LEFT_OUT = "Not judged, since the configuration changed"


def write(
    claims: Statement,
    found: Sequence[Share],
    not_judged: Mapping[str, str],
    path: str | Path,
    record: provenance.Record,
) -> None:
    """Write .csv, .csv-metadata.json (its provenance), .md, .html or .tex (booktabs, longtable), whole or not at all.

    Args:
        claims: as judged.
        found: of `optide.claims.shares.judge`.
        not_judged: claims left out, with the reason.
        path: of the file; its suffix decides.
        record: what it was made from.
    """
    counts, statements = table(claims["statements"], found), claims["statements"].values()
    shown = cells(counts)
    note = f"{NOTE} {scale(claims['shares'])}" + "".join(f" {_LEFT_OUT}: {reason}." for reason in not_judged.values())
    reasons = "\n".join(f"- {statement['statement']} {statement['because']}" for statement in statements)
    ragged = r">{\raggedright\arraybackslash}"
    kinds = "".join(f"{ragged}p{{{width}cm}}" for width in (1, 3.5, 3, 2, 1.8, 1.6, 1.2, 1.8, 3.2))
    pages = {
        ".md": lambda: (
            f"# Claims about the atlas\n\n{tables.markdown(shown)}\n\n{note}\n\n## Why these criteria\n\n{reasons}\n"
        ),
        ".html": lambda: tables.web_page(shown, "Claims about the atlas", note, wrapped=True),
        ".tex": lambda: (
            f"% {note}\n% Needs the packages array, booktabs, longtable and pdflscape.\n"
            + "\\begin{landscape}\n{\\tiny\n"
            + tables.longtable(shown, [*HEADINGS], kinds, "2pt")
            + "}\n\\end{landscape}\n"
        ),
    }
    tables.write(path, record, counts, pages)


def table(statements: Mapping[str, Statement], found: Sequence[Share]) -> pd.DataFrame:
    """Every count: a row for each claim, region and model.

    Columns that begin with "fails_from_" and "fails_to_" have the smallest and the largest value of an axis among the
    rows where the claim fails, null where it fails nowhere or the region has no such axis.
    """
    axes = [*dict.fromkeys(axis for share in found for axis in share.failing)]
    columns = [
        *("claim", "source", "statement", "criterion", "region", "model", "verdict", "share"),
        *("rows", HOLDS, FAILS, UNDECIDED, NOT_CONVERGED.replace(" ", "_")),
        *(f"fails_{end}_{axis}" for axis in axes for end in ("from", "to")),
    ]
    return frames.frame([_row(statements[share.claim], share) for share in found], columns)


def _row(statement: Statement, share: Share) -> dict[str, Any]:
    ends = {
        f"fails_{end}_{axis}": value
        for axis, values in share.failing.items()
        for end, value in zip(("from", "to"), values, strict=True)
    }
    return {
        "claim": share.claim,
        "source": statement["source"],
        "statement": statement["statement"],
        "criterion": criterion_in_words(statement),
        "region": share.region,
        "model": share.model,
        "verdict": share.verdict,
        "share": share.share,
        "rows": sum(share.counts.values()),
        **{name.replace(" ", "_"): count for name, count in share.counts.items()},
        **ends,
    }


def criterion_in_words(statement: Statement) -> str:
    """What must be so in a row, and of which rows it is asked."""
    told = criteria.in_words(statement["measurement"], statement.get("against"), statement.get("criterion", {}))
    ranges = ", ".join(_span(axis, ends) for axis, ends in where(statement).items())
    return f"{told}{f'; of {ranges}' if ranges else ''}"


def scale(shares: Mapping[str, float]) -> str:
    """What the words for shares mean."""
    told = ", ".join(f"{name} from {100 * shares[name]:g} % on" for name in SHARES)
    return f"A claim is said to hold {told}, and hardly below."


def cells(counts: pd.DataFrame) -> pd.DataFrame:
    """The table as it is shown, of text: a claim is told once.

    Args:
        counts: of `table`, or read from its CSV.
    """
    axes = [name.removeprefix("fails_from_") for name in counts.columns if name.startswith("fails_from_")]
    rows, last = [], None
    for row in counts.to_dict("records"):
        told = [row["source"], row["statement"], row["criterion"]] if row["claim"] != last else [""] * 3
        last = row["claim"]
        decided = row[HOLDS] + row[FAILS]
        left_out = {"undecided": row[UNDECIDED], "not converged": row["not_converged"]}
        rows.append(
            [
                *(*told, row["region"], row["model"]),
                f"{row['verdict']}{f', {_percent(row[HOLDS], decided)}' if decided else ''}",
                f"{decided:,}",
                ", ".join(f"{count:,} {name}" for name, count in left_out.items() if count),
                ", ".join(_span(axis, _ends(row, axis), "{:.3g}".format) for axis in axes if _ends(row, axis)),
            ]
        )
    return pd.DataFrame(rows, columns=[*HEADINGS])


def _percent(holds: int, decided: int) -> str:
    """With one digit, rounded so that 100 % is all of them and 0 % is none."""
    if 0 < holds < decided:
        return f"{min(max(100 * holds / decided, 0.1), 99.9):.1f} %"
    return f"{100 * holds // decided} %"


def _ends(row: Mapping[Any, Any], axis: str) -> list[float]:
    """Of an axis, among the rows where a claim fails; none if there are none."""
    return [value for end in ("from", "to") if not pd.isna(value := row[f"fails_{end}_{axis}"])]


def _span(axis: str, ends: Sequence[float], written: Callable[[float], str] = number) -> str:
    return f"{axis} {' to '.join(dict.fromkeys(map(written, ends)))}"

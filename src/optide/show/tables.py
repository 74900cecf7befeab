"""Write a table in every format it comes in, each with its provenance."""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import pandas as pd

from optide.base import files
from optide.data import frames, provenance
from optide.problem.registry import symbols
from optide.settings.config import label, number, start

Row = Mapping[str, Any]

_STYLE = (
    ":root { color-scheme: light dark; font: 14px system-ui, sans-serif; background: Canvas; color: CanvasText } "
    "table { border-collapse: collapse } thead { position: sticky; top: 0; background: Canvas } "
    "caption { font-weight: bold; text-align: left } "
    "th, td { padding: 2px 8px; text-align: left; white-space: nowrap } "
    "tbody tr:nth-child(odd) { background: rgb(128 128 128 / 12%) }"
)


def write(
    path: str | Path, record: provenance.Record, table: pd.DataFrame, pages: Mapping[str, Callable[[], str]]
) -> None:
    """Write one file of a table, whole or not at all.

    Args:
        path: its suffix decides: .csv for all columns, plain; .json (`NAME.csv-metadata.json`) for the
            provenance of that; else one of `pages`, with the provenance at its end.
        record: what the table was made from.
        table: all columns.
        pages: the text of a page, by suffix.
    """
    suffix = Path(path).suffix
    if suffix == ".csv":
        with files.aside(path) as temporary:
            temporary.write_bytes(_csv(table))
    elif suffix == ".json":
        provenance.write(path, provenance.of_text(path, record).encode(), _csv(table))
    else:
        provenance.write(path, (pages[suffix]() + provenance.of_text(path, record)).encode())


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def markdown(cells: pd.DataFrame) -> str:
    """Cells of text as a table in Markdown."""
    return cells.to_markdown(index=False, tablefmt="pipe", disable_numparse=True)


def web_page(cells: pd.DataFrame, title: str, note: str, *, wrapped: bool = False) -> str:
    """Cells of text as a whole page of its own, readable in the dark and on a phone.

    Args:
        cells: under their headings.
        title: of the page and its table.
        note: below the table, as plain text.
        wrapped: whether cells hold sentences, and may have several lines.
    """
    table = (
        cells.style.hide(axis="index").format(escape="html").to_html(exclude_styles=True, caption=html.escape(title))
    )
    table = re.sub(r"\n\s*(?=<t[dh] |</tr>)", "", table).replace("<th >", '<th scope="col">').replace("<td >", "<td>")
    style = _STYLE + (" td { white-space: normal; vertical-align: top }" if wrapped else "")
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n{table}<p>{html.escape(note)}</p>\n</html>\n"
    )


def longtable(
    cells: pd.DataFrame, headings: list[str], kinds: str, separation: str, emphasis: Callable[[str], str] = str
) -> str:
    r"""Cells of text for LaTeX, to be read with \input: a `longtable` with the rules of booktabs.

    Args:
        cells: of ASCII text, which LaTeX prints as it is.
        headings: in LaTeX.
        kinds: of the columns, as in "lrp{3cm}".
        separation: half of the space between two columns.
        emphasis: applied to cells, in LaTeX.
    """

    def cell(escaped: object) -> str:
        # what pandas leaves, and the usual encoding of fonts has at another place
        return emphasis(re.sub("[<>|]", r"$\g<0>$", str(escaped)))

    styler = cells.set_axis(headings, axis=1).style.hide(axis="index").format(cell, escape="latex")
    table = styler.to_latex(environment="longtable", hrules=True, column_format=kinds)
    return rf"\setlength{{\tabcolsep}}{{{separation}}}" + f"\n{table}"


class Column(NamedTuple):
    """A column of a table of configurations as it is shown.

    Attributes:
        heading: in Markdown and HTML.
        tex: likewise in LaTeX.
        cell: the name of a value of the row, or a function of the row.
        kind: in LaTeX.
    """

    heading: str
    tex: str
    cell: str | Callable[[Row], Any]
    kind: str = "r"


def pages(table: pd.DataFrame, title: str, columns: Sequence[Column], note: str) -> dict[str, Callable[[], str]]:
    """The pages of a table of configurations, for `write`: its main columns, and a note below them."""
    rows = cast("list[Row]", table.to_dict("records"))
    texts = [[_text(row[one.cell] if isinstance(one.cell, str) else one.cell(row)) for one in columns] for row in rows]
    cells = pd.DataFrame(texts, columns=[one.heading for one in columns])
    return {
        ".md": lambda: f"{markdown(cells)}\n\n{note}\n",
        ".html": lambda: web_page(cells, title, note),
        # many columns: across a page on its side, in the smallest size
        ".tex": lambda: (
            f"% {note}\n% Needs the packages booktabs, longtable and pdflscape.\n\\begin{{landscape}}\n{{\\tiny\n"
            + longtable(cells, [one.tex for one in columns], "".join(one.kind for one in columns), "2pt")
            + "}\n\\end{landscape}\n"
        ),
    }


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.2e}" if 0 < abs(value) < 0.01 else f"{value:.4g}"
    return str(value)


def configuration(table: pd.DataFrame) -> list[Column]:
    """The columns that tell configurations apart: experiment and set, learning rate, hyper-parameters, start."""
    return [
        Column("experiment", "experiment", lambda row: " ".join(filter(None, (row["experiment"], row["set"]))), "l"),
        Column("α", r"$\alpha$", _exactly("learning_rate")),
        _hyperparameters(frames.hyperparameters(table.columns)),
        Column("θ₀", r"$\theta_0$", point("theta0", table.columns)),
    ]


def point(quantity: str, columns: Iterable[str]) -> Callable[[Row], str]:
    """The cell of a number, or a list of numbers in columns of their own, that may not look like another one."""
    names = [name for name in columns if name.partition("[")[0] == quantity]

    def cell(row: Row) -> str:
        values = [row[name] for name in names if not pd.isna(row[name])]
        return start(values if len(values) > 1 else values[0]) if values else ""

    return cell


def _exactly(name: str) -> Callable[[Row], str]:
    """The cell of a number that is given, and may not look like another one."""
    return lambda row: number(row[name])


def _hyperparameters(names: Sequence[str]) -> Column:
    """The hyper-parameters of a row: only numbers, where all of them are one letter with indices."""

    def values(row: Row) -> dict[str, float]:
        return {name: row[name] for name in names if not pd.isna(row[name])}

    letters = {letter(name) for name in names}
    if len(letters) == 1:
        ((heading, tex),) = letters
        return Column(heading, f"${tex}$", lambda row: ", ".join(map(number, values(row).values())), "l")
    return Column("hyper-parameters", "hyper-parameters", lambda row: label("", values(row)).strip(), "l")


def letter(name: str) -> tuple[str, str]:
    """The symbol of a hyper-parameter or state without its index, as text and for LaTeX."""
    text, tex = symbols(name)
    return text.rstrip("₀₁₂₃₄₅₆₇₈₉"), tex.partition("_")[0]


def either(names: Iterable[str]) -> tuple[str, str]:
    """The difference in one of some states, as text and for LaTeX."""
    symbols = [letter(name) for name in names]
    text = " or ".join(text for text, _ in symbols)
    return f"({text})" if len(symbols) > 1 else text, ", ".join(rf"|\Delta {tex}|" for _, tex in symbols)

"""Write a table in every format it comes in, each with its provenance."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tabulate import tabulate

from optide.base import files
from optide.data import provenance
from optide.settings.config import number
from optide.show import html, latex

Row = Mapping[str, Any]


def write(
    path: str | Path,
    record: provenance.Record,
    columns: Sequence[str],
    rows: Iterable[Row],
    pages: Mapping[str, Callable[[], str]],
) -> None:
    """Write one file of a table, whole or not at all.

    Args:
        path: its suffix decides: .csv for all columns, plain; .json (`NAME.csv-metadata.json`) for the
            provenance of that; else one of `pages`, with the provenance at its end.
        record: what the table was made from.
        columns: of the CSV file.
        rows: likewise.
        pages: the text of a page, by suffix.
    """
    suffix = Path(path).suffix
    if suffix == ".csv":
        with files.aside(path) as temporary:
            temporary.write_bytes(_csv(columns, rows))
    elif suffix == ".json":
        provenance.write(path, provenance.of_text(path, record).encode(), _csv(columns, rows))
    else:
        provenance.write(path, (pages[suffix]() + provenance.of_text(path, record)).encode())


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


class Layout(NamedTuple):
    """How a table of configurations is shown, where not all of its columns are.

    Attributes:
        main: of each column its heading in Markdown and HTML, its heading in LaTeX, and its cell: the name of a
            value of the row, or a function of the row.
        kinds: of the columns in LaTeX, as in "lrr".
        note: what to say below the table.
    """

    main: Sequence[tuple[str, str, str | Callable[[Row], Any]]]
    kinds: str
    note: str


def pages(rows: Sequence[Row], path: str | Path, layout: Layout) -> dict[str, Callable[[], str]]:
    """The pages of a table in its layout, for `write`."""
    headings = [heading for heading, _, _ in layout.main]
    return {
        ".md": lambda: (
            tabulate(_cells(rows, layout), headings, tablefmt="pipe", disable_numparse=True) + f"\n\n{layout.note}\n"
        ),
        ".html": lambda: html.page(Path(path).stem, headings, _cells(rows, layout), layout.note),
        ".tex": lambda: _latex(rows, layout),
    }


def configuration(row: Row) -> str:
    """The experiment of a row and its set of hyper-parameters, as a cell."""
    return " ".join(filter(None, (row["experiment"], row["set"])))


def betas(row: Row) -> str:
    """The decays of a row, as a cell."""
    return ", ".join(number(row[name]) for name in ("beta", "beta1", "beta2") if row[name] is not None)


def exactly(name: str) -> Callable[[Row], str]:
    """The cell of a number that is given, and may not look like another one."""
    return lambda row: number(row[name])


def _cells(rows: Sequence[Row], layout: Layout) -> list[list[str]]:
    return [[_text(row[cell] if isinstance(cell, str) else cell(row)) for _, _, cell in layout.main] for row in rows]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2e}" if 0 < abs(value) < 0.01 else f"{value:.4g}"
    return "" if value is None else str(value)


def _latex(rows: Sequence[Row], layout: Layout) -> str:
    cells = [[latex.escape(cell) for cell in row] for row in _cells(rows, layout)]
    headings = [heading for _, heading, _ in layout.main]
    # many columns: across a page on its side, in the smallest size
    body = latex.longtable(headings, cells, layout.kinds, "2pt")
    return (
        f"% {layout.note}\n% Needs the packages booktabs, longtable and pdflscape.\n"
        f"\\begin{{landscape}}\n{{\\tiny\n{body}\n}}\n\\end{{landscape}}\n"
    )

"""Tables and pages as columns: the text of a cell must agree, the numbers in it may be off a little.

A whole number in a cell is text: a count.  All text around a table must agree, but for the digests of the
provenance, which are those of other bits elsewhere and are checked against the files they name.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from plotly.offline import get_plotlyjs

from optide import explorer, provenance, tolerances, traces
from optide.contents import Known, largest, of_report, of_run
from optide.errors import OptideError
from optide.fingerprints import Column, column

ROWS = 4
"""Rows of a table in a block: what is printed to four digits may be off by 1e-3, and is found."""

_NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|0)(?![\w.]*\w)")
_RULE = re.compile(r":?-{2,}:?")
_CELL_ENDS = {".md": r"(?<=[^\\])\|", ".tex": r"(?<=[^\\])&", ".html": r"</t[dh]>"}

_JUDGED = ("verdict", "number", "converged", "measured", "low", "high", "first", "last", "reference")
"""Columns of the claims that depend on a solution."""


class PageError(OptideError):
    """A page cannot be read as what it is said to be."""


def columns(path: str | Path, known: Known) -> Iterator[Column]:
    """The columns of a table or a page.

    Args:
        path: of a .csv, .csv-metadata.json, .md, .tex or .html file.
        known: what was accepted.

    Raises:
        PageError: the page, or the CSV file of its table, cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        if explorer.is_one(text):
            yield from _of_explorer(text, known)
        else:
            rows = [*csv.reader(io.StringIO(text))] if path.suffix == ".csv" else _cells(path.suffix, text)
            yield from _of_rows(rows, _chaotic_cells(path, rows, known), known)
    except (OSError, ValueError, KeyError) as error:
        raise PageError(f"{path}: not a readable {path.suffix} file ({error})") from None


def _cells(suffix: str, text: str) -> list[list[str]]:
    lines = provenance.without(suffix, text).splitlines()
    if suffix not in _CELL_ENDS:
        return [[line] for line in lines]
    # the width of a column depends on its numbers
    split = (re.split(_CELL_ENDS[suffix], line) for line in lines)
    return [[_RULE.sub("--", cell.strip()) for cell in cells] for cells in split]


def _of_rows(rows: Sequence[Sequence[str]], chaotic: set[tuple[int, int]], known: Known) -> Iterator[Column]:
    """The lines around the table, and the columns of the table, which are as many as any line has cells."""
    width = max(map(len, rows))
    table = [i for i, row in enumerate(rows) if len(row) == width > 1]
    around = [" ".join(row) for row in rows if not len(row) == width > 1]
    yield column("", "text around the table", pa.array(around, pa.string()))
    for j in range(width if table else 0):
        heading, *cells = (rows[i][j] for i in table)
        kept = [None if (i, j) in chaotic else cell for i, cell in zip(table[1:], cells, strict=True)]
        name = f"column {j + 1} ({heading})"
        yield _placed(
            column("", name, pa.array([cell and _NUMBER.sub("#", cell) for cell in kept], pa.string())), table
        )
        numbers = [_NUMBER.findall(cell or "") for cell in kept]
        for n in range(max(map(len, numbers), default=0)):
            values = pa.array([float(found[n]) if len(found) > n else None for found in numbers], pa.float64())
            number = f"{name}, number {n + 1}"
            tolerance = known.tolerance("", number, tolerances.of_cells(heading, largest(values)))
            yield _placed(column("", number, values, tolerance, length=ROWS), table)


def _placed(of_cells: Column, table: Sequence[int]) -> Column:
    """A column whose places are named by the lines of the file."""

    def named(start: int, end: int) -> str:
        first, last = table[1 + start] + 1, table[end] + 1
        return f"line {first}" if first == last else f"lines {first} to {last}"

    return of_cells._replace(where=named)


def _chaotic_cells(path: Path, rows: Sequence[Sequence[str]], known: Known) -> set[tuple[int, int]]:
    """The cells, by row and column of the file, that depend on a chaotic solution.

    They are found in the CSV file of the table: of a claim, all that is said of the published scheme, and of a
    configuration, what its columns for the published scheme say.
    """
    if not known.chaotic or path.suffix == ".json":
        return set()
    with path.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
        records = [*csv.DictReader(stream)]
    found = [_is_chaotic(record, known.chaotic) for record in records]
    if path.suffix == ".csv":
        judged = "model" in records[0]
        chosen = [name in _JUDGED if judged else name.startswith("published") for name in records[0]]
    else:
        # a page has a row for each claim, which may have several configurations
        keys = [record.get("claim", i) for i, record in enumerate(records)]
        found = [any(of for key, of in zip(keys, found, strict=True) if key == one) for one in dict.fromkeys(keys)]
        width = max(map(len, rows))
        chosen = ["publ" in heading for heading in next(row for row in rows if len(row) == width)]
    table = [i for i, row in enumerate(rows) if len(row) == len(chosen)][-len(found) :]
    return {
        (i, j) for i, is_chaotic in zip(table, found, strict=True) if is_chaotic for j, of in enumerate(chosen) if of
    }


def _is_chaotic(record: Mapping[str, str], chaotic: frozenset[str]) -> bool:
    """Whether a row of a CSV file rests on a chaotic solution, its own or the one it is compared with."""
    if record.get("model", "published") != "published":
        return False
    against = dict(pair.split("=", 1) for pair in record.get("against", "").split())
    return not chaotic.isdisjoint(traces.name(_typed({**record, **other})) for other in ({}, against))


def _typed(record: Mapping[str, str]) -> dict[str, Any]:
    numbers = {name: float(record[name]) if record[name] else None for name in ("beta", "beta1", "beta2")}
    numbers |= {name: float(record[name]) for name in ("learning_rate", "theta0")}
    return {"experiment": record["experiment"], "set": record["set"], **numbers}


def _of_explorer(text: str, known: Known) -> Iterator[Column]:
    """The text of the explorer without plotly.js, and the values of every curve."""
    page, data = explorer.unpack(text)
    lanes = data.pop("lanes")
    rest = provenance.without(".html", page).replace(get_plotlyjs(), "")
    yield column("", "text", pa.array(rest.splitlines()))
    yield column("", "data", pa.array([json.dumps(data), f"{len(lanes)} configurations"]))
    for i, lane in enumerate(lanes):
        values, reports = lane.pop("values"), lane.pop("reports")
        name = f"{lane['experiment']}, learning rate {lane['learning_rate']}, {lane['hyperparameters']}"
        name += f", theta0 {lane['theta0']}"
        yield column(name, "k", pa.array(lane.pop("k")))
        yield column(name, "key", pa.array([f"configuration {i}", json.dumps(lane)]))
        for scheme in data["schemes"]:
            report = reports.get(scheme, {})
            part, grade = f"{name}, {scheme}", known.grade({**report, "scheme": scheme}, name)
            if report:
                yield from of_report(part, report, grade, known)
            for quantity, by_scheme in values.items():
                yield of_run(part, quantity, pa.array(by_scheme[scheme]), grade, known)

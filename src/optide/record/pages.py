"""Tables and pages as columns: the text of a cell must agree, the numbers in it may be off a little.

A whole number in a cell is text: a count.  All text around a table must agree, but for the digests of the
provenance, which are those of other bits elsewhere and are checked against the files they name.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from plotly.offline import get_plotlyjs

from optide.base.errors import FileError
from optide.data import frames, provenance, tolerances, traces
from optide.data.fingerprints import PLACES, Column, column
from optide.data.tolerances import CHAOTIC
from optide.record.contents import Known, of_report, of_run
from optide.show import explorer

ROWS = 4
"""Rows of a table in a block: what is printed to four digits may be off by 1e-3, and is found."""

_NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|0)(?![\w.]*\w)")
_RULE = re.compile(r":?-{2,}:?")
_ROWS = {".md": (r"\|", r"(?<=[^\\])\|"), ".tex": (r".*\\\\$", r"(?<=[^\\])&"), ".html": (r"\s*<tr>", r"</t[dh]>")}
"""What a line that is a row of a table looks like from its beginning, and what separates its cells."""

_JUDGED = ("verdict", "number", "converged", "measured", "low", "high", "first", "last", "reference")
"""Columns of the claims that depend on a solution."""


def columns(path: str | Path, known: Known) -> Iterator[Column]:
    """The columns of a table or a page.

    Args:
        path: of a .csv, .csv-metadata.json, .md, .tex or .html file.
        known: what was accepted.

    Raises:
        FileError: the page, or the CSV file of its table, cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        if explorer.is_one(text):
            yield from _of_explorer(text, known)
        else:
            rows = [*csv.reader(io.StringIO(text))] if path.suffix == ".csv" else _cells(path.suffix, text)
            yield from _of_rows(rows, _grades(path, rows, known), known)
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{path}: not a readable {path.suffix} file ({error})") from None


def _cells(suffix: str, text: str) -> list[list[str]]:
    """The cells of each line; a line that is no row of a table is one cell."""
    lines = provenance.without(suffix, text).splitlines()
    row, separator = _ROWS.get(suffix, ("$.", ""))
    split = (re.split(separator, line) if re.match(row, line) else [line] for line in lines)
    # the width of a column depends on its numbers
    return [[_RULE.sub("--", cell.strip()) for cell in cells] for cells in split]


def _of_rows(rows: Sequence[Sequence[str]], grades: Mapping[tuple[int, int], str], known: Known) -> Iterator[Column]:
    """The lines around the table, and the columns of the table, which are as many as any line has cells."""
    width = max(map(len, rows))
    table = [i for i, row in enumerate(rows) if len(row) == width > 1]
    around = [" ".join(row) for row in rows if not len(row) == width > 1]
    yield column("", "text around the table", pa.array(around, pa.string()))
    for j in range(width if table else 0):
        heading, *cells = (rows[i][j] for i in table)
        name, of = f"column {j + 1} ({heading})", [grades.get((i, j), "") for i in table[1:]]
        kept = [None if grade == CHAOTIC else cell for cell, grade in zip(cells, of, strict=True)]
        texts = pa.array([cell and _NUMBER.sub("#", cell) for cell in kept], pa.string())
        where = _lines([i + 1 for i in table[1:]])
        yield column("", name, texts)._replace(where=where)
        allowed = PLACES * np.array([tolerances.of_cell(heading, grade) for grade in of])
        numbers = [_NUMBER.findall(cell or "") for cell in kept]
        for n in range(max(map(len, numbers), default=0)):
            values = pa.array([float(found[n]) if len(found) > n else None for found in numbers], pa.float64())
            number = f"{name}, number {n + 1}"
            tolerance = known.tolerance("", number, tolerances.of_cells(heading))
            yield column("", number, values, tolerance, length=ROWS)._replace(where=where, allowed=allowed)


def _lines(lines: Sequence[int]) -> Callable[[int, int], str]:
    """Names rows by the lines of the file that they are in."""

    def named(start: int, end: int) -> str:
        return f"line {lines[start]}" if end == start + 1 else f"lines {lines[start]} to {lines[end - 1]}"

    return named


def _grades(path: Path, rows: Sequence[Sequence[str]], known: Known) -> dict[tuple[int, int], str]:
    """How steady the published solutions are that cells rest on, by row and column of the file, if not steady.

    The CSV file of the table has the configurations: for a claim, what is said of the published scheme rests on
    them, and in other tables the columns for the published scheme.
    """
    if path.suffix == ".json":
        return {}
    with path.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
        records = [*csv.DictReader(stream)]
    found = [_grade(record, known) for record in records]
    if path.suffix == ".csv":
        judged = "model" in records[0]
        chosen = [name in _JUDGED if judged else name.startswith("published") for name in records[0]]
    else:
        # a page has a row for each claim, which may have several configurations
        claims: dict[Any, str] = {}
        for i, (record, grade) in enumerate(zip(records, found, strict=True)):
            claim = record.get("claim", i)
            claims[claim] = CHAOTIC if CHAOTIC in (grade, claims.get(claim)) else grade
        found, width = [*claims.values()], max(map(len, rows))
        chosen = ["publ" in heading for heading in next(row for row in rows if len(row) == width)]
    table = [i for i, row in enumerate(rows) if len(row) == len(chosen)][-len(found) :]
    return {
        (i, j): grade
        for i, grade in zip(table, found, strict=True)
        for j, rests in enumerate(chosen)
        if grade != "published" and rests
    }


def _grade(record: Mapping[str, str], known: Known) -> str:
    """How steady the published solution is that a row of a CSV file rests on, or the one it is compared with."""
    if record.get("model", "published") != "published":
        return "published"
    against = dict(pair.split("=", 1) for pair in record.get("against", "").split())
    run = {"scheme": "published", "iterations": int(record.get("published_iterations", 0))}
    found = [known.grade(run, traces.name(_typed({**record, **other}))) for other in ({}, against)]
    return CHAOTIC if CHAOTIC in found else found[0]


def _typed(record: Mapping[str, str]) -> dict[str, Any]:
    own = {name: float(record[name]) for name in frames.hyperparameters(record) if record[name]}
    theta0 = frames.together("theta0", {name: float(text) for name, text in record.items() if text and _is_start(name)})
    numbers = {"learning_rate": float(record["learning_rate"]), "theta0": theta0}
    return {"experiment": record["experiment"], "set": record["set"], **numbers, "hyperparameters": own, **own}


def _start(shown: float | str) -> float | list[float]:
    """A starting point, from how the explorer shows it."""
    return [float(part) for part in shown.strip("()").split(",")] if isinstance(shown, str) else shown


def _is_start(column: str) -> bool:
    return column.partition("[")[0] == "theta0"


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
        name += f", theta0 {_start(lane['theta0'])}"
        yield column(name, "k", pa.array(lane.pop("k")))
        yield column(name, "key", pa.array([f"configuration {i}", json.dumps(lane)]))
        for scheme in data["schemes"]:
            report = reports.get(scheme, {})
            part, grade = f"{name}, {scheme}", known.grade({**report, "scheme": scheme}, name)
            if report:
                yield from of_report(part, report, grade, known)
            for quantity, by_scheme in values.items():
                yield of_run(part, quantity, pa.array(by_scheme[scheme]), grade, known)

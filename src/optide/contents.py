"""What an artefact says, as columns that can be held against accepted ones, whatever its format."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from optide import seal, tolerances, traces
from optide.fingerprints import LENGTH, Column, Tolerance, column

_GIVEN = {*traces.CONFIGURATION.names, "lookahead", "order", "substeps", "distance", "memory"}
"""Columns of floating-point numbers that are given and not computed."""


class Known(NamedTuple):
    """What was accepted, as far as columns depend on it.

    Attributes:
        chaotic: the names (`traces.name`) of the configurations whose published solution is chaotic.
        tolerances: by part and column.
    """

    chaotic: frozenset[str]
    tolerances: Mapping[tuple[str, str], Tolerance]

    def tolerance(self, part: str, name: str, proposed: Tolerance) -> Tolerance:
        """The accepted tolerance of a column, or the one proposed."""
        return self.tolerances.get((part, name), proposed)

    def grade(self, run: Mapping[str, Any], name: str) -> str:
        """How steady a solution is (`tolerances.grade`), but chaotic only if it was so when it was accepted.

        Args:
            run: what is known of the run; without a scheme it is taken for converged.
            name: of its configuration.
        """
        if run.get("scheme") == "published" and name in self.chaotic:
            return tolerances.CHAOTIC
        found = tolerances.grade(run) if "scheme" in run else "converged"
        return "slow" if found == tolerances.CHAOTIC else found


def metadata(table: pa.Table) -> dict[str, Any]:
    """What a file of results says of itself, without the versions that made it."""
    described = json.loads((table.schema.metadata or {}).get(b"optide", b"{}"))
    return {key: value for key, value in described.items() if key != "versions"}


def of_results(path: str | Path, known: Known) -> Iterator[Column]:
    """The columns of a Parquet file of results, run by run, and of what its metadata say.

    Args:
        path: of a trace, a file of the audit, or the rates.
        known: what was accepted.

    Raises:
        SealError: the file cannot be read.
    """
    table = seal.read(path).combine_chunks()
    described = metadata(table)
    first = traces.starts(table["k"].to_numpy()) if "k" in table.schema.names else [0]
    reports = described.get("lanes", [{}] * len(first))
    yield column("settings", "configuration", _json(described.get("configuration")))
    yield column("settings", "reports", pa.array([len(reports)]))
    for start, end, report in zip(first, [*first[1:], table.num_rows], reports, strict=False):
        run = table.slice(start, end - start)
        row = {**report, **run.slice(0, 1).to_pylist()[0]}
        part = _name(row)
        grade = known.grade(row, part)
        for field in run.schema:
            yield of_run(part, field.name, run[field.name].combine_chunks(), grade, known, first=int(start))
        yield from of_report(part, report, grade, known)


def _json(value: Any) -> pa.Array:
    return pa.array([json.dumps(value, sort_keys=True)])


def _name(row: Mapping[str, Any]) -> str:
    """The name of a run by its first row; "" for rows of a table that is not of runs."""
    if "theta0" not in row:
        return ""
    treatment = [f"{name} {row[name]}" for name in ("lookahead", "order", "substeps") if name in row]
    return ", ".join([traces.name(row), *treatment])


def of_run(part: str, name: str, values: pa.Array, grade: str, known: Known, *, first: int = 0) -> Column:
    """A column of one run; of a chaotic solution only where there are numbers, but for the times.

    Args:
        part: the run.
        name: of the column.
        values: of the column.
        grade: of the solution (`tolerances.grade`).
        known: what was accepted.
        first: the row of the first value.
    """
    computed = pa.types.is_floating(values.type) and name not in _GIVEN
    if grade == tolerances.CHAOTIC and (name == "converged" or (computed and name not in ("t", "u"))):
        there = pc.fill_null(pc.is_finite(values), False) if computed else pc.is_valid(values)
        return column(part, f"{name} is there", there, first=first)
    if not computed:
        return column(part, name, values, first=first)
    tolerance = known.tolerance(part, name, tolerances.of_values(name, grade, largest(values)))
    return column(part, name, values, tolerance, length=None if name in ("t", "u") else LENGTH, first=first)


def of_report(part: str, report: Mapping[str, Any], grade: str, known: Known) -> Iterator[Column]:
    """What is reported of one run and its solution; of a chaotic one, only which run it is."""
    solved = ("converged", "iterations", "residual", "residuals")
    yield column(part, "report", _json({name: value for name, value in report.items() if name not in solved}))
    if "iterations" in report and grade != tolerances.CHAOTIC:
        yield column(part, "reported converged", pa.array([report["converged"]]))
        yield column(part, "iterations", pa.array([report["iterations"]]))
        for name, values in {"residual": [report["residual"]], "residuals": report.get("residuals", [])}.items():
            tolerance = known.tolerance(part, name, tolerances.RESIDUAL[grade])
            yield column(part, name, pa.array(values, pa.float64()), tolerance, length=LENGTH)


def largest(values: pa.Array) -> float:
    """The largest absolute value of a column of floating-point numbers; 0 if none is finite."""
    finite = values.filter(pc.fill_null(pc.is_finite(values), False))
    return pc.max(pc.abs(finite)).as_py() or 0.0

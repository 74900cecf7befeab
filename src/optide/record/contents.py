"""What an artefact says, as columns that can be held against accepted ones, whatever its format."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from optide.data import layout, seal, tolerances, traces
from optide.data.fingerprints import LENGTH, Column, Tolerance, column
from optide.problem.registry import OPTIMIZERS

_COMPUTED = re.compile(r"(t|u|theta|loss|rate|low|high|residual)(\[\d+\])?")


def is_computed(field: pa.Field) -> bool:
    """Whether the values of a column are computed numbers, and not given."""
    of_state = field.name.partition("[")[0] in {state for one in OPTIMIZERS.values() for state in one.states}
    return pa.types.is_floating(field.type) and (of_state or bool(_COMPUTED.fullmatch(field.name)))


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


class Run(NamedTuple):
    """One configuration, solved in one way, in a file of results.

    Attributes:
        name: "" if the file is not of runs.
        first: its first row in the file.
        values: its rows.
        report: what the metadata of the file say of it.
    """

    name: str
    first: int
    values: pa.Table
    report: dict[str, Any]


def runs(table: pa.Table) -> list[Run]:
    """The runs in a file of results, a lane each; or the file, if it has none."""
    reports = metadata(table).get("lanes", ())
    parts = [*traces.split(table)] if "lane" in table.schema.names else []
    # where lanes are not those of the metadata, as after tampering, it is not known whose rows are whose
    if not parts or len(reports) != len(parts):
        return [Run("", 0, table, {})]
    first = [0, *itertools.accumulate(part.num_rows for part in parts[:-1])]
    return [
        Run(_name(part, report), start, part, report) for start, part, report in zip(first, parts, reports, strict=True)
    ]


def _name(values: pa.Table, report: Mapping[str, Any]) -> str:
    row = {**values.slice(0, 1).to_pylist()[0], **report}
    treatment = [f"{name} {row[name]}" for name in ("lookahead", "order", "substeps") if name in row]
    return ", ".join([traces.name(row), *treatment])


def chaotic(table: pa.Table) -> Iterator[str]:
    """The names of the chaotic solutions in a file of results."""
    scheme = metadata(table).get("scheme")
    for run in runs(table) if scheme else ():
        if tolerances.grade({"scheme": scheme, **run.report}) == tolerances.CHAOTIC:
            yield run.name


def of_results(path: str | Path, known: Known) -> Iterator[Column]:
    """The columns of a Parquet file of results, run by run, and of what its metadata say.

    Args:
        path: of a trace, a file of the audit, or the rates.
        known: what was accepted.

    Raises:
        FileError: the file cannot be read, or is a trace of other columns than its own.
    """
    table = seal.read(path).combine_chunks()
    described = metadata(table)
    if "scheme" in described:
        # in name and type; a null where none may be is found, and named, as any other value
        found = pa.Table.from_arrays(table.columns, names=table.schema.names)
        seal.demand_columns(path, found, lambda: _of_trace(described), "a trace")
    yield column("settings", "configuration", _json(described.get("configuration")))
    yield column("settings", "reports", pa.array([len(described.get("lanes", ()))]))
    for run in runs(table):
        scheme = {"scheme": described["scheme"]} if "scheme" in described else {}
        grade = known.grade({**run.report, **scheme}, run.name)
        for field in run.values.schema:
            values = run.values[field.name].combine_chunks()
            yield of_run(run.name, field.name, values, grade, known, first=run.first)
        yield from of_report(run.name, run.report, grade, known)


def _of_trace(described: Mapping[str, Any]) -> pa.Schema:
    return pa.schema(
        [field.with_nullable(True) for field in layout.schema(described["configuration"], described["states"])]
    )


def _json(value: Any) -> pa.Array:
    return pa.array([json.dumps(value, sort_keys=True)])


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
    computed = is_computed(pa.field(name, values.type))
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

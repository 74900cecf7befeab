"""Parquet traces: every configuration of one experiment at one learning rate by one scheme, a lane each.

All traces of the paper's optimizers have the same columns, so that any glob of them reads as one table.  Those of
other optimizers have the columns of their own hyper-parameters and states besides; where theta is a list, each of its
elements is a column, as `theta[0]`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from optide.base import display
from optide.base.errors import FileError
from optide.data import seal
from optide.data.columns import numbers
from optide.problem.registry import STATES, hyperparameter_columns, is_state, parts
from optide.settings.config import Config, elements, label

if TYPE_CHECKING:
    import pandas as pd

FORMAT = b"2"
"""Raise it whenever a trace means something else than before, so that no old one is taken for new."""

_KEY = b"optide"
_FORMAT_KEY = b"optide-format"

Key = tuple[Any, ...]
"""What tells a configuration from all others of its scheme."""


def given(hyperparameters: Iterable[str] = (), size: int = 0) -> pa.Schema:
    """The columns that say what a row belongs to.

    Args:
        hyperparameters: that are given; those of the paper's optimizers always have a column.
        size: elements of theta, where it is a list.
    """
    return pa.schema(
        [
            *(
                pa.field(n, pa.string(), nullable=False)
                for n in ("experiment", "set", "scheme", "objective", "optimizer")
            ),
            pa.field("learning_rate", pa.float64(), nullable=False),
            *(pa.field(name, pa.float64()) for name in hyperparameter_columns(hyperparameters)),
            *(pa.field(name, pa.float64(), nullable=False) for name in parts("theta0", size)),
            pa.field("steps", pa.int64(), nullable=False),
            pa.field("converged", pa.bool_()),  # null for the discrete algorithm
            pa.field("lane", pa.int64(), nullable=False),
        ]
    )


def computed(states: Iterable[str] = (), size: int = 0) -> pa.Schema:
    """The columns of a point of a trace: theta and loss at time t = k alpha, the states at time u."""
    others = [part for state in states for part in parts(state, size) if part not in STATES]
    return pa.schema(
        [
            pa.field("k", pa.int64(), nullable=False),
            *(pa.field(name, pa.float64(), nullable=False) for name in ("t", "u", *parts("theta", size), "loss")),
            *(pa.field(name, pa.float64()) for name in (*STATES, *others)),
        ]
    )


def schema(experiment: Config, states: Iterable[str]) -> pa.Schema:
    """All columns of the traces of an experiment slice, whose optimizer has these states."""
    hyperparameters = {name for entry in experiment["sets"] for name in entry["hyperparameters"]}
    size = elements(experiment["theta0"][0])
    return pa.schema([*given(hyperparameters, size), *computed(states, size)])


def lane(schema: pa.Schema, values: Mapping[str, np.ndarray], constants: Mapping[str, Any]) -> pa.Table:
    """The rows of one lane: some columns have values, (n,), all others are constant, or null where nothing is known.

    Values and constants that are lists, (n, d) and (d,), are columns for each element.
    """
    columns = {part: column for name, of in values.items() for part, column in _apart(name, np.asarray(of)).items()}
    rows = len(next(iter(columns.values())))
    starts = _apart("theta0", np.asarray([constants["theta0"]], float))
    same = {name: value for name, value in constants.items() if name != "theta0"}
    same |= constants["hyperparameters"] | {part: float(one[0]) for part, one in starts.items()}
    return pa.table(
        [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.repeat(pa.scalar(same.get(field.name), field.type), rows)
            for field in schema
        ],
        schema=schema,
    )


def _apart(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of a quantity, (n,) or (n, d)."""
    if values.ndim == 1:
        return {name: values}
    return {part: values[:, i] for i, part in enumerate(parts(name, values.shape[1]))}


def together(part: pa.Table, theta0: float | Sequence[float]) -> np.ndarray:
    """theta of the rows of a lane that starts at theta0: (n,), or (n, d) where it is a list of d elements."""
    return _joined(lambda name: numbers(part.column(name)), "theta", theta0)


def _joined(column: Callable[[str], np.ndarray], quantity: str, theta0: float | Sequence[float]) -> np.ndarray:
    """A quantity that has as many elements as theta, from its columns by name: (n,), or (n, d)."""
    columns = [column(name) for name in parts(quantity, elements(theta0))]
    return np.stack(columns, axis=-1) if elements(theta0) else columns[0]


def write(path: str | Path, table: pa.Table, metadata: dict[str, Any]) -> None:
    """Write a trace, sealed, whole or not at all.

    Args:
        path: of the Parquet file (zstd).
        table: of `schema`.
        metadata: of `optide.studies.experiments.run`; kept in the file under the key "optide", as JSON.

    Raises:
        FileError: it cannot be written.
    """
    keys = {_KEY: json.dumps(metadata, sort_keys=True), _FORMAT_KEY: FORMAT}
    seal.write(path, table.cast(_schema(metadata)).replace_schema_metadata(keys))


def read(path: str | Path) -> pa.Table:
    """Read a trace and make sure that it is one, to the last bit.

    Raises:
        FileError: the file cannot be read or was damaged, its format is not that of this version,
            or its columns are not those of its configuration.
    """
    table = seal.read_or_tell(path)
    found = (table.schema.metadata or {}).get(_FORMAT_KEY)
    if found != FORMAT:
        raise FileError(f"{path}: format {found!r} of another version of optide, not {FORMAT!r}; {seal.REMEDY}")
    seal.demand_columns(path, table, lambda: _schema(_metadata(table)), "a trace")
    return table


def _schema(metadata: Mapping[str, Any]) -> pa.Schema:
    return schema(metadata["configuration"], metadata["states"])


def metadata(path: str | Path) -> dict[str, Any]:
    """What `write` was given: configuration, scheme, convergence of each lane, versions."""
    return _metadata(read(path))


def _metadata(table: pa.Table) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
    return described


class Trace(NamedTuple):
    """One lane of a trace file.

    Attributes:
        configuration: the columns of `given`, with theta0 whole, a mapping `hyperparameters`, and what the metadata say
            of this lane (for a continuous scheme: iterations, residual, and the residual of each iteration).
        values: the columns of `computed` that the optimizer has, each (n,).
    """

    configuration: dict[str, Any]
    values: dict[str, np.ndarray]

    @property
    def quantities(self) -> tuple[str, ...]:
        """What a curve can be drawn of."""
        return tuple(name for name in self.values if name not in ("k", "t", "u"))

    @property
    def theta(self) -> np.ndarray:
        """(n,), or (n, d) where it is a list of d elements."""
        return self.whole("theta")

    def whole(self, quantity: str) -> np.ndarray:
        """theta or a state with all of its elements, likewise."""
        return _joined(self.values.__getitem__, quantity, self.configuration["theta0"])

    def place(self, quantity: str) -> np.ndarray:
        """Where the values of a quantity are on the axis of steps, (n,): t / alpha, and u / alpha for a state."""
        alpha: float = self.configuration["learning_rate"]
        return self.values["u" if is_state(quantity) else "t"] / alpha

    def curve(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """The steps that the values of a quantity belong to, (n,) integers, and the values, (n,).

        A state belongs to the number of updates that it contains.
        """
        return np.rint(self.place(quantity)).astype(int), self.values[quantity]

    def __repr__(self) -> str:
        return f"Trace({self.configuration['scheme']}, {name(self.configuration)}, {len(self.values['t'])} points)"

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each point, with the columns of `values`."""
        import pandas as pd  # noqa: PLC0415  (a third of a second that jobs need not)

        return pd.DataFrame(self.values)

    def _repr_html_(self) -> str:
        wholes: dict[str, list[str]] = {}
        for quantity in self.quantities:
            wholes.setdefault(quantity.partition("[")[0], []).append(quantity)
        return display.in_html(
            self, {w: (self.place(w), [self.values[q] for q in parts]) for w, parts in wholes.items()}
        )


def choice(configuration: Mapping[str, Any]) -> str:
    """The set and the hyper-parameters of a configuration, as in "set A: beta=0.9"; "none" if it has neither."""
    named = [f"set {configuration['set']}"] if configuration["set"] else []
    chosen = label("", configuration["hyperparameters"]).strip()
    return ": ".join([*named, *([chosen] if chosen else [])]) or "none"


def name(configuration: Mapping[str, Any]) -> str:
    """What tells a configuration from all others of its scheme, in words."""
    return ", ".join(
        [
            str(configuration["experiment"]),
            f"learning rate {configuration['learning_rate']}",
            choice(configuration),
            f"theta0 {configuration['theta0']}",
        ]
    )


def key(configuration: Mapping[str, Any]) -> Key:
    """To look a configuration up by."""
    theta0 = configuration["theta0"]
    return (
        *(configuration[name] for name in ("experiment", "set", "learning_rate")),
        tuple(theta0) if isinstance(theta0, Sequence) else theta0,
        *sorted(configuration["hyperparameters"].items()),
    )


def lanes(path: str | Path) -> list[Trace]:
    """The configurations of a trace file, in their order in it.

    Raises:
        FileError: as in `read`; or the metadata are those of other lanes.
    """
    table = read(path)
    reports = _metadata(table)["lanes"]
    found = [*split(table)]
    if len(reports) != len(found):
        raise FileError(f"{path}: {len(found)} configurations, but metadata for {len(reports)}")
    columns = given(_others(table, reports), elements(reports[0]["theta0"])).names
    return [_trace(part, report, columns) for part, report in zip(found, reports, strict=True)]


def split(table: pa.Table) -> Iterable[pa.Table]:
    """The rows of each lane, in order."""
    lane = numbers(table.column("lane"))
    ends = [*(1 + np.flatnonzero(np.diff(lane))), len(lane)]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        yield table.slice(start, end - start)


def _others(table: pa.Table, reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """All hyper-parameters that any lane has."""
    return [name for report in reports for name in report["hyperparameters"] if name in table.schema.names]


def _trace(part: pa.Table, report: dict[str, Any], columns: Sequence[str]) -> Trace:
    (row,) = part.slice(0, 1).select(columns).to_pylist()
    values = {n: part.column(n) for n in part.schema.names if n not in columns and part.column(n).null_count == 0}
    return Trace({**row, **report}, {name: numbers(column) for name, column in values.items()})

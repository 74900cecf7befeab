"""Parquet traces: every configuration of one experiment at one learning rate by one scheme, a lane each."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from optide.base import display
from optide.base.errors import FileError, ParameterError
from optide.base.words import counted, nearest
from optide.data import layout, seal
from optide.data.columns import numbers
from optide.data.layout import joined
from optide.problem.registry import is_state
from optide.settings.config import elements, label

if TYPE_CHECKING:
    import pandas as pd

FORMAT = b"2"
"""Raise it whenever a trace means something else than before, so that no old one is taken for new."""

_KEY = b"optide"
_FORMAT_KEY = b"optide-format"

Key = tuple[Any, ...]
"""What tells a configuration from all others of its scheme."""


def write(path: str | Path, table: pa.Table, metadata: dict[str, Any]) -> None:
    """Write a trace, sealed, whole or not at all.

    Args:
        path: of the Parquet file (zstd).
        table: of `optide.data.layout.schema`.
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
    return layout.schema(metadata["configuration"], metadata["states"])


def metadata(path: str | Path) -> dict[str, Any]:
    """What is known of a trace file as a whole.

    Args:
        path: of the Parquet file.

    Returns:
        Its configuration, scheme, what became of each lane, and versions: the JSON that docs/traces.md describes.

    Raises:
        FileError: it cannot be read or was damaged, or is no trace of this version.
    """
    return _metadata(read(path))


def _metadata(table: pa.Table) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
    return described


class Trace(NamedTuple):
    """One lane of a trace file.

    Attributes:
        configuration: by name what a row belongs to: experiment, set, scheme, objective, optimizer, learning_rate,
            hyperparameters (a mapping), theta0 (a number, or a list of d), steps, converged (None of an algorithm) and
            lane; of an equation also iterations, residual, and residuals, one of each iteration.
        values: by name k, t (in units of time), u (of the states, likewise), theta, loss and the states of the
            optimizer, each (n,); of a list theta0 each element by itself, as theta[0].
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
        """theta or a state with all of its elements.

        Args:
            quantity: "theta" or the name of a state.

        Returns:
            Its values, (n,), or (n, d) where theta0 is a list of d elements.

        Raises:
            ParameterError: the trace has no such quantity; names those that it has.
        """
        self._demand(quantity, self._wholes)
        return joined(self.values.__getitem__, quantity, self.configuration["theta0"])

    def place(self, quantity: str) -> np.ndarray:
        """Where the values of a quantity are on the axis of steps.

        Args:
            quantity: one of `quantities`, or the whole of which they are elements.

        Returns:
            Of shape (n,), in steps: t / alpha, and u / alpha for a state.

        Raises:
            ParameterError: the trace has no such quantity; names those that it has.
        """
        self._demand(quantity, dict.fromkeys([*self.quantities, *self._wholes]))
        alpha: float = self.configuration["learning_rate"]
        return self.values["u" if is_state(quantity) else "t"] / alpha

    def curve(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """A quantity over steps; a state belongs to the number of updates that it contains.

        Args:
            quantity: one of `quantities`.

        Returns:
            The steps, (n,) integers, and the values at them, (n,).

        Raises:
            ParameterError: the trace has no such quantity; names those that it has.
        """
        self._demand(quantity, self.quantities)
        return np.rint(self.place(quantity)).astype(int), self.values[quantity]

    @property
    def _wholes(self) -> dict[str, list[str]]:
        """The quantities by what they are elements of, or themselves."""
        wholes: dict[str, list[str]] = {}
        for quantity in self.quantities:
            wholes.setdefault(quantity.partition("[")[0], []).append(quantity)
        return wholes

    def _demand(self, quantity: object, there: Collection[str]) -> None:
        if not isinstance(quantity, str) or quantity not in there:
            raise ParameterError("quantity", quantity, f"one of {', '.join(there)}{nearest(quantity, there)}")

    def __repr__(self) -> str:
        points = counted(len(self.values["t"]), "point")
        return f"Trace({self.configuration['scheme']}, {name(self.configuration)}, {points})"

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each point, with the columns of `values`."""
        import pandas as pd  # noqa: PLC0415  (a third of a second that jobs need not)

        return pd.DataFrame(self.values)

    def _repr_html_(self) -> str:
        return display.in_html(
            self, {w: (self.place(w), [self.values[q] for q in parts]) for w, parts in self._wholes.items()}
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
    """The configurations of a trace file.

    Args:
        path: of the Parquet file.

    Returns:
        A trace for each, in their order in the file.

    Raises:
        FileError: it cannot be read or was damaged, or is no trace of this version; or its metadata are those of other
            lanes.
    """
    table = read(path)
    reports = _metadata(table)["lanes"]
    found = [*split(table)]
    if len(reports) != len(found):
        raise FileError(f"{path}: {counted(len(found), 'configuration')}, but metadata for {len(reports)}")
    columns = layout.given(_others(table, reports), elements(reports[0]["theta0"])).names
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

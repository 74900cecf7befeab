"""Measurements as one pandas frame, with the columns that the optimizers measured need, whichever they are."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from optide.base.errors import ConfigError
from optide.data import traces
from optide.data.traces import Key, Trace
from optide.problem.registry import OPTIMIZERS, parts
from optide.settings.config import elements

Row = Mapping[str, Any]

_BEFORE = ("experiment", "set", "objective", "optimizer", "learning_rate")


def by_configuration(lanes: Iterable[Trace]) -> dict[Key, dict[str, Trace]]:
    """The traces of each configuration (`traces.key`) by their schemes, in the order of configurations."""
    found: dict[Key, dict[str, Trace]] = {}
    for lane in lanes:
        found.setdefault(traces.key(lane.configuration), {})[lane.configuration["scheme"]] = lane
    return found


def columns(configurations: Iterable[Row]) -> list[str]:
    """The columns that tell configurations apart and say what each is of, with all hyper-parameters that any has."""
    configurations = [*configurations]
    chosen = sorted({name for one in configurations for name in one["hyperparameters"]})
    return [*_BEFORE, *chosen, *of_elements("theta0", configurations), "steps"]


def of_elements(quantity: str, configurations: Iterable[Row]) -> list[str]:
    """The columns of a quantity that has as many elements as theta."""
    sizes = sorted({elements(one["theta0"]) for one in configurations})
    return [*dict.fromkeys(part for size in sizes for part in parts(quantity, size))]


def apart(quantity: str, value: Any) -> dict[str, Any]:
    """A value of such a quantity, number or list, by column."""
    return dict(zip(parts(quantity, elements(value)), value if elements(value) else [value], strict=True))


def together(quantity: str, row: Mapping[str, float]) -> float | list[float]:
    """Likewise, from its columns in a row, in order: the number, or the list."""
    return row[quantity] if quantity in row else [*row.values()]


def hyperparameters(columns: Iterable[str]) -> list[str]:
    """Those among the columns of a table or of the claims."""
    names = [*columns]
    own = itertools.takewhile(
        lambda name: name not in ("steps", "converged"), names[names.index("learning_rate") + 1 :]
    )
    return [name for name in own if name.partition("[")[0] != "theta0"]


def row(configuration: Row) -> dict[str, Any]:
    """A configuration's own values of `columns`."""
    named = {name: configuration[name] for name in (*_BEFORE, "steps")}
    return {**named, **apart("theta0", configuration["theta0"]), **configuration["hyperparameters"]}


def states(optimizer: str) -> tuple[str, ...]:
    """The states of an optimizer, in its own order: of a first and a second moment the second is the last."""
    return tuple(OPTIMIZERS[optimizer].states)


def frame(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame of Arrow's types: null, for what an optimizer does not have, is another thing than NaN, for what
    cannot be measured.

    Args:
        rows: values by column; what a row lacks is null.
        columns: in their order.

    Raises:
        ConfigError: two columns have one name.
        KeyError: a row has a value for which there is no column.
    """
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise ConfigError(f"{twice[0]}: a hyper-parameter or state of this name, which another column of a table has")
    if lost := [name for row in rows for name in row if name not in columns]:
        raise KeyError(f"no column {lost[0]!r}")
    table = pa.table({name: [row.get(name) for row in rows] for name in columns})
    made: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return made

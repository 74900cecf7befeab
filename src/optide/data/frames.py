"""Measurements as one pandas frame, with the columns that the optimizers measured need, whichever they are."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from optide.base.errors import ConfigError
from optide.data import traces
from optide.data.traces import LaneTrace
from optide.settings.config import STATES

Row = Mapping[str, Any]

_BEFORE, _AFTER = ("experiment", "set", "objective", "optimizer", "learning_rate"), ("theta0", "steps")


def by_configuration(lanes: Iterable[LaneTrace]) -> dict[tuple[Any, ...], dict[str, LaneTrace]]:
    """The traces of each configuration (`traces.key`) by their schemes, in the order of configurations."""
    found: dict[tuple[Any, ...], dict[str, LaneTrace]] = {}
    for lane in lanes:
        found.setdefault(traces.key(lane.configuration), {})[lane.configuration["scheme"]] = lane
    return found


def columns(configurations: Iterable[Row]) -> list[str]:
    """The columns that tell configurations apart and say what each is of, with all hyper-parameters that any has."""
    return [*_BEFORE, *sorted({name for one in configurations for name in one["hyperparameters"]}), *_AFTER]


def hyperparameters(columns: Iterable[str]) -> list[str]:
    """Those among the columns of a table or of the claims."""
    names = [*columns]
    own = itertools.takewhile(
        lambda name: name not in ("steps", "converged"), names[names.index("learning_rate") + 1 :]
    )
    return [name for name in own if name != "theta0"]


def row(configuration: Row) -> dict[str, Any]:
    """A configuration's own values of `columns`."""
    return {**{name: configuration[name] for name in (*_BEFORE, *_AFTER)}, **configuration["hyperparameters"]}


def states(optimizer: str) -> tuple[str, ...]:
    """The states of an optimizer, in its own order: of a first and a second moment the second is the last."""
    return STATES[optimizer]


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
    found: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return found

"""The columns of traces, and the rows of a lane in them.

All traces of the paper's optimizers have the same columns, so that any glob of them reads as one table.  Those of
other optimizers have the columns of their own hyper-parameters and states besides; where theta is a list, each of its
elements is a column, as `theta[0]`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from optide.data.columns import numbers
from optide.problem.registry import STATES, hyperparameter_columns, parts
from optide.settings.config import Config, elements


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
    starts = _apart("theta0", np.asarray([constants["theta0"]], float))
    same = {name: value for name, value in constants.items() if name != "theta0"}
    same |= constants["hyperparameters"] | {part: float(one[0]) for part, one in starts.items()}
    return rows(schema, columns, same)


def rows(schema: pa.Schema, values: Mapping[str, np.ndarray], constants: Mapping[str, Any]) -> pa.Table:
    """Rows some columns of which have values, (n,), and others one for all; what is neither of both is null."""
    count = len(next(iter(values.values())))
    return pa.table(
        [
            pa.array(values[field.name], field.type)
            if field.name in values
            else pa.repeat(pa.scalar(constants.get(field.name), field.type), count)
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
    return joined(lambda name: numbers(part.column(name)), "theta", theta0)


def joined(column: Callable[[str], np.ndarray], quantity: str, theta0: float | Sequence[float]) -> np.ndarray:
    """A quantity that has as many elements as theta, from its columns by name: (n,), or (n, d)."""
    columns = [column(name) for name in parts(quantity, elements(theta0))]
    return np.stack(columns, axis=-1) if elements(theta0) else columns[0]

"""Claims about the atlas: which rows of a region each is about, and what is measured in them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64

from optide.settings import atlas as regions
from optide.studies import atlas as study
from optide.studies.atlas_measures import BEHAVIOURS

Statement = Mapping[str, Any]

SHARES = ("throughout", "mostly", "in part")
"""Words for the share of rows in which a claim holds, from the largest on."""
HARDLY = "hardly"
"""For what is below all of them."""
RELATIVE_GAP, SETTLING, BEHAVIOUR = "relative_gap", "settling_step", "behaviour"
OF_EQUATIONS = (*study.COMPARED, RELATIVE_GAP)
"""Measurements that compare an equation with the algorithm."""
MEASURES = (*study.MEASURED, *OF_EQUATIONS)
_END = f"{study.DISCRETE}_end"


def where(statement: Statement) -> dict[str, list[float]]:
    """The first and the last value of each axis that a claim is restricted on."""
    return _by_axis(statement.get("where", {}))


def elsewhere(statement: Statement) -> dict[str, float]:
    """The values of the axes that tell what a claim compares with, if that is another configuration."""
    return {axis: at for axis, at in _by_axis(statement.get("against", {})).items() if axis not in ("by", "model")}


def _by_axis(entry: Statement) -> dict[str, Any]:
    found = dict(entry)
    chosen: dict[str, Any] = found.pop("hyperparameters", {})
    return found | chosen


def columns(model: str, measurement: str) -> list[str]:
    """The columns of the data set from which a measurement of a model, and whether it converged, are taken."""
    extra = {
        RELATIVE_GAP: [f"{model}_gap", _END, regions.THETA0],
        SETTLING: [f"{model}_{SETTLING}", f"{model}_behaviour"],
    }
    converged = [f"{model}_converged"] if model in study.EQUATIONS else []
    return [*extra.get(measurement, [f"{model}_{measurement}"]), *converged]


def numbers(rows: pa.RecordBatch, model: str, measurement: str) -> Float64[np.ndarray, " n"]:
    """What is measured in rows of the data set; NaN where there is nothing.

    A run that does not settle settles infinitely late; a behaviour is its place among `BEHAVIOURS`; `relative_gap` is
    the largest gap relative to the way of the algorithm from its start to its end.
    """
    if measurement == RELATIVE_GAP:
        with np.errstate(divide="ignore", invalid="ignore"):
            way = np.abs(_floats(rows[_END]) - _floats(rows[regions.THETA0]))
            relative: np.ndarray = _floats(rows[f"{model}_gap"]) / way
            return relative
    column = rows[f"{model}_{measurement}"]
    if measurement == BEHAVIOUR:
        return _floats(pc.index_in(column, pa.array([*BEHAVIOURS])))
    found = _floats(column)
    if measurement == SETTLING:
        ran = rows[f"{model}_{BEHAVIOUR}"].is_valid().to_numpy(zero_copy_only=False)
        found[np.isnan(found) & ran] = np.inf
    return found


def converged(rows: pa.RecordBatch, model: str) -> Bool[np.ndarray, " n"]:
    """Where a model was solved: the algorithm everywhere."""
    if model not in study.EQUATIONS:
        return np.ones(len(rows), bool)
    found: np.ndarray = rows[f"{model}_converged"].to_numpy(zero_copy_only=False)
    return found


def _floats(column: pa.Array) -> Float64[np.ndarray, " n"]:
    found: np.ndarray = column.cast(pa.float64()).to_numpy(zero_copy_only=False, writable=True)
    return found

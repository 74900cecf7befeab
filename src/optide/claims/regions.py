"""Claims about the atlas: which rows of a region each is about, and what is measured of them.

Nothing here imports JAX, so that the workflow can be planned without it.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64

from optide.base.errors import ConfigError
from optide.base.words import shown
from optide.claims.criteria import EQUALITY
from optide.settings import atlas as regions
from optide.settings.config import Config
from optide.settings.schema import nearest
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


def words() -> dict[str, dict[str, Any]]:
    """What parts of the schema can stand for (`optide.settings.vocabulary.complete`)."""
    return {"models of the atlas": {"enum": [*study.MODELS]}, "measures of the atlas": {"enum": [*MEASURES]}}


def check(document: Statement, config: Config) -> dict[str, str]:
    """Hold the claims about the atlas, which fit their schema, against the atlas.

    Args:
        document: the entry `atlas_claims` of `claims.yaml`.
        config: a configuration that was examined, with an atlas.

    Returns:
        Claims that cannot be judged, because the atlas has no such rows, with the reason.

    Raises:
        ConfigError: naming the key, its value and what is allowed.
    """
    shares = document["shares"]
    for more, less in pairwise(SHARES):
        if not shares[more] > shares[less]:
            raise ConfigError(f"atlas_claims.shares.{less} = {shares[less]}: must be below {more} = {shares[more]}")
    reasons = {}
    for name, statement in document["statements"].items():
        key = f"atlas_claims.statements.{name}"
        _check_measurement(key, statement)
        found = [_check_rows(key, statement, place, config["atlas"]) for place in range(len(statement["regions"]))]
        reasons[name] = next(filter(None, found), "")
    return {name: reason for name, reason in reasons.items() if reason}


def _check_measurement(key: str, statement: Statement) -> None:
    measured, against = statement["measurement"], statement.get("against", {})
    models = {f"{key}.models": statement["models"], f"{key}.against.model": [against.get("model", study.EQUATION)]}
    for place, given in models.items():
        if measured in OF_EQUATIONS and study.DISCRETE in given:
            raise ConfigError(f"{place}: {measured} needs {' or '.join(study.EQUATIONS)}, not {study.DISCRETE}")
    equality = against.get("by") == EQUALITY
    if measured == BEHAVIOUR and not equality:
        raise ConfigError(f"{key}.against.by: must be {EQUALITY} where measurement = {BEHAVIOUR}, which is no number")
    if equality == ("criterion" in statement):
        need = "not allowed" if equality else "missing; needed"
        raise ConfigError(f"{key}.criterion: {need} where against.by is {'' if equality else 'not '}{EQUALITY}")
    for comparison in ("between", "outside"):
        limits = statement.get("criterion", {}).get(comparison)
        if limits and not limits[0] < limits[1]:
            raise ConfigError(f"{key}.criterion.{comparison} = {limits}: the first must be below the second")
    for axis, (low, high) in where(statement).items():
        if low > high:
            raise ConfigError(f"{key}.where: {axis} = {[low, high]}: the first must not be above the second")


def _check_rows(key: str, statement: Statement, place: int, atlas: Config) -> str:
    """Make sure that a region exists and has the axes; returns which of the values it has not, or ""."""
    name = statement["regions"][place]
    if name not in atlas["regions"]:
        there = f"{', '.join(atlas['regions'])}{nearest(name, atlas['regions'])}"
        raise ConfigError(f"{key}.regions[{place}] = {shown(name)}: no such region; there are {there}")
    axes = regions.axes(atlas["regions"][name])
    wanted = {"where": where(statement), "against": {axis: [at, at] for axis, at in elsewhere(statement).items()}}
    for part, ranges in wanted.items():
        for axis, (low, high) in ranges.items():
            if axis not in axes:
                own = ", ".join(atlas["regions"][name]["hyperparameters"]) or "none"
                raise ConfigError(f"{key}.{part}.hyperparameters.{axis}: {name} has {own}{nearest(axis, axes)}")
            values = study.values(axes[axis], atlas["refine"])
            if not ((low <= values) & (values <= high)).any():
                wrong = low if part == "against" else [low, high]
                return f"{key}.{part}: {axis} = {wrong}: {name} has no such configuration"
    return ""


def where(statement: Statement) -> dict[str, list[float]]:
    """The first and the last value of each axis that a claim is restricted on."""
    return _by_axis(statement.get("where", {}))


def elsewhere(statement: Statement) -> dict[str, float]:
    """The values of the axes that tell what a claim compares with, if that is another configuration."""
    return {axis: at for axis, at in _by_axis(statement.get("against", {})).items() if axis not in ("by", "model")}


def _by_axis(entry: Statement) -> dict[str, Any]:
    return {axis: value for axis, value in entry.items() if axis != "hyperparameters"} | entry.get("hyperparameters", {})


def columns(model: str, measurement: str) -> list[str]:
    """The columns of the data set from which a measurement of a model, and whether it converged, are taken."""
    extra = {RELATIVE_GAP: [f"{model}_gap", _END, regions.THETA0], SETTLING: [f"{model}_{SETTLING}", f"{model}_behaviour"]}
    converged = [f"{model}_converged"] if model in study.EQUATIONS else []
    return [*extra.get(measurement, [f"{model}_{measurement}"]), *converged]


def numbers(rows: pa.RecordBatch, model: str, measurement: str) -> Float64[np.ndarray, " n"]:
    """What is measured in rows of the data set; NaN where there is nothing.

    A run that does not settle settles infinitely late; a behaviour is its place among `BEHAVIOURS`; `relative_gap` is
    the largest gap relative to the way of the algorithm from its start to its end.
    """
    if measurement == RELATIVE_GAP:
        with np.errstate(divide="ignore", invalid="ignore"):
            return _floats(rows[f"{model}_gap"]) / np.abs(_floats(rows[_END]) - _floats(rows[regions.THETA0]))
    column = rows[f"{model}_{measurement}"]
    if measurement == BEHAVIOUR:
        return _floats(pc.index_in(column, pa.array([*BEHAVIOURS])))
    found = _floats(column)
    if measurement == SETTLING:
        ran = rows[f"{model}_{BEHAVIOUR}"].is_valid().to_numpy(zero_copy_only=False)
        return np.where(np.isnan(found) & ran, np.inf, found)
    return found


def converged(rows: pa.RecordBatch, model: str) -> Bool[np.ndarray, " n"]:
    """Where a model was solved: the algorithm everywhere."""
    if model not in study.EQUATIONS:
        return np.ones(len(rows), bool)
    found: np.ndarray = rows[f"{model}_converged"].to_numpy(zero_copy_only=False)
    return found.astype(bool)


def _floats(column: pa.Array) -> Float64[np.ndarray, " n"]:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))

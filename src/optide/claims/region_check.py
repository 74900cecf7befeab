"""What JSON Schema cannot say about the claims about the atlas.

Nothing here imports JAX, so that the workflow can be planned without it.
"""

from itertools import pairwise
from typing import Any

from optide.base.errors import ConfigError
from optide.base.words import nearest, shown
from optide.claims.criteria import EQUALITY
from optide.claims.regions import BEHAVIOUR, MEASURES, OF_EQUATIONS, SHARES, Statement, elsewhere, where
from optide.settings import atlas as regions
from optide.settings.config import Config
from optide.studies import atlas as study


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

"""What is seen in the figures of the atlas, in numbers: a row for each plane."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optide.problem.registry import OBJECTIVES
from optide.settings.atlas import LEARNING_RATE, THETA0
from optide.settings.config import Config, number
from optide.settings.planes import BASINS, BEHAVIOUR, GAP
from optide.studies.atlas import DISCRETE, EQUATION, EQUATIONS
from optide.studies.atlas_measures import BEHAVIOURS
from optide.studies.atlas_planes import Plane, marked

WITHIN = 0.01
"""A gap up to which the equation is said to follow the algorithm: how near to a minimum a run has settled."""


def table(planes: Mapping[str, Sequence[Plane]], points: Mapping[str, Sequence[Config]]) -> pd.DataFrame:
    """What is seen in each plane of each figure; columns that are of another figure are empty.

    Args:
        planes: of each figure (`optide.studies.atlas_planes.of_maps`).
        points: of the paper, by region.
    """
    of = {GAP: _gaps, BEHAVIOUR: _behaviours, BASINS: _basins}
    rows = [
        _plane(kind, plane) | of[kind](plane, points.get(plane.region["region"], ()))
        for kind, chosen in planes.items()
        for plane in chosen
    ]
    return pd.DataFrame(rows)


def _plane(kind: str, plane: Plane) -> dict[str, Any]:
    held = " ".join(f"{name}={number(value)}" for name, value in plane.told.items())
    there = np.isfinite(plane.columns[f"{EQUATION}_end"])
    told = {name: plane.region[name] for name in ("region", "objective", "optimizer")}
    return {"figure": kind, **told, "x": plane.x, "y": plane.y, "at": held, "points": there.size, "solved": there.sum()}


def _gaps(plane: Plane, points: Sequence[Config]) -> dict[str, Any]:
    """How often each equation is near, up to which learning rate throughout, which is nearer, and the paper's gaps."""
    gaps = {model: plane.columns[f"{model}_gap"] for model in EQUATIONS}
    found: dict[str, Any] = {}
    for model, gap in gaps.items():
        known = np.isfinite(gap)
        found[f"{model}_within"] = np.mean(gap[known] <= WITHIN) if known.any() else np.nan
        found[f"{model}_follows_to"] = _throughout(plane, ~(gap > WITHIN))
    one, other = gaps.values()
    both = np.isfinite(one) & np.isfinite(other)
    found["nearer_with_lookahead"] = np.mean((one < other)[both]) if both.any() else np.nan
    at = [(round(y), round(x)) for x, y, _ in marked(plane, points)]
    for model, gap in gaps.items():
        known = [gap[place] for place in at if np.isfinite(gap[place])]
        found |= {f"{model}_paper_least": min(known, default=np.nan), f"{model}_paper_most": max(known, default=np.nan)}
    return found


def _behaviours(plane: Plane, points: Sequence[Config]) -> dict[str, Any]:
    """The share of each behaviour, and of points at which both models have the same."""
    of = {model: plane.columns[f"{model}_behaviour"] for model in (DISCRETE, EQUATION)}
    known = (of[DISCRETE] != "") & (of[EQUATION] != "")
    if not known.any():
        return {}
    shares = {
        f"{model}_{name.replace(' ', '_')}": np.mean(found[known] == name)
        for model, found in of.items()
        for name in BEHAVIOURS
    }
    return {**shares, "alike": np.mean((of[DISCRETE] == of[EQUATION])[known])}


def _basins(plane: Plane, points: Sequence[Config]) -> dict[str, Any]:
    """How often each model ends in another well than the nearest to its start, and both in different ones."""
    basin = {model: plane.columns[f"{model}_basin"] for model in (DISCRETE, EQUATION)}
    ended = {model: np.isfinite(plane.columns[f"{model}_end"]) for model in basin}
    known = ended[DISCRETE] & ended[EQUATION]
    if not known.any():
        return {}
    one, other = basin.values()
    different = known & (one != other) & ~(np.isnan(one) & np.isnan(other))
    own = _nearest(plane)
    left = {f"{model}_leaves": np.mean((of != own)[known & ~np.isnan(own)]) for model, of in basin.items()}
    return {**left, "different": np.mean(different[known]), "same_to": _throughout(plane, ~different)}


def _nearest(plane: Plane) -> np.ndarray:
    """The minimum nearest to each start; NaN midway."""
    minima = np.asarray(OBJECTIVES[plane.region["objective"]].minima, float)
    start = _along(plane, THETA0)
    apart = np.abs(start[..., None] - minima)
    tie = (apart == apart.min(axis=-1, keepdims=True)).sum(axis=-1) > 1
    return np.where(tie, np.nan, minima[apart.argmin(axis=-1)])


def _along(plane: Plane, name: str) -> np.ndarray:
    """The values of an axis in each point of a plane."""
    shape = next(iter(plane.columns.values())).shape
    if name == plane.x:
        return np.broadcast_to(plane.values(name)[None, :], shape)
    if name == plane.y:
        return np.broadcast_to(plane.values(name)[:, None], shape)
    return np.full(shape, plane.at[name])


def _throughout(plane: Plane, holds: np.ndarray) -> float:
    """The largest learning rate up to which something holds in the whole plane; NaN if it is no axis of it."""
    if LEARNING_RATE not in (plane.x, plane.y):
        return np.nan
    kept = np.logical_and.accumulate(holds.all(axis=0 if plane.x == LEARNING_RATE else 1))
    return float(plane.values(LEARNING_RATE)[kept.sum() - 1]) if kept[0] else np.nan

"""The entry `maps` of the atlas: planes through its regions, drawn as figures/atlas, and the paper's points."""

from collections.abc import Mapping
from typing import Any

from optide.base.errors import ConfigError
from optide.base.words import nearest, shown
from optide.problem.registry import OBJECTIVES
from optide.settings import atlas as regions
from optide.settings.config import Config, elements, experiment_slice, label, lanes
from optide.settings.looks import places
from optide.settings.planes import BASINS, BEHAVIOUR, defaults, varying

WELLS = 4
"""Minima that can be told apart in a panel."""


def drawn(atlas: Config) -> dict[str, list[dict[str, Any]]]:
    """The planes of each figure; none without an entry `maps`."""
    return dict(atlas.get("maps", {}))


def asked(atlas: Config) -> list[str]:
    """The regions that the figures show, in their order."""
    found = {plane["region"] for planes in drawn(atlas).values() for plane in planes}
    return [name for name in atlas["regions"] if name in found]


def check_maps(key: str, atlas: Config) -> None:
    """Make sure that each plane is one of its region.

    Raises:
        ConfigError: it is not; names the key and what is allowed.
    """
    for kind, planes in drawn(atlas).items():
        for i, plane in enumerate(planes):
            _check_plane(f"{key}.{kind}[{i}]", kind, plane, atlas["regions"])


def _check_plane(key: str, kind: str, plane: Config, known: Config) -> None:
    name = plane["region"]
    if name not in known:
        there = f"there are {', '.join(known)}{nearest(name, known)}"
        raise ConfigError(f"{key}.region = {shown(name)}: no such region; {there}")
    axes, of_plane = regions.axes(known[name]), varying(known[name])
    for side in ("x", "y"):
        if plane[side] not in of_plane:
            raise ConfigError(
                f"{key}.{side} = {shown(plane[side])}: {name} varies {' and '.join(of_plane) or 'nothing'}"
            )
    if plane["x"] == plane["y"]:
        raise ConfigError(f"{key}.y = {shown(plane['y'])}: must be another axis than x")
    given, across = plane.get("at", {}), {plane["x"], plane["y"]}
    needed = [axis for axis in of_plane if axis not in across]
    if not {*needed} <= {*given} <= {*axes} - across:
        takes = f"{name} over {plane['x']} and {plane['y']} takes {' and '.join(needed) or 'none'}"
        raise ConfigError(f"{key}.at: {takes}, not {' and '.join(given) or 'none'}")
    for axis, value in given.items():
        _check_value(f"{key}.at.{axis}", axes[axis], value, name)
    objective = known[name]["objective"]
    minima, wanted = len(OBJECTIVES[objective].minima), {BEHAVIOUR: "known", BASINS: f"1 to {WELLS} known"}
    if (kind in wanted and not minima) or (kind == BASINS and minima > WELLS):
        what = f"must be of an objective with {wanted[kind]} minima, not {objective}"
        raise ConfigError(f"{key}.region = {shown(name)}: {what}")


def _check_value(key: str, axis: Any, value: float, name: str) -> None:
    if isinstance(axis, Mapping):
        if not axis["from"] <= value <= axis["to"]:
            raise ConfigError(f"{key} = {shown(value)}: {name} has {axis['from']} to {axis['to']}")
    elif value not in axis:
        raise ConfigError(f"{key} = {shown(value)}: {name} has {axis}")


def points(config: Config, name: str) -> list[dict[str, Any]]:
    """The configurations of the experiments that have the objective and the optimizer of a region.

    Returns:
        Of each its `values` by axis, without the steps, its name (`choice`) and the `place` of its look.
    """
    region, found = config["atlas"]["regions"][name], []
    looks = places(config)
    for experiment, one in config["experiments"].items():
        if any(one[kind] != region[kind] for kind in ("objective", "optimizer")):
            continue
        for rate in one["learning_rates"]:
            for lane in lanes(experiment_slice(config, experiment, rate)):
                if elements(lane.theta0):
                    continue
                values: dict[str, Any] = defaults(region["optimizer"]) | lane.hyperparameters
                values |= {regions.THETA0: lane.theta0, regions.LEARNING_RATE: rate}
                choice = label(region["optimizer"], lane.hyperparameters)
                found.append({"values": values, "choice": choice, "place": looks[choice]})
    return [point for i, point in enumerate(found) if point not in found[:i]]


def maps_slice(config: Config) -> dict[str, Any]:
    """What the figures depend on, of the configuration, and nothing else."""
    atlas = config["atlas"]
    return {
        "maps": drawn(atlas),
        "regions": {name: regions.region_slice(atlas, name) for name in asked(atlas)},
        "points": {name: points(config, name) for name in asked(atlas)},
    }


def page_slice(config: Config) -> dict[str, Any]:
    """Likewise the page."""
    atlas = config["atlas"]
    return {
        "regions": {name: regions.region_slice(atlas, name) for name in atlas["regions"]},
        "points": {name: points(config, name) for name in atlas["regions"]},
    }

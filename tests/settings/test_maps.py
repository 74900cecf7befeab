"""The maps of the atlas in the configuration: what is refused, and the paper's points with their looks."""

import copy
import re

import pytest

from conftest import ROOT
from made_up_atlas import MAPS, experiments, settings
from optide.base.errors import ConfigError
from optide.problem import registry
from optide.problem.objectives import Objective
from optide.settings import maps, yamlfile
from optide.settings.examine import examine
from optide.settings.looks import looks

SCHEMA = yamlfile.read(ROOT / "workflow/schemas/config.schema.yaml")
OF = {"region": "quadratic-adam", "x": "learning_rate", "y": "beta1", "at": {"beta2": 0.99, "steps": 20}}


def config(**found):
    return {**experiments(), "atlas": settings(maps=found or MAPS)}


def test_the_maps_of_the_configuration_and_of_the_tests_are_planes_of_their_regions(config):
    maps.check_maps("maps", config["atlas"])
    assert examine({**experiments(), "atlas": settings(maps=MAPS)}, SCHEMA) == []
    assert set(maps.drawn(config["atlas"])) == {"gap", "behaviour", "basins"}
    assert maps.drawn(settings()) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"region": "quadratic-adm"},
            "region = 'quadratic-adm': no such region; there are double_well-rmsprop, quadratic-adam; did you mean "
            "'quadratic-adam'?",
        ),
        ({"x": "theta0"}, "x = 'theta0': quadratic-adam varies steps and beta1 and beta2 and learning_rate"),
        ({"y": "beta"}, "y = 'beta': quadratic-adam varies steps and beta1 and beta2 and learning_rate"),
        (
            {"y": "momentum"},
            "y = 'momentum': must be one of steps, theta0, learning_rate, beta, beta1, beta2, eps",
        ),
        ({"y": "learning_rate"}, "y = 'learning_rate': must be another axis than x"),
        ({"at": {}}, "at: quadratic-adam over learning_rate and beta1 takes steps and beta2, not none"),
        (
            {"at": {"beta2": 0.99, "steps": 20, "beta1": 0.9}},
            "at: quadratic-adam over learning_rate and beta1 takes steps and beta2, not beta2 and steps and beta1",
        ),
        (
            {"at": {"beta2": 0.5, "steps": 20}},
            "at.beta2 = 0.5: quadratic-adam has [0.99, 0.999]",
        ),
        ({"at": {"beta2": 2, "steps": 20}}, "at.beta2 = 2: must be a number >= 0 and < 1"),
        (
            {"y": "steps", "x": "beta1", "at": {"beta2": 0.99, "learning_rate": 7.0}},
            "at.learning_rate = 7.0: quadratic-adam has 0.01 to 1.0",
        ),
        ({"z": 1}, "z: unknown key; allowed: region, x, y, at"),
    ],
)
def test_a_plane_that_is_none_is_refused_in_a_line(change, message):
    with pytest.raises(ConfigError, match=rf"^atlas\.maps\.gap\[0\]\.{re.escape(message)}$"):
        examine(config(gap=[OF | change]), SCHEMA)


def test_another_kind_of_map_is_refused():
    with pytest.raises(ConfigError, match=r"^atlas\.maps: name 'gaps' must be one of gap, behaviour, basins$"):
        examine(config(gaps=[OF]), SCHEMA)


@pytest.mark.parametrize(
    ("kind", "minima", "wanted"),
    [
        ("basins", (), f"1 to {maps.WELLS} known minima"),
        ("basins", (0.0, 1.0, 2.0, 3.0, 4.0), f"1 to {maps.WELLS} known minima"),
        ("behaviour", (), "known minima"),
    ],
)
def test_basins_and_behaviours_need_known_minima_and_not_too_many(kind, minima, wanted, monkeypatch):
    monkeypatch.setitem(registry.OBJECTIVES, "other", Objective("other", lambda theta: theta, minima=minima))
    atlas = copy.deepcopy(settings(maps={kind: [OF]}))
    atlas["regions"]["quadratic-adam"]["objective"] = "other"
    message = rf"^maps\.{kind}\[0\]\.region = 'quadratic-adam': must be of an objective with {wanted}, not other$"
    with pytest.raises(ConfigError, match=message):
        maps.check_maps("maps", atlas)
    atlas["maps"] = {"gap": [OF], **({"behaviour": [OF]} if minima else {})}
    maps.check_maps("maps", atlas)


def test_points_are_those_of_the_paper_in_the_looks_of_its_figures():
    found = maps.points(config(), "double_well-rmsprop")
    assert [point["values"] for point in found] == [
        {"eps": 1e-8, "beta": 0.9, "theta0": 0.5, "learning_rate": rate} for rate in (0.01, 0.02)
    ]
    (place,) = looks(config(), "fig01").values()
    assert {point["place"] for point in found} == {place}
    assert maps.points(config(), "quadratic-adam") == []


def test_a_point_looks_as_in_the_figures_of_the_paper(config):
    everywhere = {}
    for name in config["figures"]:
        everywhere |= looks(config, name)
    points = [point for name in config["atlas"]["regions"] for point in maps.points(config, name)]
    assert len(points) > 40
    assert all(everywhere[point["choice"]] == point["place"] for point in points)


def test_a_slice_has_the_regions_that_are_drawn_and_no_other():
    few = config(gap=[OF])
    assert [*maps.maps_slice(few)["regions"]] == ["quadratic-adam"]
    assert [*maps.page_slice(few)["regions"]] == ["double_well-rmsprop", "quadratic-adam"]

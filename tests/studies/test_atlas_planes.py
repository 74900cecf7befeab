"""Planes of an atlas that nobody solved: where values lie, what is read of files, and what is said of it."""

import numpy as np
import pytest

import made_up_atlas as made_up
from optide.settings import atlas as regions
from optide.settings import maps
from optide.studies import atlas, atlas_planes, atlas_seen


def configuration(**more):
    return {**made_up.experiments(), "atlas": made_up.settings(maps=made_up.MAPS, **more)}


def planes(folder, length=100, **more):
    config = configuration(**more)
    paths, _ = made_up.write(folder, config["atlas"], length)
    return atlas_planes.of_maps(paths, maps.maps_slice(config))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return planes(tmp_path_factory.mktemp("planes"))


@pytest.mark.parametrize("name", made_up.REGIONS)
@pytest.mark.parametrize("refine", [1, 3])
def test_a_value_lies_where_the_axis_has_it(name, refine):
    for axis in regions.axes(made_up.REGIONS[name]).values():
        values = atlas.values(axis, refine)
        at = [atlas_planes.place(axis, float(value), refine) for value in values]
        # values are rounded to twelve digits
        np.testing.assert_allclose(at, np.arange(len(values)), atol=1e-8)
    assert np.isnan(atlas_planes.place([1.0, 2.0], 1.5, refine))


def test_rows_of_a_plane_are_those_with_its_values():
    region = regions.region_slice(made_up.settings(), "double_well-rmsprop")
    plane = made_up.MAPS["basins"][0]
    at = atlas.configurations(region, atlas_planes.rows(region, plane).ravel())
    # five values from 0 to 0.99, evenly in the memory: the fourth power of ten's root apart
    assert set(at["beta"]) == {0.9}
    assert at["theta0"].reshape(9, 5).T.tolist() == 5 * [np.linspace(-2, 2, 9).tolist()]
    assert at["learning_rate"].reshape(9, 5)[0].tolist() == pytest.approx([0.001, 10**-2.5, 0.01, 10**-1.5, 0.1])


def test_a_plane_between_two_values_is_at_the_nearest():
    region = regions.region_slice(made_up.settings(), "double_well-rmsprop")
    near, exact = ({**made_up.MAPS["basins"][0], "at": {"beta": beta}} for beta in (0.91, 0.9))
    assert atlas_planes.rows(region, near).tolist() == atlas_planes.rows(region, exact).tolist()


def test_a_plane_is_what_was_written_whatever_the_files(found, tmp_path):
    (plane,) = found["gap"]
    rate = np.broadcast_to(plane.values("learning_rate"), (5, 5))
    assert plane.columns["equation_gap"].tolist() == made_up.gap(rate, 1).tolist()
    assert plane.columns["no_lookahead_gap"].tolist() == made_up.gap(rate, 0).tolist()
    assert plane.at == {"steps": 20, "theta0": 0.5}
    assert plane.told == {"theta0": 0.5}
    (plane,) = found["behaviour"]
    assert plane.told == {"steps": 40, "theta0": 1.0, "beta2": 0.99}
    assert plane.columns["discrete_behaviour"].tolist() == 2 * [["oscillates"] * 5]
    (cut,) = planes(tmp_path, length=7)["basins"]
    (plane,) = found["basins"]
    for name, column in plane.columns.items():
        np.testing.assert_array_equal(cut.columns[name], column)


def test_a_refined_plane_has_the_coarse_one_in_it(found, tmp_path):
    (fine,), (coarse,) = planes(tmp_path, refine=2)["basins"], found["basins"]
    assert fine.columns["discrete_basin"].shape == (17, 9)
    np.testing.assert_array_equal(fine.columns["discrete_basin"][::2, ::2], coarse.columns["discrete_basin"])
    assert fine.at == coarse.at


def test_what_was_not_solved_is_missing(found):
    (plane,) = found["basins"]
    missing = np.isnan(plane.columns["equation_end"])
    assert np.argwhere(missing).tolist() == [[8, 4]]
    assert plane.columns["equation_behaviour"][8, 4] == ""
    assert not np.isnan(plane.columns["discrete_end"]).any()


def test_points_of_the_paper_lie_in_the_planes_that_have_them(found):
    points = maps.points(configuration(), "double_well-rmsprop")
    (plane,) = found["gap"]
    # 0.01 is the third of five rates from 0.001 to 0.1, 0.9 the third of five decays
    places = [(x, y) for x, y, _ in atlas_planes.marked(plane, points)]
    assert places[0] == pytest.approx((2, 2), abs=1e-9)
    assert places[1] == pytest.approx((2 + 2 * np.log10(2), 2), abs=1e-9)
    elsewhere = [{**point, "values": point["values"] | {"theta0": 1.0}} for point in points]
    assert atlas_planes.marked(plane, elsewhere) == []
    beyond = [{**point, "values": point["values"] | {"learning_rate": 1.0}} for point in points]
    assert atlas_planes.marked(plane, beyond) == []
    other = [{**point, "values": point["values"] | {"eps": 1e-4}} for point in points]
    assert atlas_planes.marked(plane, other) == []


def test_what_is_seen_is_counted(found):
    points = {"double_well-rmsprop": maps.points(configuration(), "double_well-rmsprop")}
    gap, behaviour, basins = atlas_seen.table(found, points).to_dict("records")
    # rates 0.001, 0.0032, 0.01, 0.032, 0.1; gaps are the rates, or ten times these
    assert gap["equation_within"] == pytest.approx(3 / 5)
    assert gap["no_lookahead_within"] == pytest.approx(1 / 5)
    assert (gap["equation_follows_to"], gap["no_lookahead_follows_to"]) == (0.01, 0.001)
    assert gap["nearer_with_lookahead"] == 1
    # the point at 0.02 lies next to 0.01 and 0.032, of which the second is nearer
    assert gap["equation_paper_least"] == 0.01
    assert gap["equation_paper_most"] == pytest.approx(10**-1.5)
    assert gap["at"] == "theta0=0.5"
    assert behaviour["discrete_oscillates"] == behaviour["equation_settles"] == 1
    assert behaviour["alike"] == behaviour["discrete_settles"] == behaviour["equation_diverges"] == 0
    # nine starts at five rates, one point lost; the largest rate crosses, but not from 0
    assert (basins["points"], basins["solved"]) == (45, 44)
    assert basins["discrete_leaves"] == 0
    assert basins["equation_leaves"] == pytest.approx(7 / 39)
    assert basins["different"] == pytest.approx(7 / 44)
    assert basins["same_to"] == pytest.approx(10**-1.5)

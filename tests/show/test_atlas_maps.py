"""The figures of an atlas that nobody solved: what is in each panel, for every eye, the same each time."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import made_up_atlas as made_up
from optide.base.errors import FileError
from optide.settings import maps
from optide.show import atlas_axes, atlas_colours, atlas_maps, atlas_page, plotting, style
from optide.studies import atlas_planes, atlas_seen
from vision import APART, KINDS, difference

RECORD = {"configuration": {"atlas.maps": "0"}, "traces": {"x.parquet": "1"}}
CONFIG = {**made_up.experiments(), "atlas": made_up.settings(maps=made_up.MAPS)}
POINTS = maps.maps_slice(CONFIG)["points"]
GAPS = ("equation_gap", "no_lookahead_gap")
TWO = {**made_up.MAPS["gap"][0], "y": "theta0", "at": {"beta": 0.9}}


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    paths, _ = made_up.write(tmp_path_factory.mktemp("maps"), CONFIG["atlas"])
    asked = {**made_up.MAPS, "gap": [*made_up.MAPS["gap"], TWO], "behaviour": [*made_up.MAPS["behaviour"], TWO]}
    return atlas_planes.of_maps(paths, {**maps.maps_slice(CONFIG), "maps": asked})


@pytest.fixture(scope="module")
def figures(planes):
    return atlas_maps.drawn(planes, POINTS)


def pictures(figure):
    return [panel.get_images()[0].get_array() for panel in figure.axes if panel.get_images()]


def legend(figure):
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def ticks(axis, refine=1):
    found = atlas_axes.ticks(axis, refine)
    return {tick.value: tick.place for tick in found if tick.labelled}


def test_ticks_are_round_numbers_where_they_belong():
    memory = {"from": 0.0, "to": 0.999, "values": 91, "spacing": "memory"}
    # evenly in the logarithm of 1, 10, 100 and 1000
    assert ticks(memory) == pytest.approx({0.0: 0, 0.9: 30, 0.99: 60, 0.999: 90})
    assert ticks(memory, refine=2) == pytest.approx({0.0: 0, 0.9: 60, 0.99: 120, 0.999: 180})
    rates = {"from": 0.001, "to": 1.0, "values": 4, "spacing": "logarithmic"}
    assert ticks(rates) == pytest.approx({0.001: 0, 0.01: 1, 0.1: 2, 1.0: 3})
    assert ticks({"from": -4.0, "to": 3.8, "values": 40, "spacing": "linear"}) == pytest.approx(
        {-4.0: 0, -2.0: 10, 0.0: 20, 2.0: 30}
    )
    # with less than two powers of ten all round numbers, or else those of a linear axis
    assert [*ticks({"from": 0.1, "to": 0.5, "values": 5, "spacing": "logarithmic"})] == [0.1, 0.2, 0.5]
    assert [*ticks({"from": 0.3, "to": 0.4, "values": 5, "spacing": "memory"})] == pytest.approx(
        [0.3, 0.32, 0.34, 0.36, 0.38, 0.4]
    )
    assert ticks([0.9, 0.99, 0.999]) == {0.9: 0, 0.99: 1, 0.999: 2}
    assert len(ticks([*map(float, range(20))])) == 7
    # of many powers of ten some
    many = {"from": 0.01, "to": 1e6, "values": 9, "spacing": "logarithmic"}
    assert ticks(many) == pytest.approx({0.01: 0, 1.0: 2, 100.0: 4, 1e4: 6, 1e6: 8})
    assert len(ticks({**many, "from": 1e-40, "to": 1e40})) <= atlas_axes.MOST


def test_a_gap_is_drawn_as_its_logarithm_without_look_ahead_beside_with(figures):
    with_ahead, without, *_ = pictures(figures["gap"])
    rate = np.broadcast_to(np.linspace(-3, -1, 5), (5, 5))
    np.testing.assert_allclose(with_ahead, rate, atol=1e-12)
    np.testing.assert_allclose(without, rate + 1, atol=1e-12)
    titles = [panel.get_title() for panel in figures["gap"].axes[:2]]
    assert titles == ["equation", "equation without look-ahead"]
    # one scale for all panels
    limits = {panel.get_images()[0].get_clim() for panel in figures["gap"].axes[:4]}
    assert limits == {(-3, 0)}
    # at the power of ten that is within all gaps of a panel; another is the largest of them, but for rounding
    levels = [panel.collections[0].levels.tolist() for panel in figures["gap"].axes[:2]]
    assert [found[0] for found in levels] == [-2, -1]
    assert legend(figures["gap"]) == ["gap at a power of ten", "not solved", "configurations of the paper"]


def test_both_models_behave_as_they_do(figures):
    algorithm, equation, below, _ = pictures(figures["behaviour"])
    number = {name: i for i, name in enumerate(atlas_colours.BEHAVIOURS)}
    assert set(algorithm.ravel()) == {number["oscillates"]}
    assert set(equation.ravel()) == {number["settles"]}
    assert below[:, 0].tolist() == 9 * [number["under way"]]
    # only what is there is in the legend, in the colours of the picture
    assert legend(figures["behaviour"])[:4] == ["settles", "oscillates", "under way", "not solved"]
    shades = figures["behaviour"].axes[0].get_images()[0].cmap.colors
    assert shades[1:] == [*atlas_colours.BEHAVIOURS.values()]


def test_basins_are_those_of_both_and_where_they_part(figures):
    algorithm, equation, both = pictures(figures["basins"])
    wells = [0, 0, 0, 0, 2, 1, 1, 1, 1]  # from -2 to 2; from 0 midway
    assert algorithm.T.tolist() == 5 * [wells]
    thrown = [1, 1, 1, 1, 2, 0, 0, 0, -1]  # and one that was not solved
    assert equation.T.tolist() == [*4 * [wells], thrown]
    assert both.T.tolist() == [*4 * [9 * [0]], [1, 1, 1, 1, 0, 1, 1, 1, -1]]
    assert legend(figures["basins"])[:3] == [r"ends near $\theta = -1$", r"ends near $\theta = 1$", "ends midway"]


def crosses(panel):
    return [line.get_xydata().tolist() for line in panel.get_lines() if line.get_marker() == "x"]


def test_a_cross_is_where_nothing_was_solved(figures):
    algorithm, equation, both = figures["basins"].axes
    assert crosses(algorithm) == []
    assert crosses(equation) == crosses(both) == [[[4.0, 8.0]]]


def test_the_points_of_the_paper_have_their_looks_and_stand_out(figures):
    look = style.look(POINTS["double_well-rmsprop"][0]["place"])
    for panel in figures["gap"].axes[:2]:
        marked = [line for line in panel.get_lines() if line.get_marker() == look.marker]
        halos, points = marked[::2], marked[1::2]
        assert [line.get_color() for line in points] == 2 * [look.colour]
        assert [line.get_color() for line in halos] == 2 * ["white"]
        assert points[0].get_xydata().ravel() == pytest.approx([2, 2])


def test_axes_and_rows_are_named_with_the_symbols_of_the_optimizer(figures):
    first = figures["gap"].axes[0]
    assert first.get_ylabel() == "RMSProp, double well\n" + r"$\theta_0 = 0.5$" + "\n" + r"$\beta$"
    assert figures["gap"].axes[2].get_xlabel() == r"learning rate $\alpha$"
    assert [text.get_text() for text in first.get_yticklabels()] == ["$0$", "$0.9$", "$0.99$"]
    assert figures["gap"].get_supxlabel() == "runs of 20 steps"
    above = figures["behaviour"].axes[0].get_ylabel().splitlines()
    assert above[1] == r"$\mathrm{steps} = 40$, $\theta_0 = 1$, $\beta_2 = 0.99$"
    assert figures["behaviour"].get_supxlabel() == ""


def test_nothing_hides_anything(figures):
    for figure in figures.values():
        renderer = figure.canvas.get_renderer()
        (told,) = figure.legends
        box = told.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        for panel in figure.axes:
            assert not panel.get_tightbbox(renderer).overlaps(box)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_the_same_planes_give_the_same_bytes(planes, figures, suffix, tmp_path):
    again = atlas_maps.drawn(planes, POINTS)
    for name, figure in figures.items():
        for one, folder in ((figure, "one"), (again[name], "other")):
            (tmp_path / folder).mkdir(exist_ok=True)
            plotting.save(one, tmp_path / folder / f"{name}.{suffix}", RECORD)
        one, other = (tmp_path / folder / f"{name}.{suffix}" for folder in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


def test_a_plane_without_any_solution_is_drawn_all_the_same(planes):
    lost = {
        kind: [
            one._replace(
                columns={
                    name: column
                    if name.startswith("discrete")
                    else np.full_like(column, "" if column.dtype == object else np.nan)
                    for name, column in one.columns.items()
                }
            )
            for one in chosen
        ]
        for kind, chosen in planes.items()
    }
    for figure in atlas_maps.drawn(lost, POINTS).values():
        assert "not solved" in legend(figure)
    seen = atlas_seen.table(lost, POINTS)
    assert seen["solved"].tolist() == 5 * [0]
    assert seen["figure"].tolist() == ["gap", "gap", "behaviour", "behaviour", "basins"]


def test_where_the_algorithm_leaves_the_finite_numbers_no_solution_is_said_to_be_missing(planes):
    def left(plane):
        columns = {name: column.copy() for name, column in plane.columns.items()}
        for name in ("discrete_end", "discrete_basin", *GAPS):
            columns[name][0, -1] = np.nan
        columns["discrete_behaviour"][0, -1] = "diverges"
        return plane._replace(columns=columns)

    thrown = {kind: [left(plane) for plane in chosen] for kind, chosen in planes.items()}
    figures = atlas_maps.drawn(thrown, POINTS)
    for kind in ("gap", "basins"):
        assert "not solved, or not finite" in legend(figures[kind])
    assert {"diverges", "not solved"} <= {*legend(figures["behaviour"])}
    columns = ["points", "solved"]
    assert atlas_seen.table(thrown, POINTS)[columns].equals(atlas_seen.table(planes, POINTS)[columns])


def test_a_few_gaps_without_bounds_leave_the_others_their_colours(planes):
    (plane, _) = planes["gap"]
    wide = {name: np.where(plane.columns[name] >= 0.1, 1e60, plane.columns[name]) for name in GAPS}
    figure = atlas_maps.gaps([plane._replace(columns={**plane.columns, **wide})], POINTS)
    # the median is 0.01 or 0.03, so that the scale ends four powers of ten above 0.1 at most
    assert {panel.get_images()[0].get_clim() for panel in figure.axes[:2]} == {(-3, 3)}


AREAS = {
    "behaviours": [*atlas_colours.BEHAVIOURS.values(), atlas_colours.MISSING],
    "basins": [
        *(*atlas_colours.WELLS, atlas_colours.MIDWAY, atlas_colours.SAME, atlas_colours.DIFFERENT),
        atlas_colours.MISSING,
    ],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", AREAS)
def test_areas_are_told_apart_by_every_eye_and_in_grey(name, kind):
    assert len(atlas_colours.WELLS) == maps.WELLS
    for pair in itertools.combinations(AREAS[name], 2):
        assert difference(np.array([to_rgb(colour) for colour in pair]), kind) >= APART, pair


def test_of_more_minima_than_can_be_told_apart_each_has_a_colour_of_its_own():
    assert atlas_colours.wells(2) == [*atlas_colours.WELLS[:2]]
    assert len({*atlas_colours.wells(9)}) == 9


def test_more_is_darker_for_every_eye():
    shades = [to_rgb(colour) for colour in atlas_colours.sampled(atlas_colours.SEQUENCE, 9)]
    luminance = [float(np.dot(shade, [0.2126, 0.7152, 0.0722])) for shade in shades]
    assert luminance == sorted(luminance, reverse=True)
    for kind in KINDS:
        for pair in itertools.pairwise(shades):
            # neighbours among nine are further apart than what an eye notices
            assert difference(np.array(pair), kind) >= APART / 2


def test_the_page_says_what_the_table_has(planes, tmp_path):
    path = tmp_path / "maps.csv"
    atlas_seen.table(planes, POINTS).to_csv(path, index=False)
    text = atlas_page.BLOCK.read(path)
    assert "5 planes with 170 points; at 3 of them the equation with look-ahead was not solved" in text
    assert "| RMSProp, double well, θ₀ = 0.5 | 60.0 % | 20.0 % | 0.01 | 0.001 | 100.0 % | 1.0e-02 to 3.2e-02 |" in text
    assert "| Adam, quadratic, steps = 40, θ₀ = 1, β₂ = 0.99 | 0.0 %, 100.0 % |" in text
    assert "| RMSProp, double well, β = 0.9 | 0.0 % | 17.9 % | 15.9 % | 0.032 |" in text
    pd.read_csv(path).drop(columns="different").to_csv(path, index=False)
    with pytest.raises(FileError, match=r"maps\.csv: no column 'different'; `snakemake --cores 4 atlas` writes it"):
        atlas_page.BLOCK.read(path)
    with pytest.raises(FileError, match="No such file or directory; `snakemake"):
        atlas_page.BLOCK.read(tmp_path / "none.csv")


def test_the_page_has_a_place_for_them(tmp_path):
    path = tmp_path / "maps.csv"
    path.write_text("figure,points,solved,at\n")
    page = atlas_page.BLOCK.page.read_text(encoding="utf-8")
    assert "0 planes with 0 points" in atlas_page.BLOCK.replaced(page, atlas_page.BLOCK.page, path)

"""The figures' colours as people with colour-vision deficiencies, and printers without colour, see them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from optide.settings.config import experiment_slice, label, lanes
from optide.settings.looks import LOOKS, looks
from optide.show import beyond_figures, style
from optide.studies.beyond import Run
from vision import APART, DEFICIENCIES, KINDS, confused, difference


def pairs(config):
    """Any two choices of hyper-parameters that one figure of the paper shows."""
    figures = (looks(config, name).values() for name in config["figures"])
    return sorted({pair for shown in figures for pair in itertools.combinations(sorted(shown), 2)})


def palette(*places):
    return np.array([to_rgb(style.COLOURS[place]) for place in places])


@pytest.mark.parametrize("kind", KINDS)
def test_choices_in_one_figure_are_told_apart(config, kind):
    assert len(pairs(config)) > 10
    for one, other in pairs(config):
        hue = difference(palette(one, other), kind) >= APART
        shape = style.MARKERS[one] != style.MARKERS[other] and style.LINES[one] != style.LINES[other]
        assert hue or shape, (one, other)


def test_colours_alone_do_for_eyes_and_fail_in_grey_where_marker_and_dash_must_tell(config):
    alike = {kind: [p for p in pairs(config) if difference(palette(*p), kind) < APART] for kind in KINDS}
    assert {kind for kind, found in alike.items() if found} == {"grey"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_colour_stands_out_from_the_paper(kind):
    # a quarter of what black differs from white
    for colour in style.COLOURS:
        assert difference(np.array([to_rgb(colour), (1, 1, 1)]), kind) >= 2.5 * APART


def every_look():
    return [style.look(place) for place in range(LOOKS)]


def test_so_many_looks_are_told_apart_line_by_line_and_marker_by_marker():
    assert LOOKS >= 40
    colours, markers, dashes = zip(*every_look(), strict=True)
    assert len(set(zip(colours, dashes, strict=True))) == len(set(zip(colours, markers, strict=True))) == LOOKS
    assert set(colours) == set(style.COLOURS)
    first = [*zip(style.COLOURS, style.MARKERS, style.LINES, strict=True)]
    assert every_look()[: len(first)] == first
    with pytest.raises(IndexError):  # there are no more
        style.look(LOOKS)


@pytest.mark.parametrize("kind", ["normal", *DEFICIENCIES])
def test_any_two_looks_are_told_apart_by_hue_or_shape_whatever_the_eye(kind):
    alike = {
        pair
        for pair in itertools.combinations(style.COLOURS, 2)
        if difference(np.array([to_rgb(colour) for colour in pair]), kind) < APART
    }
    lines, markers = set(), set()
    for (i, one), (j, other) in itertools.combinations(enumerate(every_look()), 2):
        if one.colour == other.colour or {(one.colour, other.colour), (other.colour, one.colour)} & alike:
            lines |= {(i, j)} if one.dash == other.dash else set()
            markers |= {(i, j)} if one.marker == other.marker else set()
    assert markers == set()
    # two of the nine looks that the paper's figures have, in no figure together; their markers differ
    assert lines == ({(5, 8)} if kind == "tritanomaly" else set())


def choices(config, row):
    """The choices of hyper-parameters in the panels of one row."""
    for name in row["experiments"]:
        experiment = experiment_slice(config, name, config["experiments"][name]["learning_rates"][0])
        for lane in lanes(experiment):
            if lane.set == row.get("set", lane.set):
                yield label(experiment["optimizer"], lane.hyperparameters)


def test_no_two_choices_have_one_marker_and_no_two_in_a_panel_one_dash(config):
    assert len(set(style.MARKERS)) == len(style.MARKERS) == len(style.COLOURS) == len(style.LINES)
    for name, figure in config["figures"].items():
        for row in figure["rows"]:
            shown = set(choices(config, row))
            assert len({style.LINES[looks(config, name)[choice]] for choice in shown}) == len(shown)


def test_confused_are_two_looks_with_one_shape_whose_colours_somebody_takes_for_each_other():
    panel = Figure().subplots()
    panel.plot([0, 1], color="#117733")
    panel.plot([1, 0], color="#882255")
    panel.plot([1, 2], color="#882255")
    assert confused(panel.figure) == {("grey", "#117733", "#882255")}
    panel.get_lines()[0].set_linestyle((0, (5, 1)))
    assert confused(panel.figure) == set()


def test_no_two_curves_beyond_the_paper_are_told_by_a_colour_that_somebody_does_not_see(config):
    settings = config["beyond"]["problems"]
    steps = np.arange(3.0)
    values = {"t": steps, **{f"{of}_{what}": steps for of in ("discrete", "equation") for what in ("loss", "accuracy")}}
    runs = [
        Run({"problem": name, "optimizer": optimizer, "learning_rate": rate, "lookahead": 1, "converged": True}, values)
        for name, problem in settings.items()
        for optimizer, run in problem["runs"].items()
        for rate in run["learning_rates"]
    ]
    assert len({run.known["learning_rate"] for run in runs if run.known["problem"] == "digits"}) > 3
    costs = pd.DataFrame([run.known | {"gap": run.known["learning_rate"]} for run in runs])
    drawn = [beyond_figures.training(runs), beyond_figures.orders(costs)]
    assert [len(figure.axes[0].get_lines()) for figure in drawn] == [2 * 3, 2 * len(settings)]
    for figure in drawn:
        assert confused(figure) == set()
        # nor by the colour of a text
        told = [legend for panel in figure.axes if (legend := panel.get_legend())]
        assert told
        assert all(len({h.get_marker() for h in legend.legend_handles}) == len(legend.get_texts()) for legend in told)


def test_as_many_problems_beyond_the_paper_as_there_are_places_are_told_apart():
    panel = Figure().subplots()
    for place, dash in beyond_figures.FITTED.items():
        panel.plot([0, 1], color=style.COLOURS[place], linestyle=dash)
    assert len(panel.get_lines()) == len(style.COLOURS) - 1
    assert confused(panel.figure) == set()

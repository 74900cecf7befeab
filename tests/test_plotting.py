import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from optide import plotting, traces
from optide.config import experiment_slice, looks
from optide.experiments import run


@pytest.fixture(scope="module")
def drawn(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    lanes = []
    for scheme in ("discrete", "converged"):
        for rate in (0.1, 0.01):
            table, metadata = run(experiment_slice(config, "quadratic-rmsprop", rate), scheme)
            traces.write(folder / "x.parquet", table, metadata)
            lanes += traces.lanes(folder / "x.parquet")
    return lanes


def draw(config, lanes, name="fig03"):
    return plotting.draw(config["figures"][name], lanes, "converged", looks(config, name))


def test_lines_are_the_equation_and_markers_the_algorithm(config, drawn):
    figure = draw(config, drawn)
    panels = [axes for axes in figure.axes if axes.get_subplotspec()]
    assert [panel.get_title() for panel in panels] == [rf"learning rate $\alpha = {a}$" for a in ("0.1", "0.01")]
    lines = panels[0].get_lines()
    assert [line.get_marker() == "None" for line in lines] == [True] * 3 + [False] * 3
    by_colour = {}
    for line in lines:
        by_colour.setdefault(to_hex(line.get_color()), []).append(line)
    assert all(len(pair) == 2 for pair in by_colour.values())
    equation, algorithm = by_colour[to_hex(plotting.COLOURS[1])]
    lane = next(t for t in drawn if t.configuration["scheme"] == "converged" and t.configuration["beta"] == 0)
    np.testing.assert_array_equal(equation.get_ydata(), lane.values["theta"])
    np.testing.assert_allclose(algorithm.get_xdata(), range(50), rtol=1e-15)


def test_states_are_drawn_where_they_are_taken(config, drawn):
    figure = draw(config, drawn, "fig04")
    equation, algorithm = figure.axes[0].get_lines()[0], figure.axes[0].get_lines()[3]
    assert equation.get_xdata()[0] == pytest.approx(1)
    assert algorithm.get_xdata()[0] == 0


def test_markers_are_thinned_by_an_odd_stride(config, drawn):
    for axes in draw(config, drawn).axes:
        for line in axes.get_lines()[3:]:
            start, stride = line.get_markevery()
            assert stride % 2 == 1
            assert start < stride
            assert len(line.get_xdata()) / stride <= plotting.MAX_MARKERS + 1


def test_a_choice_has_the_same_look_whatever_else_is_drawn(config, drawn):
    whole = draw(config, drawn)
    part = draw(config, [t for t in drawn if t.configuration["beta"] == 0.9])
    few = {(to_hex(line.get_color()), line.get_marker()) for line in part.axes[0].get_lines()}
    assert few < {(to_hex(line.get_color()), line.get_marker()) for line in whole.axes[0].get_lines()}


def test_a_solution_that_did_not_converge_is_flagged(config, drawn):
    failed = [
        t._replace(configuration={**t.configuration, "converged": False})
        if (t.configuration["scheme"], t.configuration["beta"], t.configuration["learning_rate"])
        == ("converged", 0.9, 0.01)
        else t
        for t in drawn
    ]
    assert "not converged" not in draw(config, drawn).get_supxlabel()
    assert r"not converged: RMSProp $\beta = 0.9$ at $\alpha = 0.01$" in draw(config, failed).get_supxlabel()


def test_files_are_the_same_to_the_byte_whatever_the_user_has_set(config, drawn, tmp_path):
    for suffix in ("png", "pdf"):
        plotting.save(draw(config, drawn), tmp_path / f"one.{suffix}")
        with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30, "lines.linewidth": 9}):
            plotting.save(draw(config, drawn), tmp_path / f"two.{suffix}")
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_the_pdf_is_vector_with_text_as_text(config, drawn, tmp_path):
    plotting.save(draw(config, drawn), tmp_path / "x.pdf")
    content = (tmp_path / "x.pdf").read_bytes()
    assert b"/Subtype /Image" not in content
    assert re.search(rb"/FontName /\S*DejaVuSans", content)
    assert b"/Type0" in content or b"/Type42" in content or b"/TrueType" in content
    assert len(content) < 2e6

import copy
import dataclasses
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.colors import to_hex

from conftest import ROOT
from optide.data import traces
from optide.settings.config import experiment_slice, lanes
from optide.settings.looks import LOOKS, looks
from optide.show import plotting, style
from optide.studies.experiments import run


@pytest.fixture(scope="module")
def paths(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    written = []
    for scheme in ("discrete", "converged"):
        for rate in (0.1, 0.01):
            written.append(folder / f"{scheme}{rate}.parquet")
            traces.write(written[-1], *run(experiment_slice(config, "quadratic-rmsprop", rate), scheme))
    return written


@pytest.fixture(scope="module")
def drawn(paths):
    return [lane for path in paths for lane in traces.lanes(path)]


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
    equation, algorithm = by_colour[to_hex(style.COLOURS[1])]
    lane = next(
        t for t in drawn if t.configuration["scheme"] == "converged" and t.configuration["hyperparameters"]["beta"] == 0
    )
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


def test_a_row_may_have_a_logarithmic_axis(config, drawn):
    rows = [{**config["figures"]["fig04"]["rows"][0], "scale": scale} for scale in ("log", "linear")]
    figure = draw({**config, "figures": {"fig04": {"quantity": "v", "rows": rows}}}, drawn, "fig04")
    panels = [axes for axes in figure.axes if axes.get_subplotspec()]
    assert [panel.get_yscale() for panel in panels] == ["log", "log", "linear", "linear"]


def test_every_inset_is_in_its_panel_on_its_scale(config, drawn):
    inset = {"k": [2, 400], "range": [0.1, 50], "place": [0.5, 0.5, 0.4, 0.4]}
    insets = [{**inset, "learning_rate": 0.01, "log": ["x", "y"]}, {**inset, "learning_rate": 0.01}]
    rows = [{**config["figures"]["fig04"]["rows"][0], "insets": insets}]
    figure = draw({**config, "figures": {"fig04": {"quantity": "v", "rows": rows}}}, drawn, "fig04")
    left, right = (axes for axes in figure.axes if axes.get_subplotspec())
    assert left.child_axes == []
    logarithmic, enlarged = right.child_axes
    assert (logarithmic.get_xscale(), logarithmic.get_yscale()) == ("log", "log")
    assert (enlarged.get_xscale(), enlarged.get_yscale()) == ("linear", "linear")
    for window in (logarithmic, enlarged):
        assert (window.get_xlim(), window.get_ylim()) == ((2, 400), (0.1, 50))


def test_markers_on_a_logarithmic_step_axis_are_spaced_so_and_staggered():
    places = [plotting._marked(150_000, place, 3, logarithmic=True) for place in range(3)]
    assert len(set().union(*places)) == sum(map(len, places)) <= plotting.MAX_MARKERS
    everything = sorted(set().union(*places))
    assert (everything[0], everything[-1]) == (1, 149_999)
    ratios = np.diff(np.log([k for k in everything if k > 20]))
    # equal, up to rounding to whole steps
    assert ratios.max() / ratios.min() < 1.1


@pytest.mark.parametrize(("points", "curves"), [(20, 40), (150_000, 40), (150_000, 1), (4, 3), (51, 9)])
def test_every_curve_has_markers_on_a_logarithmic_step_axis(points, curves):
    for place in range(curves):
        chosen = plotting._marked(points, place, curves, logarithmic=True)
        assert 1 <= len(chosen) <= plotting.MAX_MARKERS
        assert 0 < min(chosen) <= max(chosen) < points


def made_up(config, converged=True):
    """Traces of the right form for all runs of a configuration, by the algorithm and the equation."""
    t = np.linspace(0, 1, 50)
    for scheme, (i, (name, experiment)) in itertools.product(
        ("discrete", "converged"), enumerate(config["experiments"].items())
    ):
        for rate in experiment["learning_rates"]:
            for j, lane in enumerate(lanes(experiment_slice(config, name, rate))):
                theta = np.exp(-(1 + i + j) * t)
                values = {"t": rate * 50 * t, "u": rate * (50 * t + 1), "theta": theta, "v": theta}
                of_lane = lane._asdict()
                verdict = None if scheme == "discrete" else converged
                yield traces.Trace(
                    {"experiment": name, "scheme": scheme, "optimizer": experiment["optimizer"], "converged": verdict,
                     "learning_rate": rate, **of_lane}, values
                )  # fmt: skip


def sweep(choices, rates=(0.1, 0.01)):
    """A figure of so many choices of hyper-parameters of Adam."""
    beta2 = [round(1 - 0.1 / (1 + i), 5) for i in range(choices)]
    experiment = {
        **{"objective": "quadratic", "optimizer": "adam", "theta0": [1.0], "t_start": "origin"},
        "learning_rates": [*rates],
        "sets": [{"hyperparameters": {"beta1": [0.5], "beta2": beta2}, "steps": [50] * len(rates)}],
    }
    return {
        "experiments": {"sweep": experiment},
        "figures": {"figure": {"quantity": "theta", "rows": [{"experiments": ["sweep"]}]}},
    }


def draw_made_up(config, **kind):
    return plotting.draw(config["figures"]["figure"], [*made_up(config, **kind)], "converged", looks(config, "figure"))


def boxes(figure):
    """In inches: the legend, the panels with their labels, the label below them, and the figure itself."""

    def inches(artist):
        return artist.get_tightbbox().transformed(figure.dpi_scale_trans.inverted())

    (legend,) = figure.legends
    return inches(legend), [inches(panel) for panel in figure.axes], inches(figure._supxlabel), figure.bbox_inches


@pytest.mark.parametrize("choices", [12, 40, LOOKS])
def test_a_figure_of_many_choices_tells_them_apart_and_has_room_for_its_legend(choices):
    config = sweep(choices)
    figure = draw_made_up(config)
    for panel in figure.axes:
        lines, markers = panel.get_lines()[:choices], panel.get_lines()[choices:]
        assert len({(to_hex(line.get_color()), str(line._dash_pattern)) for line in lines}) == choices
        assert len({(to_hex(line.get_color()), line.get_marker()) for line in markers}) == choices
        used = {to_hex(line.get_color()) for line in panel.get_lines()}
        assert used == {colour.lower() for colour in style.COLOURS}
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert len(named) == len(set(named)) == choices + 2

    legend, panels, below, whole = boxes(figure)
    assert whole.containsx(legend.x0) and whole.containsx(legend.x1) and legend.y1 <= whole.y1  # noqa: PT018
    assert legend.y0 > max(panel.y1 for panel in panels)
    assert 0 <= below.y0 < below.y1 < min(panel.y0 for panel in panels)
    # as high as beside a legend of as many lines as there is room for; a line of text is a tenth of that
    few = draw_made_up(sweep(plotting.LEGEND_COLUMNS * plotting.LEGEND_LINES - 2))
    assert panels[0].height == pytest.approx(boxes(few)[1][0].height, rel=0.05)


def test_many_solutions_that_did_not_converge_are_all_named_below_panels_that_keep_their_height():
    figure = draw_made_up(sweep(40), converged=False)
    text = figure.get_supxlabel()
    assert text.count("Adam") == 80
    assert r"Adam $\beta_1 = 0.5$, $\beta_2 = 0.9975$ at $\alpha = 0.01$" in text
    _, panels, below, whole = boxes(figure)
    assert 0 <= below.x0 < below.x1 <= whole.x1
    assert 0 <= below.y0 < below.y1 < min(panel.y0 for panel in panels)
    assert panels[0].height == pytest.approx(boxes(draw_made_up(sweep(40)))[1][0].height, rel=0.05)


def test_names_too_long_for_three_columns_and_two_in_a_note_have_fewer():
    config = sweep(9)
    config["experiments"]["sweep"]["sets"][0]["hyperparameters"] = {
        "beta1": [1 / 3], "beta2": [1 - 1 / (7 + i) for i in range(9)]
    }  # fmt: skip
    legend, panels, below, whole = boxes(draw_made_up(config, converged=False))
    assert 0 <= legend.x0 < legend.x1 <= whole.x1
    assert 0 <= below.x0 < below.x1 <= whole.x1
    assert below.y1 < min(panel.y0 for panel in panels) < max(panel.y1 for panel in panels) < legend.y0


def test_legend_and_titles_name_no_other_number():
    config = sweep(1, rates=(0.1234567, 0.12345678))
    config["experiments"]["sweep"]["sets"][0]["hyperparameters"]["beta2"] = [0.99999999, 0.999999999]
    figure = draw_made_up(config)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [rf"learning rate $\alpha = {rate}$" for rate in ("0.1234567", "0.12345678")]
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[2:] == [rf"$\beta_1 = 0.5$, $\beta_2 = {beta2}$" for beta2 in ("0.99999999", "0.999999999")]


def test_a_choice_has_the_same_look_whatever_else_is_drawn(config, drawn):
    whole = draw(config, drawn)
    part = draw(config, [t for t in drawn if t.configuration["hyperparameters"]["beta"] == 0.9])
    few = {(to_hex(line.get_color()), line.get_marker()) for line in part.axes[0].get_lines()}
    assert few < {(to_hex(line.get_color()), line.get_marker()) for line in whole.axes[0].get_lines()}


def test_a_solution_that_did_not_converge_is_flagged(config, drawn):
    failed = [
        t._replace(configuration={**t.configuration, "converged": False})
        if (t.configuration["scheme"], t.configuration["hyperparameters"]["beta"], t.configuration["learning_rate"])
        == ("converged", 0.9, 0.01)
        else t
        for t in drawn
    ]
    assert "not converged" not in draw(config, drawn).get_supxlabel()
    assert r"not converged: RMSProp $\beta = 0.9$ at $\alpha = 0.01$" in draw(config, failed).get_supxlabel()


RECORD = {"configuration": {"figures.fig03": "0"}, "traces": {"x.parquet": "1"}}


def test_files_are_the_same_to_the_byte_whatever_the_user_has_set(config, drawn, tmp_path):
    for suffix in ("png", "pdf"):
        plotting.save(draw(config, drawn), tmp_path / f"one.{suffix}", RECORD)
        with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30, "lines.linewidth": 9}):
            plotting.save(draw(config, drawn), tmp_path / f"two.{suffix}", RECORD)
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


DRAWING = """
import sys
import matplotlib as mpl
import yaml
from matplotlib.figure import Figure
from optide.data import traces
from optide.show import plotting
from optide.settings.looks import looks

config = yaml.safe_load(open(sys.argv[1]))
lanes = [lane for path in sys.argv[2:] for lane in traces.lanes(path)]
figure = plotting.draw(config["figures"]["fig03"], lanes, "converged", looks(config, "fig03"))
for suffix in ("png", "pdf"):
    plotting.save(figure, f"ours.{suffix}", {"configuration": {}, "traces": {}})
for what, settings in {"rc": {"text.usetex": False}, "fonts": mpl.rcParamsDefault}.items():
    with mpl.rc_context(settings):
        plain = Figure()
        plain.text(0.1, 0.5, "Text $\\theta$")
        plain.savefig(f"plain-{what}.png")
"""

HOSTILE_RC = "font.family: serif\nmathtext.fontset: cm\ntext.usetex: True\nsavefig.dpi: 31\naxes.facecolor: red\n"


def renamed(source, target, family):
    """Write a font under the name of another family."""
    font = TTFont(source)
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = family
    font.save(target)


def draw_elsewhere(folder, paths, **variables):
    """Draw in a new process, in `folder`, its home: the files it wrote, by name."""
    variables = {"HOME": folder, "MPLCONFIGDIR": folder / "mpl", "XDG_DATA_HOME": folder / "data"} | variables
    subprocess.run(
        [sys.executable, "-c", DRAWING, ROOT / "config.yaml", *paths],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        cwd=folder,
        check=True,
    )
    return {path.name: path.read_bytes() for path in folder.glob("*.p*")}


def test_files_are_the_same_to_the_byte_whatever_fonts_and_settings_the_machine_has(paths, tmp_path):
    """Others of the name "DejaVu Sans" are installed, and matplotlib's cache of fonts knows only those."""
    there, cached, installed = (tmp_path / name for name in ("there", "cached", "installed"))
    shipped = Path(mpl.get_data_path(), "fonts", "ttf")
    for folder in (there, cached / "mpl", installed / "mpl", installed / "data" / "fonts"):
        folder.mkdir(parents=True)

    serif = cached / "DejaVuSans.ttf"
    renamed(shipped / "STIXGeneral.ttf", serif, "DejaVu Sans")
    manager = copy.copy(font_manager.fontManager)
    manager.ttflist = [dataclasses.replace(e, fname=str(serif)) for e in manager.ttflist if e.name == "DejaVu Sans"]
    font_manager.json_dump(manager, cached / "mpl" / f"fontlist-v{manager.__version__}.json")

    # wins against the font shipped, which is oblique, where italics are asked for
    renamed(shipped / "STIXGeneralItalic.ttf", installed / "data" / "fonts" / "DejaVuSans.ttf", "DejaVu Sans")
    (installed / "mpl" / "matplotlibrc").write_text(HOSTILE_RC)

    here, *others = [draw_elsewhere(folder, paths) for folder in (there, cached, installed)]
    for other in others:
        assert {name: other[name] == here[name] for name in ("ours.png", "ours.pdf")} == {
            "ours.png": True,
            "ours.pdf": True,
        }
    # the surroundings are hostile indeed: what is drawn without care comes out otherwise
    assert here["plain-fonts.png"] not in (other["plain-fonts.png"] for other in others)
    assert others[1]["plain-rc.png"] != others[1]["plain-fonts.png"]


def test_drawing_leaves_the_fonts_and_settings_of_others_alone(config, drawn):
    fonts = font_manager.fontManager.ttflist
    settings = dict(mpl.rcParams)
    draw(config, drawn)
    assert font_manager.fontManager.ttflist is fonts
    assert dict(mpl.rcParams) == settings


def test_the_pdf_is_vector_with_text_as_text(config, drawn, tmp_path):
    plotting.save(draw(config, drawn), tmp_path / "x.pdf", RECORD)
    content = (tmp_path / "x.pdf").read_bytes()
    assert b"/Subtype /Image" not in content
    assert re.search(rb"/FontName /\S*DejaVuSans", content)
    assert b"/Type0" in content or b"/Type42" in content or b"/TrueType" in content
    assert len(content) < 2e6


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("0.1", "0.1"),
        ("1e-08", "10^{-8}"),
        ("-2.5e-05", r"-2.5 \cdot 10^{-5}"),
        ("(1e+06, -1e-05)", "(10^{6}, -10^{-5})"),
    ],
)
def test_a_power_of_ten_is_no_difference(text, tex):
    assert style.in_tex(text) == tex


def test_small_numbers_in_legend_and_titles_are_powers_of_ten():
    config = sweep(1, rates=(1e-5, 0.1))
    config["experiments"]["sweep"]["sets"][0]["hyperparameters"]["eps"] = [2e-7]
    figure = draw_made_up(config)
    assert figure.axes[0].get_title() == r"learning rate $\alpha = 10^{-5}$"
    assert figure.legends[0].get_texts()[-1].get_text().endswith(r"$\epsilon = 2 \cdot 10^{-7}$")

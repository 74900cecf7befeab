"""The formulas of docs/rates.md against both models, and what a fit is made of."""

import jax.numpy as jnp
import numpy as np
import pytest

from conftest import ROOT
from optide import AdaGrad, Adam, RMSProp, run_discrete, solve_ide
from optide.base.errors import ConfigError, FileError
from optide.data import seal
from optide.numerics import metrics
from optide.problem.objectives import quadratic
from optide.settings import yamlfile
from optide.settings.examine import examine
from optide.show import rates_figure
from optide.studies import linearisation, rates, rates_solve
from vision import confused

DISTANCE = 3.0  # from theta0 = 1 to the minimum at 4


def fitted(path):
    theta = np.asarray(path)
    return metrics.decay_fit(np.arange(len(theta)), theta - 4)


def stiffer(theta):
    """Another curvature, h = 20 instead of 2, with the same minimum."""
    return 10 * jnp.sum((theta - 4) ** 2)


@pytest.mark.parametrize("objective", [quadratic, stiffer])
def test_adagrad_on_its_way_and_in_the_end(objective):
    alpha = 0.02
    theta = np.asarray(run_discrete(AdaGrad(alpha), objective, 1.0, 40_000).theta)
    left = np.abs(theta - 4) / DISTANCE
    marks = np.asarray([300, 1_000, 3_000, 10_000])
    steps, local = linearisation.adagrad_local_rate(alpha, DISTANCE, left[marks])
    # the sum of 1 / sqrt(k) is 2 sqrt(k) - 1.46: after k steps it is at first behind by 1.46 sqrt(k), later by more
    assert np.all(np.abs(steps / marks - 1) < 3 / np.sqrt(marks))
    # half of that, and what is of first order in the step, alpha / distance = 0.7 %
    found = -np.log(left[marks + 10] / left[marks - 10]) / 20
    assert np.all(np.abs(found / local - 1) < 1 / np.sqrt(marks) + 0.01)
    end = -np.log(left[-1] / left[-1001]) / 1000
    assert end == pytest.approx(linearisation.adagrad_rate(alpha, DISTANCE), rel=0.02)


def test_adagrad_begins_algebraically():
    early = np.asarray([1.0, 10.0, 100.0])
    shares = 1 - 2 * 0.001 * np.sqrt(early) / DISTANCE
    steps, local = linearisation.adagrad_local_rate(0.001, DISTANCE, shares)
    # to first order in what is gone, 2 alpha sqrt(k) / distance < 0.7 %
    np.testing.assert_allclose(steps, early, rtol=0.01)
    np.testing.assert_allclose(local, 0.001 / (DISTANCE * np.sqrt(early)), rtol=0.01)


def test_adagrad_is_a_lambert_function():
    from scipy.special import lambertw  # noqa: PLC0415  (the only use)

    left = np.asarray([0.9, 0.5, 0.1, 1e-3])
    steps, _ = linearisation.adagrad_local_rate(0.05, DISTANCE, left)
    decay = np.exp(-1 - 2 * linearisation.adagrad_rate(0.05, DISTANCE) * steps)
    np.testing.assert_allclose(np.sqrt(-lambertw(-decay).real), left, rtol=1e-12)


@pytest.mark.parametrize("objective", [quadratic, stiffer])
@pytest.mark.parametrize("memory", [12.0, 60.0, 300.0])
def test_rmsprop_in_the_limit_of_small_steps(objective, memory):
    predicted = linearisation.rmsprop_small_steps(0.01, DISTANCE, memory)
    found = fitted(solve_ide(RMSProp(0.01, beta=1 - 1 / memory), objective, 1.0, 700).theta)
    # the first and largest step is alpha sqrt(memory); at half of alpha the error is 1 / sqrt(2) of this
    first_step = 0.01 * np.sqrt(memory) / DISTANCE
    assert found.rate == pytest.approx(float(predicted), rel=2 * first_step)


def test_rmsprop_with_a_long_memory_is_adagrad_with_another_learning_rate():
    memory = 3e6
    predicted = linearisation.rmsprop_rate(1e-5, DISTANCE, memory)
    found = fitted(run_discrete(RMSProp(1e-5, beta=1 - 1 / memory), quadratic, 1.0, 80_000).theta)
    # its learning rate is alpha sqrt(memory) = 0.017, 0.6 % of the way in the first step
    assert found.rate == pytest.approx(predicted, rel=0.02)
    # the fit begins where half of the way is left, and the rate is 4/3 of its last value
    small = linearisation.rmsprop_small_steps(1e-5, DISTANCE, memory)
    assert small == pytest.approx(predicted, rel=0.02)


def test_rmsprop_with_a_short_memory_walks():
    walk = 6 * 0.001 / DISTANCE
    # the fit ends at a thousandth of the distance, not at 0
    assert fitted(np.minimum(1 + 0.001 * np.arange(3500), 4)).rate == pytest.approx(walk, rel=0.02)
    # s = 300: the memory, of ten steps, is a third of a per cent of the walk, and lengthens the tail
    assert linearisation.rmsprop_small_steps(0.001, DISTANCE, 10.0) == pytest.approx(walk, rel=0.1)
    # s = 3000: of one step, a thirtieth of a per cent; the fit sees the last thousandth of the walk in a few points
    assert linearisation.rmsprop_small_steps(0.001, DISTANCE, 1.0) == pytest.approx(walk, rel=0.02)


@pytest.mark.parametrize("beta1", [0.5, 0.9, 0.95])
def test_the_eigenvalues_of_adam_with_a_frozen_second_moment(beta1):
    curvature, drive = 2.0, 0.3
    pull = drive / curvature  # alpha / sqrt(v)
    # (theta, m) -> theta - pull m, m = beta1 m + (1 - beta1) h theta
    m = np.asarray([(1 - beta1) * curvature, beta1])
    step = np.asarray([[1.0, 0.0] - pull * m, m])
    eigenvalues = np.linalg.eigvals(step)
    assert np.iscomplexobj(eigenvalues)
    np.testing.assert_allclose(-np.log(np.abs(eigenvalues)), -np.log(beta1) / 2, rtol=1e-12)
    # the equation: theta'' + (1 - beta1) theta' + (1 - beta1) drive theta = 0
    roots = np.roots([1, 1 - beta1, (1 - beta1) * drive])
    np.testing.assert_allclose(-roots.real, (1 - beta1) / 2, rtol=1e-12)


@pytest.mark.parametrize("model", ["discrete", "equation"])
def test_adam_with_momentum_is_an_underdamped_oscillator(model):
    beta1 = 0.95
    optimizer = Adam(0.1, beta1=beta1, beta2=0.9999)
    if model == "discrete":
        theta = np.asarray(run_discrete(optimizer, quadratic, 1.0, 800).theta)
        expected = -np.log(beta1) / 2
    else:
        theta = solve_ide(optimizer, quadratic, 1.0, 800).theta
        expected = (1 - beta1) / 2
    assert linearisation.adam_rate(0.1, DISTANCE, beta1, 0.9999) == pytest.approx((1 - beta1) / 2)
    # the envelope is a staircase of some ten steps
    assert fitted(theta).rate == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("memory", [1.0, 4.0, 16.0])
def test_adam_with_little_momentum_is_overdamped(memory):
    beta1 = 1 - 1 / memory
    predicted = linearisation.adam_rate(0.01, DISTANCE, beta1, 0.999)
    found = fitted(run_discrete(Adam(0.01, beta1=beta1, beta2=0.999), quadratic, 1.0, 1500).theta)
    # the drive is a mean over the decay
    assert found.rate == pytest.approx(float(predicted), rel=0.05)


def test_the_limit_cycle_of_rmsprop_has_half_a_learning_rate():
    # started beside it; a run from afar may hit the minimum to the last bit, and then stays there
    for beta in (0.5, 0.8):
        trace = run_discrete(RMSProp(0.1, beta=beta), quadratic, 4.03, 300)
        tail = np.asarray(trace.theta[-20:]) - 4
        # eps = 1e-8 beside sqrt(v) = 0.1
        np.testing.assert_allclose(np.abs(tail), 0.05, rtol=1e-6)
        assert np.all(tail[1:] * tail[:-1] < 0)
        np.testing.assert_allclose(np.sqrt(trace.state["v"][-1]), 0.1, rtol=1e-6)


K = np.arange(400)


@pytest.mark.parametrize(
    ("distance", "converged", "status"),
    [
        (3 * np.exp(-0.05 * K), True, "fitted"),
        (3 * np.exp(-0.05 * K), False, "not converged"),
        (3 * np.exp(-0.05 * K) + 0.001 * (-1.0) ** K, True, "stays away"),
        (3 * np.exp(-0.05 * K) + 0.001 * np.sin(0.1 * np.pi * (K - 399)), True, "stays away"),
        (3 * np.exp(-0.01 * K), True, "stays away"),
        (3 * np.exp(-3.0 * K), True, "too fast"),
    ],
)
def test_a_rate_that_is_none_says_why(distance, converged, status):
    fit, found = rates_solve.assess(distance, converged)
    assert found == status
    assert (fit == metrics.NO_FIT) == (status != "fitted") or status != "fitted"
    assert status == "fitted" or np.isnan(fit.rate)
    assert status in {rates.FITTED, *rates.STATUS}


SETTINGS = {
    "theta0": 1.0,
    "learning_rates": [0.1],
    "curves": {
        "rmsprop": {"optimizer": "rmsprop", "varies": "beta", "memory": {"shortest": 2, "longest": 40, "values": 3},
                    "steps": [80]},
        "adam": {"optimizer": "adam", "varies": "beta1", "fixed": {"beta2": 0.999},
                 "memory": {"shortest": 1, "longest": 4, "values": 2}, "steps": [150]},
    },
    "adagrad": {"values": 5, "steps": [60]},
}  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return rates_solve.compute(SETTINGS)


def test_each_place_of_the_grid_has_a_row_for_each_model(table, tmp_path):
    rates.write(tmp_path / "rates.parquet", table, SETTINGS)
    rows = rates.read(tmp_path / "rates.parquet")
    for model in rates.MODELS:
        of_model = [row for row in rows if row["model"] == model]
        assert [row["curve"] for row in of_model] == ["rmsprop"] * 3 + ["adam"] * 2 + ["adagrad"] * 5
        assert [row["memory"] for row in of_model[:5]] == pytest.approx([2, np.sqrt(80), 40, 1, 4])
        assert of_model[0]["beta"] == pytest.approx(0.5)
        assert of_model[4]["beta1"], of_model[4]["beta2"] == (0.75, 0.999)
        # the shortest memory of RMSProp ends in its limit cycle
        assert (of_model[0]["status"], of_model[0]["rate"]) == ("stays away", None)
        assert all(row["low"] <= row["rate"] <= row["high"] for row in of_model[1:5])
        for row in of_model[5:]:
            _, (predicted,) = linearisation.adagrad_local_rate(
                0.1, DISTANCE, np.asarray([1 - 2 * 0.1 * np.sqrt(row["last"]) / DISTANCE])
            )
            # of the right size, hardly more, so early at so large a step
            assert predicted / 2 < row["rate"] < predicted * 2


def test_damage_and_foreign_files_are_named(table, tmp_path):
    path = tmp_path / "rates.parquet"
    rates.write(path, table, SETTINGS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileError, match=r"rates\.parquet: .*`optide run mend`"):
        rates.read(path)
    seal.write(path, table.drop_columns(["low"]))
    with pytest.raises(FileError, match=r"columns are not those of rates"):
        rates.read(path)


def test_the_figure_shows_rates_predictions_and_what_is_missing(table):
    rows = table.to_pylist()
    figure = rates_figure.draw(rows, SETTINGS)
    panels = [axes for axes in figure.axes if axes.get_subplotspec()]
    assert [panel.get_title() for panel in panels] == ["RMSProp", r"Adam, $\beta_2 = 0.999$", "AdaGrad, on its way"]
    for panel, predictions in zip(panels, (2, 1, 2), strict=True):
        equation, discrete, *predicted = panel.get_lines()
        assert equation.get_marker() == "None"
        assert discrete.get_linestyle() == "None"
        assert len(predicted) == predictions
    np.testing.assert_allclose(panels[1].get_lines()[0].get_ydata(), [r["rate"] for r in rows[8:10]], rtol=1e-15)
    assert np.isnan(panels[0].get_lines()[0].get_ydata()[0])
    assert figure.get_supxlabel().startswith("no rate in 2 of 20 places:\n2 where the run ends above")


def test_no_two_curves_are_told_by_a_colour_that_somebody_does_not_see(table, config):
    choices = config["rates"]["learning_rates"]
    rows = [row | {"learning_rate": rate} for rate in choices for row in table.to_pylist()]
    figure = rates_figure.draw(rows, SETTINGS | {"learning_rates": choices})
    assert len({line.get_color() for line in figure.axes[0].get_lines()}) == len(choices) + 1
    assert confused(figure) == set()


def test_learning_rates_have_a_colour_each_and_no_more_are_allowed_than_colours(table, config):
    schema = yamlfile.read(ROOT / "workflow/schemas/config.schema.yaml")
    most = schema["$defs"]["rates"]["properties"]["learning_rates"]["maxItems"]
    choices = [0.1 / (1 + i) for i in range(most)]
    rows = [row | {"learning_rate": rate} for rate in choices for row in table.to_pylist()]
    figure = rates_figure.draw(rows, SETTINGS | {"learning_rates": choices})
    panel = figure.axes[0]
    looks = [(line.get_color(), line.get_marker()) for line in panel.get_lines()[: 2 * most]]
    equation, discrete = looks[::2], looks[1::2]
    assert len({colour for colour, _ in equation}) == len({marker for _, marker in discrete}) == most
    too_many = {**config, "rates": config["rates"] | {"learning_rates": [*choices, 1.0]}}
    with pytest.raises(
        ConfigError, match=rf"^rates\.learning_rates = .*: must be a list of 1 to {most}, all different"
    ):
        examine(too_many, schema)


def test_the_configuration_has_60_values_a_curve_for_both_optimizers(config):
    curves = config["rates"]["curves"]
    assert {curve["optimizer"] for curve in curves.values()} == {"rmsprop", "adam"}
    assert all(curve["memory"]["values"] >= 60 for curve in curves.values())
    assert config["rates"]["learning_rates"] == [0.1, 0.01]


def test_the_page_names_every_prediction():
    page = (ROOT / "docs/rates.md").read_text(encoding="utf-8")
    for name in ("adagrad_rate", "adagrad_local_rate", "rmsprop_rate", "rmsprop_small_steps", "adam_rate"):
        assert f"`{name}`" in page

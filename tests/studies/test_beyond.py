"""Beyond the paper's problems: what they are, both models against witnesses, and what is made of the traces."""

import builtins

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.special import log_expit, logsumexp
from sklearn import datasets

from conftest import ROOT
from flow import ends
from optaxed import ADAGRAD_EPS, steps_of_optax
from optide import AdaGrad, Adam, RMSProp, run_discrete, solve_ide
from optide.base.errors import ConfigError
from optide.data import digests
from optide.settings.config import beyond_runs, beyond_slice
from optide.show import beyond_page
from optide.studies import beyond, beyond_orders, beyond_problems, beyond_solve

HIDDEN = 32


def of_config(config, name, **changed):
    return beyond_problems.problem(name, {**config["beyond"]["problems"][name], **changed})


def test_logistic_regression_is_that_of_scipy_on_standardised_features(config):
    found = of_config(config, "breast_cancer")
    data, target = datasets.load_breast_cancer(return_X_y=True)
    x = np.column_stack([(data - data.mean(0)) / data.std(0), np.ones(len(data))])
    theta = np.random.default_rng(0).normal(size=x.shape[1])
    assert found.theta0.shape == theta.shape
    np.testing.assert_allclose(found.loss(theta), -log_expit((2 * target - 1) * (x @ theta)).mean(), rtol=1e-13)
    np.testing.assert_allclose(found.accuracy(theta), np.mean((x @ theta > 0) == target), rtol=1e-15)
    # at 0, where a maximum and an absolute value have a corner
    slope = -x.T @ (2 * target - 1) / 2 / len(x)
    np.testing.assert_allclose(jax.grad(found.loss)(jnp.asarray(found.theta0)), slope, rtol=0, atol=1e-15)


def test_the_network_is_that_of_numpy_and_has_as_many_weights_as_the_issue_asks_for(config):
    found = of_config(config, "digits")
    assert found.theta0.size >= 2000
    data, target = datasets.load_digits(return_X_y=True)
    theta = np.random.default_rng(0).normal(size=found.theta0.size)
    first, second = theta[: 65 * HIDDEN], theta[65 * HIDDEN :]
    hidden = np.tanh(data / 16 @ first[: 64 * HIDDEN].reshape(64, HIDDEN) + first[64 * HIDDEN :])
    scores = hidden @ second[: 10 * HIDDEN].reshape(HIDDEN, 10) + second[10 * HIDDEN :]
    loss = np.mean(logsumexp(scores, axis=1) - scores[np.arange(len(target)), target])
    np.testing.assert_allclose(found.loss(theta), loss, rtol=1e-13)
    np.testing.assert_allclose(found.accuracy(theta), np.mean(scores.argmax(1) == target), rtol=1e-15)


def test_the_hyperbolic_tangent_and_its_slope():
    x = jnp.concatenate([jnp.linspace(-30, 30, 601), jnp.asarray([-1000.0, 1000.0])])
    # as its product with 1e-16, and twice that of the exponential's own error
    np.testing.assert_allclose(beyond_problems.tanh(x), np.tanh(x), rtol=0, atol=4e-16)
    np.testing.assert_allclose(jax.vmap(jax.grad(beyond_problems.tanh))(x), 1 - np.tanh(x) ** 2, rtol=0, atol=1e-15)


WITNESSED = [AdaGrad(0.01, ADAGRAD_EPS), RMSProp(0.001, 0.9), Adam(0.004)]


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "rosenbrock"])
@pytest.mark.parametrize("optimizer", WITNESSED, ids=str)
def test_the_discrete_runs_are_those_of_optax(config, name, optimizer):
    problem = of_config(config, name)
    ours = run_discrete(optimizer, problem.loss, problem.theta0, 40).theta
    theirs = steps_of_optax(optimizer, jax.grad(problem.loss), problem.theta0, 40)
    # sums over the samples in another order: 1e-16 of a gradient, by which steps are divided where it is as small as
    # 1e-5 (the corners of the images), times some 1e2 learning rates
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)


def test_the_network_against_an_independent_solver_of_ordinary_differential_equations(config):
    problem = of_config(config, "digits", samples=60)
    early, found, wanted = ends(Adam(0.001), problem.loss, problem.theta0, steps=6, substeps=16, rtol=1e-9)
    # of second order in alpha / substeps, where weights move by alpha a step
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
    assert np.abs(found - early).max() > 1e3 * 1e-6


SMALL = {
    "problem": "rosenbrock",
    "settings": {"size": 4, "stepping": {"order": 1, "substeps": 2, "halved": True}},
    "optimizer": "adam",
    "hyperparameters": {"beta1": 0.9, "beta2": 0.999},
    "learning_rates": [0.002, 0.001],
    "span": 0.01,
}


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("beyond") / "trace.parquet"
    table, lanes, seconds = beyond_solve.compute(SMALL)
    beyond.write(path, table, SMALL, lanes)
    return path, seconds


def test_a_trace_tells_of_both_models_what_they_are(trace):
    runs = beyond.read(trace[0])
    assert [(run.known["learning_rate"], run.known["lookahead"]) for run in runs] == [
        (rate, ahead) for rate in (0.002, 0.001) for ahead in (1, 0)
    ]
    problem = beyond_problems.problem("rosenbrock", SMALL["settings"])
    for run in runs:
        optimizer, steps = Adam(run.known["learning_rate"]), run.known["steps"]
        assert steps == round(0.01 / run.known["learning_rate"])
        ways = {"lookahead": run.known["lookahead"], "coupling": "products"}
        discrete = run_discrete(optimizer, problem.loss, problem.theta0, steps).theta
        solution = solve_ide(optimizer, problem.loss, problem.theta0, steps, substeps=2, save_every=2, **ways)
        for model, path in {"discrete": discrete, "equation": solution.theta}.items():
            np.testing.assert_allclose(run.values[f"{model}_loss"], [problem.loss(x) for x in path], rtol=1e-13)
            np.testing.assert_allclose(run.values[f"{model}_norm"], np.linalg.norm(path, axis=1), rtol=1e-13)
            assert f"{model}_accuracy" not in run.values
        gap = np.abs(solution.theta - discrete)
        np.testing.assert_allclose(run.values["gap"], gap.max(1), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(run.values["gap_rms"], np.sqrt(np.mean(gap**2, axis=1)), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(run.values["t"], solution.t, rtol=0, atol=2e-12)
        assert run.known["converged"]
        assert run.known["gradients"] > steps
        tried = run.known["learning_rate"] == 0.002
        assert (run.known["halved"] is not None) == tried
        if tried:
            finer = solve_ide(optimizer, problem.loss, problem.theta0, steps, substeps=4, save_every=4, **ways)
            np.testing.assert_allclose(run.known["halved"], np.abs(finer.theta - solution.theta).max(), rtol=1e-6)


def test_a_trace_has_the_same_bits_again_and_no_seconds_in_it(trace, tmp_path):
    path, seconds = trace
    again = tmp_path / "again.parquet"
    table, lanes, _ = beyond_solve.compute(SMALL)
    beyond.write(again, table, SMALL, lanes)
    assert digests.of_file(again) == digests.of_file(path)
    beyond.write_seconds(tmp_path / "seconds.csv", seconds)
    frame = pd.read_csv(tmp_path / "seconds.csv")
    assert len(frame) == 4
    assert (frame[["discrete_seconds", "equation_seconds"]] > 0).all(axis=None)


def test_a_gradient_is_counted_once():
    watched, asked = beyond_solve.counted(lambda theta: jnp.sum(jnp.square(theta)))
    gradient = jax.jit(jax.grad(watched))
    for _ in range(5):
        np.testing.assert_array_equal(gradient(jnp.ones(3)), 2.0)
    jax.effects_barrier()
    assert len(asked) == 5


def run_of(rate, gap, **known):
    steps = round(0.12 / rate)
    of = {"problem": "rosenbrock", "parameters": 4, "optimizer": "adam", "learning_rate": rate, "lookahead": 1}
    of |= {"steps": steps, "order": 2, "substeps": 1, "gradients": 50 * steps, "iterations": 4, "residual": 1e-14}
    t = rate * np.arange(steps)
    values = {name: np.where(t <= 0.08 * (1 + 1e-12), gap, 1e3) for name in ("gap", "gap_rms")}
    values |= {f"{model}_loss": np.exp(-t) for model in beyond.MODELS}
    return beyond.Run(of | {"converged": True, "halved": None} | known, {"t": t, **values})


def test_the_order_is_the_power_of_the_learning_rate_over_the_time_that_all_rates_have():
    # the largest rate ends at 0.08; what comes after it is another's, and a thousand
    runs = [run_of(rate, 3 * rate**1.5) for rate in (0.04, 0.02, 0.01)]
    costs = beyond_orders.costs([*runs, run_of(0.005, 7.0, converged=False)])
    assert costs["gap"][:3].max() < 1
    assert (costs["gradients_per_step"] == 50).all()
    (row,) = beyond_orders.orders(costs).to_dict("records")
    assert row["rates"] == 3
    np.testing.assert_allclose([row["gap_order"], row["gap_rms_order"]], 1.5, rtol=1e-12)


def test_there_is_no_order_of_one_rate_or_of_no_gap():
    assert np.isnan(beyond_orders.order(np.asarray([0.1]), np.asarray([0.1])))
    assert np.isnan(beyond_orders.order(np.asarray([0.1, 0.2]), np.asarray([0.0, 0.1])))


def test_without_scikit_learn_the_error_is_one_line_that_says_what_to_install(config, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"^beyond\.problems\.digits: its data are scikit-learn's; pip install 'o"):
        of_config(config, "digits")


def test_the_runs_of_one_optimizer_cover_the_same_time_at_three_rates_or_more(config):
    for problem, optimizer in beyond_runs(config["beyond"]):
        part = beyond_slice(config["beyond"], problem, optimizer)
        rates = part["learning_rates"]
        assert len(rates) >= 3
        steps = [part["span"] / rate for rate in rates]
        np.testing.assert_allclose(steps, np.rint(steps), rtol=1e-12)
        # every step of the largest is one of the others, too
        np.testing.assert_allclose(max(rates) / np.asarray(rates), np.rint(max(rates) / np.asarray(rates)), rtol=1e-12)


def test_the_page_tells_the_sizes_that_are_run(config):
    page = " ".join((ROOT / "docs/beyond.md").read_text(encoding="utf-8").split())
    problems = config["beyond"]["problems"]
    assert "samples" not in problems["breast_cancer"] | problems["digits"]
    cancer, images = datasets.load_breast_cancer().data.shape, datasets.load_digits().data.shape
    assert f"{cancer[0]} samples, {cancer[1]} standardised features" in page
    assert f"{images[1]} inputs, {problems['digits']['size']} hidden units" in page
    assert f"scikit-learn's {images[0]:,} images" in page
    assert f"{problems['rosenbrock']['size']:,} dimensions" in page


@pytest.mark.skipif(not (ROOT / "figures/beyond/costs.csv").exists(), reason="`snakemake beyond` was not run here")
def test_the_page_has_the_numbers_of_the_last_run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert beyond_page.BLOCK.main(["--check"]) == 0, capsys.readouterr().err

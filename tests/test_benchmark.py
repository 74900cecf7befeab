"""The benchmark on tiny sizes: that it runs and what it writes, not how long anything takes."""

import copy
import importlib.util
import json
import re

import numpy as np
import pandas as pd
import pytest
from benchmarks import atlas, draw, many, measure, plain, timing
from benchmarks.__main__ import main

from compilations import counted
from conftest import ROOT
from optide import AdaGrad, RMSProp, solve_ide
from optide.ide.interpolation import cells, evaluate
from optide.ide.picard import sweep
from optide.ide.problem import ORIGIN, Problem
from optide.problem.objectives import quadratic
from optide.settings import yamlfile

import jax  # isort: skip
import jax.numpy as jnp  # isort: skip

SETTINGS = ROOT / "benchmarks" / "settings.yaml"


def piecewise(t, theta):
    """The same interpolant by the project's own means, for an environment without interpax."""
    pieces = cells(theta)
    step = t[1] - t[0]

    def at(s):
        place = (s - t[0]) / step + 1
        cell = jnp.clip(place.astype(int), 0, len(theta))
        return evaluate(tuple(piece[cell] for piece in pieces), place - cell)

    return at


@pytest.fixture
def interpolator(monkeypatch):
    """Interpax, or where it is not installed a stand-in."""
    if not importlib.util.find_spec("interpax"):
        monkeypatch.setattr(plain, "cubic", piecewise)
        monkeypatch.setattr(measure, "PACKAGES", ("jax", "numpy"))


@pytest.fixture
def settings():
    """Those of the benchmark, cut down."""
    tiny = copy.deepcopy(yamlfile.read(SETTINGS))
    tiny["repetitions"] = 2
    tiny["scaling"] |= {"steps": [10, 20], "goal_steps": 20, "kept_points": 10}
    tiny["batch"] |= {"lanes": 3, "steps": 10}
    tiny["regimes"] |= {"lanes": 2, "steps": 10, "theta0": {"double_well": [0.1, 1]}}
    tiny["peak_memory"] = [10]
    tiny["first"] |= {"repetitions": 2, "steps": 5, "runs": tiny["first"]["runs"][:1]}
    return tiny


@pytest.fixture
def loose():
    """Interpax promotes dtypes and ranks."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.mark.usefixtures("interpolator", "loose")
@pytest.mark.parametrize("optimizer", [AdaGrad(0.1), RMSProp(0.1, 0.9)], ids=["adagrad", "rmsprop"])
def test_the_plain_reading_is_the_published_scheme(optimizer):
    steps = 40
    problem = Problem(optimizer, quadratic, jnp.asarray(1.0), jnp.asarray(ORIGIN), steps, lookahead=1, substeps=1)
    theta = 1 + jnp.sin(problem.t)
    found = plain.velocities(optimizer, quadratic, problem.t, theta, jnp.arange(steps))
    expected = np.diff(sweep(problem, theta)) / 0.1
    # the two find the place of a node in its cell in different ways: a rounding of t, some 1e-15, in units of h
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-11)


@pytest.mark.usefixtures("interpolator", "loose")
def test_measures_and_writes_all_that_it_should(settings, config, tmp_path):
    name = "double_well-rmsprop"
    chosen = {
        "learning_rates": [0.1],
        "theta0": [0.1],
        "sets": [{"hyperparameters": {"beta": [0.0, 0.9]}, "steps": [9]}],
    }
    few = {"experiments": {name: config["experiments"][name] | chosen}}
    rows = measure.measure(settings, few, say=lambda line: None)
    results = pd.DataFrame(rows, columns=measure.COLUMNS)

    scaling = results[results["part"] == "scaling"]
    methods = ["discrete", "march", "picard", "plain"]
    assert [*zip(scaling["steps"], scaling["method"], strict=True)] == [(n, m) for n in (10, 20) for m in methods]
    assert [*scaling[scaling["method"] == "march"]["save_every"]] == [1, 2]
    assert [*scaling["estimated"]] == 2 * [False, False, False, True]
    assert len(results[results["part"] == "experiments"]) == 2 * len(methods)
    batch = results[results["part"] == "batch"].iloc[0]
    assert (batch["lanes"], batch["processes"]) == (3, settings["batch"]["processes"])
    assert (results[results["part"] == "memory"]["peak_mb"] > 0).all()
    first = results[results["part"] == "first"]
    assert [*first["method"]] == ["march", "tsit5", "kvaerno3"]
    assert (first["repetitions"] == 2).all()
    assert first["median_ratio"].iloc[0] == 1
    timed = results[results["part"] != "memory"]
    assert (timed["best_s"] > 0).all()
    assert (timed["best_s"] <= timed["median_s"]).all()

    results.to_csv(tmp_path / "results.csv", index=False)
    page, plot = tmp_path / "results.md", tmp_path / "results.png"
    draw.write(pd.read_csv(tmp_path / "results.csv"), settings, page, plot)
    text = page.read_text()
    assert len(re.findall(r"\| +(met|missed) \|", text)) == 7
    assert rows[0]["machine"] in text
    assert "nan" not in text
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_many_parameters_are_measured_and_the_growth_is_that_of_the_numbers(settings, tmp_path, monkeypatch):
    few = tmp_path / "settings.yaml"
    run = {"optimizer": "adam", "hyperparameters": {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999}}
    few.write_text(json.dumps({"many": {"sizes": [6, 70], "steps": 4, "runs": [run]}}))
    monkeypatch.setattr(many, "machine", lambda: "here")
    many.main(["--settings", str(few), "--output", str(tmp_path)])
    rows = pd.read_csv(tmp_path / "many.csv")
    assert [*rows["size"]] == [6, 70]
    assert rows["converged"].all()
    assert (rows["gradients_a_step"] > 1).all()
    assert (rows[["first_s", "seconds", "discrete_s", "peak_mb"]] > 0).all(axis=None)
    assert "| 70 " in (tmp_path / "many.md").read_text()

    square = pd.DataFrame({"optimizer": "x", "size": [10, 100, 1000], "seconds": [1.0, 1.0, 100.0]})
    power, doubles = many.growth(square.assign(peak_mb=[5.0, 6.0, 5 + 8000 / 2**20]))
    assert power == pytest.approx(2)
    assert doubles == pytest.approx(1)


def test_compiling_march_is_what_the_first_solve_of_a_user_compiles(monkeypatch):
    case = timing.Case(AdaGrad(0.1), quadratic, 1.0, 11)

    def programs(function, *arguments):
        jax.clear_caches()
        with counted() as compiled:
            function(*arguments)
        return len(compiled)

    of_a_user = programs(solve_ide, AdaGrad(0.1), quadratic, 1.0, 11)
    assert of_a_user > 0
    assert programs(timing.first_solve, case) == of_a_user
    monkeypatch.setattr(timing, "first_solve", lambda case: 1234.5)
    measured = timing.time_methods(case, ("discrete", "march"), repetitions=1, limit=1)
    assert measured["march"].compiling == 1234.5
    assert 0 < measured["discrete"].compiling < 1234.5


def test_where_interpax_is_missing_one_line_says_what_to_do(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(measure, "PACKAGES", ("jax", "no-such-package"))
    options = ["--config", str(ROOT / "config.yaml"), "--output", str(tmp_path)]
    assert main(options) == 1
    expected = "optide: error: no-such-package is not installed: `make benchmark` runs where it is\n"
    assert capsys.readouterr().err == expected
    assert [*tmp_path.iterdir()] == []


def test_an_atlas_is_multiplied_up_from_some_of_its_shards(tmp_path, monkeypatch):
    region = {
        "objective": "quadratic",
        "optimizer": "adagrad",
        "t_start": "origin",
        "steps": [8],
        "theta0": [1.0, 2.0],
        "hyperparameters": {},
        "learning_rates": {"from": 0.01, "to": 1.0, "values": 6, "spacing": "logarithmic"},
    }
    few = {"refine": 1, "shard": 4, "sample": 1, "processor": "cpu", "regions": {"mine": region}}
    (tmp_path / "config.yaml").write_text(json.dumps({"atlas": few}))
    (tmp_path / "settings.yaml").write_text(json.dumps({"atlas": {"refine": 2, "every": 4}}))
    monkeypatch.setattr(atlas, "machine", lambda: "here")
    atlas.main([f"--{name}={tmp_path / file}" for name, file in (
        ("settings", "settings.yaml"), ("configuration", "config.yaml"), ("output", "."))])  # fmt: skip
    rows = pd.read_csv(tmp_path / "atlas.csv")
    # of 22 configurations in six shards the third and the one four later, which there is not
    assert rows[["of_configurations", "of_shards", "first", "configurations"]].to_numpy().tolist() == [[22, 6, 8, 4]]
    made_up = rows.assign(starting_s=1.0, compiling_s=2.0, running_s=8.0, rows_bytes=400)
    (whole,) = atlas.whole(made_up).to_dict("records")
    assert whole["hours"] == pytest.approx((6 * 3 + 22 * 2) / 3600)
    # what the first has compiled, others find
    more = pd.concat([made_up.assign(compiling_s=5.0), made_up])
    assert atlas.whole(more)["hours"].item() == pytest.approx((6 * 3 + 3 + 22 * 2) / 3600)
    assert (whole["bytes"], whole["lost"]) == (2200, 0)
    assert "| mine     | 22 " in (tmp_path / "atlas.md").read_text()

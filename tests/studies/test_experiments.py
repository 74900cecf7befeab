import jax.numpy as jnp
import pytest

from optide.base.errors import ConvergenceError, NonFiniteError, one_line
from optide.ide import advance, picard
from optide.problem.objectives import Objective
from optide.problem.registry import OBJECTIVES
from optide.settings.config import experiment_slice
from optide.studies.experiments import report, run


@pytest.fixture
def experiment(config):
    sliced = experiment_slice(config, "quadratic-rmsprop", 0.1)
    return {**sliced, "sets": [{"name": "", "hyperparameters": {"beta": [0.37]}, "steps": 23}]}


def test_marching_must_converge(experiment, monkeypatch):
    monkeypatch.setattr(advance, "TOLERANCE", -1.0)
    with pytest.raises(ConvergenceError, match=r"quadratic-rmsprop: rmsprop beta=0.37, learning rate 0.1, theta0 1.0"):
        run(experiment, "converged")


@pytest.mark.parametrize("scheme", ["discrete", "published", "converged"])
def test_a_loss_that_is_not_finite_is_an_error_though_its_gradient_is_finite(experiment, monkeypatch, scheme):
    monkeypatch.setitem(OBJECTIVES, "shifted", Objective("shifted", lambda theta: jnp.log(theta - 0.5)))
    where = "quadratic-rmsprop: rmsprop beta=0.37, learning rate 0.1, theta0 1.0: the loss is nan at theta = 0.[0-4]"
    with pytest.raises(NonFiniteError, match=where):
        run({**experiment, "objective": "shifted"}, scheme)


def test_the_published_scheme_may_fail_and_is_flagged(experiment, monkeypatch):
    monkeypatch.setattr(picard, "MAX_ITERATIONS", 2)
    table, metadata = run(experiment, "published")
    assert set(table["converged"].to_pylist()) == {False}
    (lane,) = metadata["lanes"]
    assert lane["iterations"] == 2
    assert "NOT CONVERGED after 2 iterations" in report(metadata)


def test_an_error_becomes_one_line(tmp_path, capsys):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as stop, one_line(log):
        raise ConvergenceError("lane 3 did not converge")
    assert stop.value.code == 1
    assert log.read_text() == capsys.readouterr().err == "optide: error: lane 3 did not converge\n"

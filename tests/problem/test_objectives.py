import copy
import inspect
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optide.problem import objectives
from optide.problem.objectives import Objective, double_well, quadratic, regression
from optide.problem.registry import OBJECTIVES


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_vanishes_at_the_minima_and_the_loss_is_least_there(name):
    objective = OBJECTIVES[name]
    grid = np.linspace(-5, 5, 1001)
    least = float(jnp.min(jax.vmap(objective)(grid)))
    for minimum in objective.minima:
        # rounding of theta* itself times a curvature of order 1
        assert abs(float(jax.grad(objective)(minimum))) < 1e-14
        assert float(objective(minimum)) <= least


def test_values():
    assert float(quadratic(jnp.asarray(1.0))) == 9
    assert float(double_well(jnp.asarray(0.0))) == 0.25


def test_regression_is_the_mean_squared_error_of_the_published_samples():
    np.random.seed(42)  # noqa: NPY002  (the published stream)
    x = np.random.rand(1000)  # noqa: NPY002
    y = 2 * x + np.random.normal(0, 0.1, 1000)  # noqa: NPY002
    assert float(regression(0.0)) == 1.326424442089203
    for theta in (-1.0, 0.5, 2.0, 3.0):
        # three moments against a sum over 1000 samples: a few roundings of values of order 1
        assert float(regression(theta)) == pytest.approx(np.mean((y - theta * x) ** 2), abs=1e-14)


@pytest.mark.parametrize("copy", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_an_objective_is_itself_or_equal(copy):
    for objective in OBJECTIVES.values():
        assert copy(objective) is objective
    own = Objective("own", jnp.sum, (1.0,), "in words", ("file",))
    assert copy(own) == own


def test_elements_are_independent_problems():
    theta = jnp.asarray([[0.3, -2.0], [1.5, 4.0]])
    for objective in OBJECTIVES.values():
        together = jax.grad(objective)(theta).ravel()
        alone = [jax.grad(objective)(element) for element in theta.ravel()]
        assert together.tolist() == [float(g) for g in alone]


@pytest.mark.parametrize(
    "minima", [4, ["four"], [[1, None]], np.sum, "12", ["12"], [["1", "2"]], [[[1]]], [[1], [1, [2]]]]
)
def test_minima_that_are_no_numbers_are_told_where_they_are_given(minima):
    make = inspect.unwrap(objectives.objective)  # of a user, whose types nobody checks
    with pytest.raises(TypeError, match=r"^objective\(minima=.*\): must be a sequence of numbers"):
        make(minima=minima)


@pytest.mark.parametrize("data", ["measured.csv", [Path("measured.csv")], [3]])
def test_data_are_names(data):
    make = inspect.unwrap(objectives.objective)
    with pytest.raises(TypeError, match=r"^objective\(data=.*\): must be a sequence of names of files$"):
        make(data=data)

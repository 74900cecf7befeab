"""Numbers that go wrong: each is an error with a name, the configuration, the step and the time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optide import AdaGrad, Adam, RMSProp, run_discrete, solve_ide
from optide.base import progress
from optide.base.errors import NonFiniteError, ObjectiveError, ParameterError, UnderflowError
from optide.ide import march, products, solve_batch
from optide.ide.problem import ORIGIN, Problem
from optide.problem.finite import NEGLIGIBLE
from optide.problem.objectives import double_well


def no_gradient_below_half(theta):
    return jnp.sum((theta - 0.5) ** 1.5)


def test_a_gradient_that_is_nan_is_named_with_step_and_time():
    assert np.isnan(jax.grad(no_gradient_below_half)(0.4))
    with pytest.raises(
        NonFiniteError,
        match=r"RMSProp\(learning_rate=0\.1.* on no_gradient_below_half from theta0 = 0\.9: not finite from t = "
        r"0\.\d \(grid point \d\) on: theta, v; the gradient at theta = 0\.4\d+, one step before, is not",
    ):
        run_discrete(RMSProp(0.1), no_gradient_below_half, 0.9, 20)


@pytest.mark.parametrize("method", ["march", "picard"])
def test_a_gradient_that_is_nan_is_named_by_both_methods(method):
    told = rf"RMSProp\(.* on no_gradient_below_half from theta0 = 0\.9 by {method}: .*not finite from t = "
    with pytest.raises(NonFiniteError, match=told):
        solve_ide(RMSProp(0.1), no_gradient_below_half, 0.9, 20, method=method)


def test_divergence_and_overflow_are_named():
    with pytest.raises(
        NonFiniteError, match=r"Adam\(.*on double_well from theta0 = 1e\+60: .* \(grid point 1\) on:.* v"
    ):
        run_discrete(Adam(0.1), double_well, 1e60, 5)

    def cliff(theta):
        return jnp.sum(1e200 * theta)

    with pytest.raises(
        NonFiniteError, match=r"AdaGrad\(.*on cliff from theta0 = 0\.5: not finite from t = 0\.5 \(grid point 1\) on: G"
    ):
        run_discrete(AdaGrad(0.5), cliff, 0.5, 20)


@pytest.mark.parametrize(
    ("objective", "found"),
    [
        (lambda theta: theta * jnp.ones(3), r"shape \(3,\) and dtype float64"),
        (lambda theta: jnp.asarray(theta, "float32"), r"shape \(\) and dtype float32"),
        (lambda theta: (theta, theta), "tuple"),
        (lambda theta: None, "NoneType"),
        (lambda theta: "1.0", "str"),
        (lambda theta: [theta, print], "list"),
    ],
)
@pytest.mark.parametrize("run", [run_discrete, solve_ide])
def test_an_objective_of_the_wrong_kind_is_named(run, objective, found):
    with pytest.raises(
        ObjectiveError, match=rf"AdaGrad\(.*from theta0 = 1\.0.*: the objective returns {found}, from t = 0"
    ):
        run(AdaGrad(0.1), objective, 1.0, 5)


@pytest.mark.parametrize("numbers", ["warn", "raise"])
def test_a_number_that_overflows_on_the_way_is_told_once(numbers):
    # a warning is an error in these tests, and so is an overflow where a user wants it to be
    with np.errstate(all=numbers), pytest.raises(NonFiniteError, match=r"^Adam\(.*: not finite from t = "):
        solve_ide(Adam(1e308), double_well, 0.1, 50)


@pytest.mark.parametrize("start", ["origin", "zero", "one_step", 1e-14])
@pytest.mark.parametrize("rate", [9e-13, 5e-324])
def test_a_learning_rate_below_the_time_from_which_memories_integrate_is_refused(rate, start):
    with np.errstate(all="raise"), pytest.raises(ParameterError, match=f"^learning_rate = {rate} is .* at least 1e-12"):
        solve_ide(Adam(rate), double_well, 0.1, 50, t_start=start)
    with pytest.raises(ParameterError, match="at least 1e-12"):
        solve_batch(Adam(np.array([0.1, rate])), double_well, np.array([0.1, 0.1]), 50, t_start="zero")
    assert solve_ide(Adam(1e-12), double_well, 0.1, 5).theta[0] == 0.1


def test_a_second_moment_that_underflows_is_named_unless_eps_covers_it():
    def faint(theta):
        return 1e-200 * theta

    with pytest.raises(UnderflowError, match=r"RMSProp\(.*on faint from theta0 = 1\.0: v underflows in step 0, t = 0;"):
        run_discrete(RMSProp(0.1, eps=1e-300), faint, 1.0, 5)
    assert run_discrete(RMSProp(0.1, eps=NEGLIGIBLE), faint, 1.0, 5).theta[-1] == 1
    # a moment that decays while the first one still moves theta
    quiet = jnp.asarray([1.0, 1e-160])
    with pytest.raises(UnderflowError, match=r"Adam\(.*: v underflows in step \d+, t = "):
        run_discrete(Adam(0.1, 0.9, 0.9, eps=1e-300), lambda theta: jnp.sum(quiet * theta), jnp.ones(2), 5)


def test_of_a_solution_that_is_only_observed_the_time_is_named_and_nothing_comes_after_it():
    shares = []
    expected = r"from theta0 = 0\.9 by march: not finite at t = 0\.3 \(grid point 3\): theta, v; no solution was found"
    with progress.heard(shares.append), pytest.raises(NonFiniteError, match=expected):
        solve_ide(RMSProp(0.1, 0.9), no_gradient_below_half, 0.9, 2000, observe=lambda theta: theta, save_every=3)
    assert shares == []


@pytest.mark.parametrize("save_every", [1, 3])
@pytest.mark.parametrize("by_products", [False, True])
def test_a_run_ends_where_not_all_is_finite_and_one_of_many_is_as_long_as_they_are(by_products, save_every):
    def found(objective=no_gradient_below_half, **how):
        start = np.array([0.9, 0.95] if by_products else 0.9)
        problem = Problem(
            RMSProp(0.1, 0.9), objective, start, ORIGIN, 300, 1, 1, early=False, products=by_products, **how
        )
        return march.through(problem, (products.SWEEPS if by_products else products.QUICK,), save_every, seen)

    def seen(theta):
        return {"theta": theta, "above": jnp.sum(theta > 0.5)}

    alone, one_of_many, other = found(), found(batched=True), found(lambda theta: jnp.sum((theta - 0.5) ** 2))
    n = len(alone.t)
    assert n <= 2
    assert not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((alone.theta, alone.state)))
    for first, second in zip(*(jax.tree.leaves((run.t, run.observed)) for run in (alone, one_of_many)), strict=True):
        np.testing.assert_array_equal(first, second[:n])
    np.testing.assert_array_equal(one_of_many.t, other.t)
    assert np.isnan(one_of_many.observed["theta"][n:]).all()
    assert not one_of_many.observed["above"][n:].any()
    assert all(np.isnan(leaf).all() for leaf in jax.tree.leaves((one_of_many.theta, one_of_many.state)))

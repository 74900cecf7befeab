"""Learning rates that change from step to step, in the algorithm and in its equation."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from compilations import counted
from optide import AdaGrad, Adam, RMSProp, run_discrete, solve_ide, solve_lanes
from optide.base.errors import ParameterError, TracedError
from optide.ide.batch import solve_batch
from optide.objectives import double_well

ADAM, STEPS = Adam(0.05, 0.9, 0.99), 40


def halving(k):
    return 0.5 ** (k / 20)


def line(theta):
    return 3.0 * theta


def test_the_algorithm_against_optax():
    rule = optax.adam(lambda k: 0.05 * halving(k.astype(float)), 0.9, 0.99, eps=ADAM.eps)
    theta, path = jnp.asarray(0.1), []
    state = rule.init(theta)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes integers and floats
        for _ in range(STEPS):
            path.append(float(theta))
            updates, state = rule.update(jax.grad(double_well)(theta), state)
            theta = optax.apply_updates(theta, updates)
    found = run_discrete(ADAM, double_well, 0.1, STEPS, schedule=halving)
    # rounding of a dozen operations in each step
    np.testing.assert_allclose(found.theta, path, rtol=0, atol=1e-13)
    assert abs(found.theta - run_discrete(ADAM, double_well, 0.1, STEPS).theta).max() > 0.01


def test_a_schedule_of_optax_will_do():
    cosine = optax.cosine_decay_schedule(1.0, STEPS)
    wanted = run_discrete(ADAM, double_well, 0.1, STEPS, schedule=lambda k: (1 + jnp.cos(jnp.pi * k / STEPS)) / 2)
    with jax.numpy_dtype_promotion("standard"):
        found = run_discrete(ADAM, double_well, 0.1, STEPS, schedule=cosine)
    np.testing.assert_allclose(found.theta, wanted.theta, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", ["march", "picard"])
def test_where_the_gradient_is_constant_adagrads_equation_is_its_algorithm(method):
    """There G(t + alpha) = g^2 (t / alpha + 1), so that Euler's steps are those of the algorithm."""
    options = {"schedule": halving, "method": method}
    found = solve_ide(AdaGrad(0.1), line, 1.0, STEPS, **options)
    wanted = run_discrete(AdaGrad(0.1), line, 1.0, STEPS, schedule=halving)
    # G is integrated from 1e-12 on
    np.testing.assert_allclose(found.theta, wanted.theta, rtol=0, atol=1e-10)


def test_both_methods_and_couplings_solve_the_same_equation():
    march, picard, products = (
        solve_ide(RMSProp(0.01, 0.9), double_well, 0.5, STEPS, schedule=halving, **options)
        for options in ({}, {"method": "picard"}, {"coupling": "products"})
    )
    # picard stops where a sweep changes all of theta by 1e-4 at most
    np.testing.assert_allclose(march.theta, picard.theta, rtol=0, atol=1e-4)
    np.testing.assert_allclose(march.theta, products.theta, rtol=0, atol=1e-11)
    assert abs(march.theta - solve_ide(RMSProp(0.01, 0.9), double_well, 0.5, STEPS).theta).max() > 0.01


def test_lanes_and_batches_have_it_too():
    wanted = solve_ide(ADAM, double_well, 0.1, STEPS, schedule=halving).theta
    (lane,) = solve_lanes([ADAM], double_well, [0.1], STEPS, schedule=halving)
    batch = solve_batch(ADAM, double_well, [0.1], STEPS, schedule=halving)
    for found in (lane.theta, batch.theta[0]):
        # whose programs are compiled apart
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_without_lookahead_the_first_step_has_the_first_factor():
    found = solve_ide(ADAM, double_well, 0.1, 4, lookahead=0, schedule=lambda k: 0.25 + 0.0 * k).theta
    wanted = solve_ide(ADAM, double_well, 0.1, 4, lookahead=0).theta
    np.testing.assert_allclose(found[1] - found[0], (wanted[1] - wanted[0]) / 4, rtol=1e-12)


def test_other_numbers_compile_nothing():
    solve_ide(ADAM, double_well, 0.1, STEPS, schedule=halving)
    with counted() as compiled:
        solve_ide(Adam(0.01, 0.8, 0.9), double_well, 0.2, 2 * STEPS, schedule=halving)
    assert not compiled


@pytest.mark.parametrize("rate", [0.3, 0.01, 0.07])
@pytest.mark.parametrize("t_start", ["origin", "zero", "one_step"])
def test_a_schedule_that_jumps_jumps_at_the_same_step(rate, t_start):
    found = solve_ide(AdaGrad(rate), line, 1.0, 60, schedule=jnp.floor, t_start=t_start)
    first = 1 if t_start == "one_step" else 0
    factors = np.diff(found.theta) * np.sqrt(np.arange(59 - first) + 1 + first) / -rate
    if t_start == "zero":  # where the published scheme remembers nothing, and its step is g / eps
        factors[0] = 0.0
    # of memories from 1e-12 on
    np.testing.assert_allclose(factors, np.arange(59 - first) + first, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "schedule", [lambda k: "one", lambda k: {1: k, "a": k}, "cosine", 0.5, lambda k: jnp.ones(2), lambda k: 1, np.sin]
)
@pytest.mark.parametrize("run", [run_discrete, solve_ide])
def test_what_is_no_schedule_is_refused(run, schedule):
    with pytest.raises(ParameterError, match="schedule must be"):
        run(ADAM, double_well, 0.1, STEPS, schedule=schedule)


def test_what_jax_traces_is_no_part_of_a_schedule():
    with pytest.raises(TracedError, match="schedule"):
        jax.grad(lambda rate: run_discrete(ADAM, double_well, 0.1, 5, schedule=lambda k: rate * k).theta[-1])(0.1)

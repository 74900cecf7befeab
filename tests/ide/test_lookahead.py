"""Without look-ahead: the first version of the equations, on every configuration of the paper."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optide import AdaGrad, Adam, RMSProp, run_discrete, solve_ide, solve_lanes
from optide.ide import picard
from optide.ide.solve import ORIGIN, Problem
from optide.problem.objectives import quadratic
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.settings.config import experiment_slice, lanes
from optide.studies.audit_solve import SideBySide

METHODS = ("march", "picard")


def runs(config, optimizer):
    """The slice and the lane of every configuration of an optimizer."""
    named = [name for name, experiment in config["experiments"].items() if experiment["optimizer"] == optimizer]
    parts = [experiment_slice(config, name, rate) for name in named for rate in (0.1, 0.01)]
    return [(part, lane) for part in parts for lane in lanes(part)]


def test_the_published_first_version():
    # the start of the trace of the author's first notebook
    published = [1, 1.09515, 1.19052]
    for method in METHODS:
        theta = solve_ide(Adam(0.1, 0.9, 0.99), quadratic, 1.0, 100, method=method, lookahead=0).theta
        np.testing.assert_allclose(theta[:3], published, rtol=0, atol=5e-6)


@pytest.mark.parametrize(("rate", "steps", "gap"), [(0.1, 100, 0.0473), (0.01, 1000, 0.00652)])
def test_the_gap_to_the_algorithm_is_half_of_what_a_lost_step_costs(rate, steps, gap):
    adam = Adam(rate, 0.9, 0.99)
    equation = solve_ide(adam, quadratic, 1.0, steps, lookahead=0).theta
    algorithm = run_discrete(adam, quadratic, 1.0, steps).theta
    assert np.max(np.abs(equation - algorithm)) == pytest.approx(gap, rel=2e-3)


@functools.partial(jax.jit, static_argnames=("objective", "steps"))
def swept(adam, theta0, theta, objective, steps):
    return picard.sweep(Problem(adam, objective, theta0, jnp.asarray(ORIGIN), steps, lookahead=0, substeps=1), theta)


def test_adam_is_solved_to_a_thousandth_of_what_the_published_iteration_leaves(config):
    objective = SideBySide(tuple(OBJECTIVES.values()))
    everything = runs(config, "adam")
    solutions = solve_lanes(
        [Adam(part["learning_rate"], **lane.hyperparameters) for part, lane in everything],
        objective,
        [objective.origin(OBJECTIVES[part["objective"]]) + lane.theta0 for part, lane in everything],
        [lane.steps for _, lane in everything],
        lookahead=0,
    )
    for (part, lane), solution in zip(everything, solutions, strict=True):
        assert solution.converged
        adam = Adam(part["learning_rate"], **lane.hyperparameters)
        again = swept(adam, jnp.asarray(solution.theta[0]), jnp.asarray(solution.theta), objective, lane.steps)
        # the published iteration stops where a sweep moves theta by less than its tolerance, in the same norm
        assert np.linalg.norm(again - solution.theta) < 1e-3 * picard.TOLERANCE


def test_the_published_iteration_ends_where_the_march_does(monkeypatch):
    monkeypatch.setattr(picard, "TOLERANCE", 1e-9)

    def own_quadratic(theta):  # which no other test has had compiled, with another tolerance
        return quadratic(theta)

    for optimizer, substeps in ((Adam(0.1, 0.9, 0.99), 1), (RMSProp(0.1, 0.9), 1), (AdaGrad(0.1), 3)):
        options = {"lookahead": 0, "substeps": substeps}
        one, other = (solve_ide(optimizer, own_quadratic, 1.0, 30, method=method, **options) for method in METHODS)
        assert one.converged
        assert other.converged
        # the last bits: by 3, where it is known, XLA does not divide, but multiplies with 1/3
        np.testing.assert_allclose(one.t, other.t, rtol=4e-16, atol=0)
        # the rule of 1000 points, for a function with a kink in its slope at each of 30 or 90 nodes
        np.testing.assert_allclose(one.theta, other.theta, rtol=0, atol=1e-6)


STEPS, REFINED, WITNESS = 8, (16, 32), 128
LOST = ("double_well-rmsprop", 0.1, 0.99)
"""Its memory forgets so little that theta, from 0.1 on, reaches the minimum within a thousandth of the first step, and
what is seen of the error there, 1e-7, is no order."""


@pytest.mark.parametrize("optimizer", ["adagrad", "rmsprop"])
def test_the_others_converge_with_the_declared_order(config, optimizer):
    everything = runs(config, optimizer)
    objective = SideBySide(tuple(OBJECTIVES.values()))

    def solve(order, substeps):
        solutions = solve_lanes(
            [OPTIMIZERS[optimizer](part["learning_rate"], **lane.hyperparameters) for part, lane in everything],
            objective,
            [objective.origin(OBJECTIVES[part["objective"]]) + lane.theta0 for part, lane in everything],
            STEPS,
            lookahead=0, order=order, substeps=substeps, save_every=substeps,
        )  # fmt: skip
        assert all(solution.converged for solution in solutions)
        return np.asarray([solution.theta for solution in solutions])

    witness = solve(2, WITNESS)
    coarse, fine = (np.max(np.abs(solve(1, substeps) - witness), axis=1) for substeps in REFINED)
    for (part, lane), *errors in zip(everything, coarse, fine, strict=True):
        resting = lane.theta0 == 0 and part["objective"] == "double_well"
        if resting:
            assert max(errors) == 0
        elif (part["experiment"], part["learning_rate"], lane.hyperparameters.get("beta")) == LOST:
            assert max(errors) < 1e-6
        else:
            # the next order of h moves the slope by 0.08 at most here, and by half as much one halving later
            assert np.log2(errors[0] / errors[1]) == pytest.approx(picard.ORDER, abs=0.1)
            assert 1e-4 < errors[1] < 0.05

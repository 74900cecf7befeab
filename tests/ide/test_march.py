"""The marching solver on every configuration of the paper, and against the published scheme."""

import functools
from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optide import AdaGrad, Adam, RMSProp, solve_ide, solve_lanes
from optide.base.errors import ParameterError
from optide.base.words import counted
from optide.ide import advance, march, newton, picard, products, solve_batch
from optide.ide.newton import Effort
from optide.ide.solve import ORIGIN, Problem
from optide.problem.objectives import double_well, quadratic
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.settings.config import experiment_slice, lanes

SWEEP, MEMORIES = jax.jit(picard.sweep), jax.jit(picard.memories)
RUNS = [
    (f"{objective}-{optimizer}", rate)
    for objective in ("quadratic", "double_well", "regression")
    for optimizer in ("adagrad", "rmsprop", "adam")
    for rate in (0.1, 0.01)
]


@pytest.mark.parametrize(("name", "rate"), RUNS)
def test_every_configuration_of_the_paper_converges(config, name, rate):
    experiment = experiment_slice(config, name, rate)
    for lane in lanes(experiment):
        solution = solve_ide(
            OPTIMIZERS[experiment["optimizer"]](rate, **lane.hyperparameters),
            OBJECTIVES[experiment["objective"]],
            lane.theta0,
            lane.steps,
            t_start={"origin": ORIGIN, "one_step": rate}[experiment["t_start"]],
        )
        assert solution.converged
        assert solution.residual < 1e-10
        assert solution.theta.dtype == jnp.float64


def problem(optimizer, objective, theta0, steps, t_start=ORIGIN):
    return Problem(optimizer, objective, jnp.asarray(theta0), jnp.asarray(t_start), steps, 1, 1)


# One published sweep with its order-1000 rule, applied to the marching solution, sees how far the
# two quadratures of the same integrals are apart.  The order-1000 rule is the coarser one: on 50
# steps it has 20 nodes a cell, on 500 two, and the interpolant is only C1.
@pytest.mark.parametrize(
    ("optimizer", "objective", "theta0", "steps", "tolerance"),
    [
        (AdaGrad(0.1), double_well, 0.1, 50, 1e-8),
        (RMSProp(0.1, 0.0), quadratic, 1.0, 50, 1e-6),
        (RMSProp(0.1, 0.99), quadratic, 1.0, 50, 1e-8),
        (RMSProp(0.01, 0.9), quadratic, 1.0, 500, 1e-8),
        (Adam(0.1, 0.9, 0.999), quadratic, 1.0, 100, 1e-8),
        (Adam(0.1, 0.0, 0.99), double_well, 0.1, 100, 1e-8),
    ],
)
def test_the_solution_satisfies_the_published_equations(optimizer, objective, theta0, steps, tolerance):
    theta = solve_ide(optimizer, objective, theta0, steps).theta
    swept = SWEEP(problem(optimizer, objective, theta0, steps), jnp.asarray(theta))
    np.testing.assert_allclose(swept, theta, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("optimizer", "objective", "theta0", "steps"),
    [
        (AdaGrad(0.1), quadratic, 1.0, 1500),
        (RMSProp(0.1, 0.9), quadratic, 1.0, 50),
        (RMSProp(0.01, 0.99), quadratic, 1.0, 500),
        (RMSProp(0.01, 0.9), double_well, 0.1, 100),
        (Adam(0.1, 0.9, 0.999), quadratic, 1.0, 100),
        (Adam(0.01, 0.0, 0.99), double_well, -0.1, 200),
    ],
)
def test_both_methods_agree_where_the_published_one_converges(optimizer, objective, theta0, steps):
    published = solve_ide(optimizer, objective, theta0, steps, method="picard")
    converged = solve_ide(optimizer, objective, theta0, steps)
    assert published.converged
    # The error is (1 - sweep')^-1 times a residual of norm at most 1e-4; measured on the residual
    # itself, the inverse has norm below 30 in all of these.
    difference = jnp.linalg.norm(published.theta - converged.theta)
    assert difference < 30 * picard.TOLERANCE
    for name, state in converged.state.items():
        scale = jnp.max(jnp.abs(state))
        np.testing.assert_allclose(published.state[name] / scale, state / scale, rtol=0, atol=5e-3)


@pytest.mark.optimised
def test_the_wiggle_of_figure_3_is_not_in_the_solution():
    published = solve_ide(RMSProp(0.01, 0.9), quadratic, 1.0, 500, method="picard")
    converged = solve_ide(RMSProp(0.01, 0.9), quadratic, 1.0, 500)
    tail = slice(400, None)
    assert jnp.max(jnp.abs(published.theta[tail] - 4)) > 5e-3
    assert jnp.max(jnp.abs(converged.theta[tail] - 4)) < 1e-8
    assert converged.state["v"][-1] < 1e-8


@pytest.mark.parametrize("method", ["march", "picard"])
@pytest.mark.parametrize("optimizer", [AdaGrad(0.1), RMSProp(0.1), Adam(0.1)], ids=str)
def test_the_maximum_of_the_double_well_is_never_left(method, optimizer):
    for solution in solve_lanes([optimizer, optimizer], double_well, [0.0, -0.0], 30, method=method):
        assert solution.converged
        assert jnp.all(solution.theta == 0)
        assert all(jnp.all(state == 0) for state in solution.state.values())


@pytest.mark.parametrize("method", ["march", "picard"])
@pytest.mark.parametrize("optimizer", [AdaGrad(0.1), RMSProp(0.1), Adam(0.1)], ids=str)
def test_mirrored_starts_give_mirrored_solutions_to_the_last_bit(method, optimizer):
    left, right = solve_lanes([optimizer, optimizer], double_well, [-0.1, 0.1], 30, method=method)
    np.testing.assert_array_equal(left.theta, -right.theta)
    for name, kernel in optimizer.memories().items():
        np.testing.assert_array_equal(left.state[name], (-1.0) ** kernel.power * right.state[name])


def test_theta_may_have_any_shape():
    starts = jnp.asarray([[1.0], [7.0]])
    together = solve_ide(Adam(0.1), quadratic, starts, 40)
    assert together.converged
    assert together.theta.shape == (40, 2, 1)
    for i in range(2):
        alone = solve_ide(Adam(0.1), quadratic, float(starts[i, 0]), 40)
        np.testing.assert_allclose(together.theta[:, i, 0], alone.theta, rtol=0, atol=1e-11)


def test_coupled_parameters_agree_with_the_published_scheme():
    matrix = jnp.asarray([[2.0, 0.8], [0.8, 1.0]])

    def bowl(theta):
        return theta @ matrix @ theta / 2

    start = jnp.asarray([1.0, -2.0])
    converged = solve_ide(Adam(0.05), bowl, start, 60)
    published = solve_ide(Adam(0.05), bowl, start, 60, method="picard")
    assert converged.converged
    assert jnp.linalg.norm(converged.theta - published.theta) < 30 * picard.TOLERANCE


@pytest.mark.parametrize("substeps", [2, 3, 8])
def test_a_refined_grid_solves_its_own_equations(substeps):
    solution = solve_ide(Adam(0.1), double_well, 0.1, 40, t_start=0.1, substeps=substeps)
    assert solution.converged
    assert solution.theta.shape == (38 * substeps + 1,)
    refined = Problem(Adam(0.1), double_well, jnp.asarray(0.1), jnp.asarray(0.1), len(solution.t), 1, substeps)
    # the same integrals by the order-1000 rule; not those ahead of the grid, where theta goes straight on here
    for name, state in MEMORIES(refined, jnp.asarray(solution.theta)).items():
        here, there = solution.state[name][:-substeps], state[:-substeps]
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-6 * float(jnp.max(jnp.abs(state))))


def test_the_published_start_at_zero_forgets_its_first_memories():
    for method in ("march", "picard"):
        solution = solve_ide(Adam(0.01), double_well, 0.1, 50, method=method, t_start=0.0)
        assert solution.theta[1] == solution.theta[0]
        assert solution.theta[2] != solution.theta[1]


def test_a_lane_that_fails_says_so_and_harms_no_other(monkeypatch):
    monkeypatch.setattr(newton, "PATIENT", Effort(0, 1.0))
    monkeypatch.setattr(products, "STEPWISE", {})
    monkeypatch.setattr(march, "program", functools.cache(march.program.__wrapped__))
    fast, slow = solve_lanes([RMSProp(0.01, 0.99), RMSProp(0.01, 0.0)], quadratic, [1.0, 1.0], 499)
    assert fast.converged
    assert not slow.converged
    assert slow.residual > advance.TOLERANCE
    assert slow.message.startswith(f"not converged after {counted(slow.iterations, 'iteration')}, ")


@pytest.mark.parametrize(("iterations", "told"), [(1, "1 iteration, "), (2, "2 iterations, ")])
@pytest.mark.parametrize("converged", [True, False])
def test_a_message_counts_one_iteration_as_one(iterations, told, converged):
    solution = solve_ide(Adam(0.1), quadratic, 1.0, 3)
    assert f" {told}" in replace(solution, iterations=iterations, converged=converged).message


def test_a_traced_solution_has_a_message_that_says_so():
    told = []
    jax.jit(lambda theta0: told.append(solve_ide(Adam(0.1), quadratic, theta0, 3).message))(1.0)
    assert told == ["not known while JAX traces the solve"]


def test_lanes_of_different_lengths_are_solved_each_over_its_own():
    rates, theta0s, lengths, every = [0.1, 0.01, 0.1], [1.0, 1.0, 2.0], [2, 1500, 36], 7
    lanes = solve_lanes([*map(AdaGrad, rates)], quadratic, theta0s, lengths, save_every=every)
    for rate, theta0, steps, lane in zip(rates, theta0s, lengths, lanes, strict=True):
        alone = solve_ide(AdaGrad(rate), quadratic, theta0, steps, save_every=every)
        assert lane.converged
        # to the accuracy of Newton's method
        np.testing.assert_allclose(lane.theta, alone.theta, rtol=0, atol=1e-14)
        # of the last too, which 7 meets in the third and which is continued beyond the grid
        np.testing.assert_allclose(lane.state["G"], alone.state["G"], rtol=1e-14)
        np.testing.assert_array_equal(lane.u, alone.u)
        assert lane.residual < 1e-13


def test_the_lanes_of_a_call_go_through_one_program_and_the_optimised_one_where_that_pays(monkeypatch):
    chosen, program = [], march.program

    def seen(objective, schedule, many, quick, way):
        chosen.append((many, quick))
        return program(objective, schedule, many, quick, way)

    def programs(*lengths):
        chosen.clear()
        solve_lanes([AdaGrad(0.1)] * len(lengths), quadratic, [1.0] * len(lengths), lengths)
        return {*chosen}

    monkeypatch.setattr(march, "program", seen)
    monkeypatch.setattr(march, "FEW", 50)
    monkeypatch.setattr(march, "LONG", 60)
    assert programs(20, 30) == {(False, True)}
    assert programs(2, 20, 30) == {(False, False)}
    # a long one, which has a program of its own, does not count among the others
    assert programs(20, 90, 30) == {(False, True), (True, False)}
    assert programs(58) == {(False, False)}
    solve_ide(AdaGrad(0.1), quadratic, 1.0, 58)
    assert chosen[-1] == (False, True)


def test_by_the_published_scheme_all_lanes_have_one_length():
    with pytest.raises(ParameterError, match=r"^steps = \[20, 30\] is not allowed: steps must be one number for all"):
        solve_lanes([AdaGrad(0.1)] * 2, quadratic, [1.0, 1.0], [20, 30], method="picard")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"method": "euler"}, "method"),
        ({"steps": 1}, "steps"),
        ({"steps": 10.0}, "steps"),
        ({"substeps": 0}, "substeps"),
        ({"lookahead": 2}, "lookahead"),
        ({"t_start": 0.2}, "t_start"),
        ({"t_start": -1.0}, "t_start"),
    ],
)
def test_invalid_arguments_are_named(arguments, named):
    with pytest.raises(ParameterError, match=f"^{named} = "):
        solve_ide(AdaGrad(0.1), quadratic, 1.0, **{"steps": 20, **arguments})


def test_the_arithmetic_is_pinned():
    assert jax.config.jax_enable_x64
    assert jnp.zeros(()).dtype == jnp.float64


class Reversed(Adam):
    """Adam, which names its memories in another order than that of the alphabet, in which JAX has them."""

    states: ClassVar = dict(reversed(Adam.states.items()))

    def memories(self):
        return dict(reversed(super().memories().items()))


@pytest.mark.parametrize(
    "given",
    [
        *({}, {"order": 2, "substeps": 2}, {"lookahead": 0}, {"t_start": "zero"}, {"method": "picard"}),
        *({"coupling": "matrix"}, {"coupling": "products"}),
    ],
)
def test_the_order_of_its_memories_does_not_matter(given):
    start = np.array([0.1, 0.7]) if "coupling" in given else 0.1

    def coupled(theta):
        return double_well(theta) + jnp.sum(theta) ** 2 / 8

    # more than a window
    expected, found = (solve_ide(kind(0.1, 0.9, 0.99), coupled, start, 150, **given) for kind in (Adam, Reversed))
    assert found.converged == expected.converged
    np.testing.assert_array_equal(found.theta, expected.theta)
    for name, state in expected.state.items():
        np.testing.assert_array_equal(found.state[name], state)


def test_nor_does_it_where_jax_traces_the_solve_or_many_are_solved():
    def end(kind, rate):
        return solve_ide(kind(rate, 0.9, 0.99), double_well, 0.1, 150).theta[-1]

    ends = jax.jit(jax.value_and_grad(end, 1), static_argnums=0)
    (value, slope), (expected, expected_slope) = ends(Reversed, 0.1), ends(Adam, 0.1)
    assert value == expected
    # a sum over the memories has another order
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-9)
    expected, found = (
        solve_batch(kind(np.array([0.1, 0.2]), 0.9, 0.99), double_well, 0.1, 150) for kind in (Adam, Reversed)
    )
    np.testing.assert_array_equal(found.theta, expected.theta)

"""Many parameters, without a matrix: against the march with one, an independent solver, and what is counted."""

import functools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from conftest import ROOT
from flow import ends
from optide import AdaGrad, Adam, RMSProp, solve_ide
from optide.base.errors import NonFiniteError, ParameterError
from optide.ide import march, products
from optide.objectives import double_well
from optide.studies.beyond_problems import rosenbrock
from optide.studies.beyond_solve import counted

STEPS = 60


def logistic(size, samples=200):
    """The loss of a logistic regression on correlated data, which couples all parameters."""
    random = np.random.default_rng(5)
    x = random.normal(size=(samples, size)) @ (np.eye(size) + 0.3 * random.normal(size=(size, size)))
    x = jnp.asarray((x - x.mean(0)) / x.std(0))
    y = jnp.where(x @ random.normal(size=size) + 0.5 * random.normal(size=samples) > 0, 1.0, -1.0)
    return lambda theta: jnp.mean(jnp.logaddexp(0.0, -y * (x @ theta)))


COUPLED = logistic(6)
START = np.linspace(-0.3, 0.4, 6)
SOLVES = [
    (AdaGrad(0.05), {}),
    (RMSProp(0.01, 0.9), {}),
    (RMSProp(0.05, 0.99), {}),
    (Adam(0.01), {}),
    (Adam(0.05, 0.5, 0.9), {}),
    (Adam(0.01), {"lookahead": 0}),
    (RMSProp(0.01, 0.9), {"substeps": 2, "order": 2}),
    (AdaGrad(0.05), {"lookahead": 0, "order": 2}),
    (Adam(0.05, 0.5, 0.9), {"t_start": "one_step"}),
]


@pytest.mark.parametrize(("optimizer", "variant"), SOLVES, ids=str)
def test_both_couplings_solve_the_same_equations(optimizer, variant):
    found = solve_ide(optimizer, COUPLED, START, STEPS, coupling="products", **variant)
    wanted = solve_ide(optimizer, COUPLED, START, STEPS, coupling="matrix", **variant)
    assert found.converged
    assert wanted.converged
    # each leaves 1e-13 of an equation at most, and the end of a window, which is given up, less than that
    np.testing.assert_allclose(found.theta, wanted.theta, rtol=0, atol=1e-10)
    for name, memory in wanted.state.items():
        np.testing.assert_allclose(found.state[name], memory, rtol=0, atol=1e-10 * np.abs(memory).max())


def test_against_an_independent_solver():
    _, found, wanted = ends(Adam(0.01, 0.9, 0.99), logistic(30), np.full(30, 0.1), steps=20, substeps=32, rtol=1e-11)
    # of second order in alpha / substeps: 1e-3 of a learning rate, squared
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@functools.cache
def watched(size):
    """An objective, and where its gradients are counted: one for all optimizers, so that a class is compiled once."""
    return counted(logistic(size))


@pytest.mark.parametrize("optimizer", [AdaGrad(0.01), Adam(0.01), Adam(0.001), RMSProp(0.001, 0.99)], ids=str)
def test_gradients_of_a_step_are_few_whatever_the_size(optimizer):
    for size in (30, 300):
        objective, asked = watched(size)
        asked.clear()
        steps = 100
        solution = solve_ide(optimizer, objective, np.full(size, 0.05), steps)
        jax.effects_barrier()
        assert solution.converged
        # two are traced, not computed
        assert len(asked) / steps < 120


def test_derivatives_without_a_matrix_are_those_of_the_solution():
    def end(theta0, learning_rate):
        found = solve_ide(Adam(learning_rate), COUPLED, theta0, 12, coupling="products")
        return jnp.sum(jnp.asarray(found.theta[-1]) ** 2)

    theta0, rate, step = jnp.asarray(START), 0.05, 1e-6
    by_theta, by_rate = jax.grad(end, (0, 1))(theta0, rate)
    along = np.cos(np.arange(6.0))
    for change, slope in ((along, by_theta @ along), (0.0, by_rate)):
        aside = step if change is not along else 0.0
        up, down = (end(theta0 + sign * step * change, rate + sign * aside) for sign in (1, -1))
        # of second order in the step; and the 1e-13 that is left of the equations, over the step
        np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-6)


# at these rates the first steps are as long as theta, and v changes by much in each
@pytest.mark.parametrize(
    ("optimizer", "way"),
    [(Adam(1.0), products.CAREFUL), (RMSProp(0.3, 0.9), products.NEWTON), (AdaGrad(1.0), products.NEWTON)],
    ids=str,
)
def test_where_sweeps_fail_other_ways_solve_the_window(optimizer, way, monkeypatch):
    asked, real = [], march.program
    monkeypatch.setattr(march, "program", lambda *given: asked.append(given[-1]) or real(*given))
    theta0 = 0.1 * np.random.default_rng(1).normal(size=6)
    found = solve_ide(optimizer, COUPLED, theta0, 10, coupling="products")
    assert asked[-1] == way
    assert found.converged
    wanted = solve_ide(optimizer, COUPLED, theta0, 10, coupling="matrix")
    np.testing.assert_allclose(found.theta, wanted.theta, rtol=0, atol=1e-10)


def wells(theta):
    """The double well, coupled."""
    return jnp.sum((theta**2 - 1) ** 2) / 4 + 0.1 * jnp.sum(theta[1:] * theta[:-1])


@pytest.mark.parametrize("optimizer", [RMSProp(0.1, 0.9), Adam(0.1, 0.5, 0.8)], ids=str)
def test_windows_that_know_too_little_of_what_comes_after_them_are_told_and_solved_again(optimizer, monkeypatch):
    theta0, steps, solves, real = np.linspace(-1.5, 1.4, 6), 20, [], march.through
    wanted = solve_ide(optimizer, wells, theta0, steps, coupling="matrix")

    def through(problem, *given):
        solves.append(real(problem, *given))
        return solves[-1]

    monkeypatch.setattr(march, "through", through)
    monkeypatch.setattr(products, "MANY", 4)  # so that there are few
    found = solve_ide(optimizer, wells, theta0, steps, coupling="products")
    first, second = solves
    # how far theta is off is known, within a factor of the problem's own: here it is 3e-7 and 1e-8
    assert not first.converged
    assert 1e-9 < np.abs(first.theta - wanted.theta).max() < first.residual < 1e-5
    assert second.converged
    np.testing.assert_array_equal(found.theta, second.theta)
    np.testing.assert_allclose(found.theta, wanted.theta, rtol=0, atol=1e-10)


def test_where_no_solution_is_found_it_is_told_and_what_to_do(monkeypatch):
    monkeypatch.setattr(products, "MATRIX", 4)  # so that Newton's method, which finds one, is none of the ways
    told = (
        r"^AdaGrad\(.* by march: not finite from t = .* on: .*theta.*; no solution was found there; .* make it easier$"
    )
    with pytest.raises(NonFiniteError, match=told):
        solve_ide(AdaGrad(1.0), COUPLED, 0.1 * np.random.default_rng(1).normal(size=6), 10, coupling="products")


def test_one_parameter_of_a_thousand_that_starts_near_a_gradient_of_0_is_solved_as_well(monkeypatch):
    objective, theta0 = rosenbrock({"size": 1000}).loss, np.random.default_rng(4).uniform(-1.5, 1.5, 1000)
    asked, real = [], march.program
    monkeypatch.setattr(march, "program", lambda *given: asked.append(given[-1]) or real(*given))
    found = solve_ide(Adam(0.01), objective, theta0, 6)
    assert asked[-1] == products.DAMPED
    assert found.converged
    # in other windows, of 3 nodes instead of 8
    monkeypatch.setattr(products, "MANY", 64)
    other = solve_ide(Adam(0.01), objective, theta0, 6)
    np.testing.assert_allclose(other.theta, found.theta, rtol=0, atol=1e-10)


# for Adam: 10 come from the window before, 22 are the result, 7 of which take the place of those and 10, the memories,
# that of the integrals, and 15 are the gradients and what one node takes; beside them is what has no parameters
@pytest.mark.parametrize(
    ("optimizer", "doubles", "carried", "windows"), [(Adam(0.001), 40.1, 10, 3), (AdaGrad(0.01), 38.1, 11, 2)], ids=str
)
def test_a_window_of_many_parameters_takes_few_doubles_for_each_and_leaves_fewer(
    optimizer, doubles, carried, windows, monkeypatch
):
    size, needed, left, real = 10_000, [], [], march.program

    def alive():
        return sum(array.nbytes for array in jax.live_arrays() if array.size >= size)

    def program(*given):
        def solve(*arguments):
            compiled = real(*given).lower(*arguments).compile()
            sizes = compiled.memory_analysis()
            both = sizes.argument_size_in_bytes + sizes.output_size_in_bytes - sizes.alias_size_in_bytes
            needed.append(both + sizes.temp_size_in_bytes)
            left.append(alive() - before)
            return compiled(*arguments)

        return solve

    monkeypatch.setattr(march, "program", program)
    problem, before = rosenbrock({"size": size}), alive()
    found = solve_ide(optimizer, problem.loss, problem.theta0, 8, observe=jnp.max)
    assert found.converged
    assert len(needed) == windows
    assert max(needed) <= doubles * 8 * size
    assert max(left) <= carried * 8 * size


MAGNITUDES = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import numpy as np
from optide.ide.trees import FEW, magnitude
for size in (1, FEW, FEW + 1, 6000):
    for value in (-3.0, np.nan, np.inf):
        print(float(jax.jit(magnitude)(np.append(np.ones(size - 1), value))))
"""


def test_what_is_no_number_is_never_left_out_of_a_magnitude():
    """In a Python in which nobody has told XLA how to compile, where its maximum of so many leaves it out."""
    plain = {name: value for name, value in os.environ.items() if name not in {"XLA_FLAGS", "JAX_ENABLE_X64"}}
    given = {**plain, "PYTHONPATH": str(ROOT / "src"), "JAX_PLATFORMS": "cpu"}
    told = subprocess.run([sys.executable, "-c", MAGNITUDES], env=given, capture_output=True, text=True, check=True)
    assert told.stdout.split() == 4 * ["3.0", "nan", "inf"]


@pytest.mark.parametrize(("coupling", "method"), [("some", "march"), (None, "march"), ("products", "picard")])
def test_what_is_no_coupling_is_refused(coupling, method):
    with pytest.raises(ParameterError, match="coupling"):
        solve_ide(Adam(0.1), double_well, 0.1, 10, coupling=coupling, method=method)

"""The march: windows, hard cases, derivatives, batches, and its linear algebra."""

import _thread
import gc
import os
import signal
import threading
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compilations import counted
from optide import AdaGrad, Adam, RMSProp, solve_ide
from optide.base.errors import ParameterError
from optide.ide import march, newton, picard, window
from optide.ide.batch import solve_batch
from optide.ide.elimination import UNROLLED, product, solve
from optide.ide.solve import ORIGIN, Problem, in_turn
from optide.problem import tracing
from optide.problem.discrete import run_batch
from optide.problem.lanes import by_threads, threads
from optide.problem.objectives import double_well, quadratic
from optide.problem.tracing import PROGRAMS
from optide.studies.audit_solve import SideBySide

SWEEP = jax.jit(picard.sweep)


# Limit cycles, and v -> 0 where the velocity amplifies rounding by alpha / eps: here an undamped and a
# damped Newton's method get stuck, and windows grow block by block.
@pytest.mark.parametrize(
    ("optimizer", "objective", "theta0"),
    [
        (AdaGrad(0.9661653660641701), double_well, 1.7506023821482304),
        (RMSProp(0.36571967261060023, 0.5998330803568014), double_well, 2.938755386394278),
        (Adam(0.03994384320164585, 0.0, 0.4575889605131165), quadratic, 0.18567088352399852),
        (Adam(0.026621215966679077, 0.9536823969193484, 0.3671411998683429), double_well, 0.7243003477637251),
    ],
)
def test_hard_cases_converge(optimizer, objective, theta0):
    solution = solve_ide(optimizer, objective, theta0, 200)
    assert solution.converged
    assert solution.residual < 1e-12
    assert solution.message.startswith(f"converged in {solution.iterations} iteration")


# Near a minimum and with a memory of little more than a step the equations are those of a limit cycle.
SEVERAL = [
    ([1.032, 0.883, 1.174, 0.598, 1.104], 1),
    ([0.982, 1.056, 0.818, 1.190, 0.565], 1),
    ([0.997, 1.012, 0.939, 1.141, 0.616], -1),
]


def test_equations_with_three_solutions_have_degree_one():
    steps, optimizer, theta0 = 6, RMSProp(0.358, 0.28), jnp.asarray(0.4)
    problem = Problem(optimizer, double_well, theta0, jnp.asarray(ORIGIN), steps, lookahead=1, substeps=1)
    solve = jax.jit(lambda X: newton.newton(problem, window.whole(problem), X, small=True, patient=True).seen)
    found = []
    for nodes, sign in SEVERAL:
        beyond = 2 * nodes[-1] - nodes[-2]  # the block in which theta goes straight on
        solved = solve(jnp.asarray([*nodes, beyond]))
        theta = jnp.concatenate([theta0[None], solved.X[: steps - 1]])
        # as far as the rule of the published sweep, 200 nodes a cell, integrates where only slopes are continuous
        np.testing.assert_allclose(SWEEP(problem, theta), theta, rtol=0, atol=1e-5)
        np.testing.assert_allclose(theta[1:], nodes, rtol=0, atol=1e-3)
        assert solved.sign == sign
        found.append(theta)
    solution = solve_ide(optimizer, double_well, 0.4, steps)
    (own,) = (i for i, theta in enumerate(found) if np.allclose(solution.theta, theta, rtol=0, atol=1e-9))
    assert solution.ambiguous == (SEVERAL[own][1] < 0)


def end(learning_rate, beta1, beta2, theta0):
    return solve_ide(Adam(learning_rate, beta1, beta2), double_well, theta0, 50).theta[-1]


def test_derivatives_are_those_of_the_solution():
    point = (0.1, 0.9, 0.999, 0.1)
    slopes = jax.grad(end, argnums=range(4))(*point)
    for i, slope in enumerate(slopes):
        h = 1e-6 * point[i]
        right, left = (end(*(x + side * h * (j == i) for j, x in enumerate(point))) for side in (1, -1))
        # central differences: h^2, and 1e-15 / h of rounding
        assert float(slope) == pytest.approx((right - left) / (2 * h), rel=1e-6)


def test_many_at_once_and_every_nth_point_are_the_same_solution():
    rates = jnp.asarray([0.1, 0.05])
    together = jax.jit(jax.vmap(lambda rate: end(rate, 0.9, 0.999, 0.1)))(rates)
    np.testing.assert_allclose(together, [end(rate, 0.9, 0.999, 0.1) for rate in (0.1, 0.05)], rtol=0, atol=1e-12)
    # over several windows, whose lengths 7 does not divide
    full, thin = (solve_ide(AdaGrad(0.01), quadratic, 1.0, 1500, save_every=every) for every in (1, 7))
    np.testing.assert_allclose(thin.t, full.t[::7], rtol=1e-15)
    np.testing.assert_allclose(thin.theta, full.theta[::7], rtol=0, atol=1e-14)
    np.testing.assert_allclose(thin.state["G"], full.state["G"][::7], rtol=1e-14)


def test_a_batch_is_its_lanes_however_it_is_divided():
    rates, betas = np.asarray([0.1, 0.02, 0.36571967261060023]), np.asarray([0.9, 0.99, 0.5998330803568014])
    starts = np.asarray([0.1, -0.3, 2.938755386394278])  # the last gets stuck and is solved again
    options = {"steps": 200}
    found = solve_batch(RMSProp(rates, betas), double_well, starts, shard=2, **options)
    assert found.converged.all()
    assert found.theta.shape == (3, 200)
    padded = solve_batch(RMSProp(rates, betas), double_well, starts, shard=4, **options)
    assert padded.theta.tolist() == found.theta.tolist()
    for i in range(3):
        alone = solve_ide(RMSProp(rates[i], betas[i]), double_well, starts[i], **options)
        np.testing.assert_allclose(found.theta[i], alone.theta, rtol=0, atol=1e-9)


@pytest.mark.parametrize("lookahead", [1, 0])
def test_lanes_side_by_side_are_those_in_turn(lookahead):
    """As on a GPU: most in one way, the others in further ones, and what is left in turn."""
    rng, objective = np.random.default_rng(0), SideBySide((double_well, quadratic))  # one program for both
    optimizers = RMSProp(np.tile(10 ** rng.uniform(-3, -0.5, 48), 2), np.tile(1 - 10 ** -rng.uniform(0, 3, 48), 2))
    origins = np.asarray([objective.origin(each) for each in objective.objectives])
    starts = (origins[:, None] + rng.uniform(-2, 2, 48)).ravel()
    turn, side = (
        solve_batch(optimizers, objective, starts, 100, lookahead=lookahead, shard=16, beside=beside)
        for beside in (False, True)
    )
    both = turn.converged & side.converged
    assert (both.reshape(2, 48).sum(1) >= 47).all()
    # where v -> 0 rounding is amplified, in windows of 88 nodes
    np.testing.assert_allclose(side.theta[both], turn.theta[both], rtol=0, atol=1e-9)
    one = run_batch(optimizers, objective, starts, 100, shard=16, beside=True)
    np.testing.assert_allclose(one.theta, run_batch(optimizers, objective, starts, 100).theta, rtol=0, atol=1e-9)


def test_what_is_hard_side_by_side_is_solved_by_several_threads_to_the_same_bits(monkeypatch):
    rng = np.random.default_rng(3)
    optimizers = RMSProp(10 ** rng.uniform(-3, -0.5, 60), 1 - 10 ** -rng.uniform(0, 3, 60))
    starts = rng.uniform(-2, 2, 60)

    def solved(threads):
        monkeypatch.setenv("PJRT_NPROC", str(threads))
        return solve_batch(optimizers, double_well, starts, 100, beside=True)

    one = solved(1)
    with counted() as programs:
        several = solved(3)
    assert programs == []
    assert one.converged.all()
    for name in ("theta", "residual", "iterations"):
        np.testing.assert_array_equal(getattr(several, name), getattr(one, name))


@pytest.mark.parametrize("interrupted", [False, True])
def test_of_threads_that_one_stops_no_other_goes_on(interrupted):
    """A process whose threads are in a program of JAX at its end is aborted."""
    begun, ended, failed, before = [], [], threading.Event(), threading.active_count()

    def solve(item):
        begun.append(item)
        if item == 1:
            threading.Event().wait(0.3)  # until all are waiting
            failed.set()
            if not interrupted:
                raise ZeroDivisionError
            _thread.interrupt_main()
        elif item:
            failed.wait()
        threading.Event().wait(0.3)  # time in which the other is told of it
        ended.append(item)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    try:
        with pytest.raises(KeyboardInterrupt if interrupted else ZeroDivisionError):
            by_threads(solve, range(100), 2)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert threading.active_count() <= before
    assert set(begun) - set(ended) == (set() if interrupted else {1})
    assert len(begun) < 10


@pytest.mark.parametrize(("told", "expected"), [("3", 3), ("0", 1), ("-2", 1), ("two", None), ("", None)])
def test_threads_are_a_number_whatever_the_environment_says(monkeypatch, told, expected):
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    monkeypatch.setenv("PJRT_NPROC", told)
    assert threads() == (expected or available)


def test_side_by_side_other_numbers_of_lanes_find_the_program():
    def solved(count):
        return solve_batch(Adam(np.linspace(0.001, 0.01, count)), quadratic, 1.0, 20, beside=True)

    solved(8)
    with counted() as programs:
        found = solved(5)
    assert programs == []
    assert found.converged.all()
    assert found.theta.shape == (5, 20)


def test_what_is_hard_is_solved_in_a_batch_too():
    """The gradient of the hill is small and v with it, so that the first steps lead far beyond both wells."""
    rates, betas = np.asarray([0.448, 0.899, 0.501, 0.14, 0.56]), np.asarray([0.9418, 0.0, 0.9268, 0.9933, 0.5])
    starts = np.asarray([-0.2741, 0.06484, -1.347, -1.138, -0.3])
    found = solve_batch(RMSProp(rates, betas), double_well, starts, 200)
    assert found.converged.all()
    for i in range(len(rates)):
        optimizer = RMSProp(float(rates[i]), float(betas[i]))
        problem = Problem(optimizer, double_well, jnp.asarray(starts[i]), jnp.asarray(ORIGIN), 200, 1, 1)
        left = SWEEP(problem, jnp.asarray(found.theta[i])) - found.theta[i]
        # as far as the rule of the published sweep, 200 nodes a cell, integrates where v changes by much within a step;
        # a path that is no solution leaves as much as a step is long, 0.1 and more
        np.testing.assert_allclose(left, 0, rtol=0, atol=3e-2)


# Several windows, whose last equations refer to nodes beyond them.
@pytest.mark.parametrize("options", [{}, {"substeps": 2}, {"order": 2}], ids=str)
def test_newtons_method_converges_quadratically(options):
    solution = solve_ide(Adam(0.0547, 0.915, 0.9894), quadratic, 3.05, 300, **options)
    first, second = solution.residuals[:2]
    # the constant of the quadratic convergence is up to 8 here; 5e-15 is what rounding leaves, half of what is enough
    assert second <= max(10 * first**2, 5e-15)


def test_nothing_but_the_programs_that_are_kept_keeps_an_objective():
    def objective(theta):
        return (theta - 1.0) ** 2

    solve_ide(Adam(0.1), objective, 0.3, 5)
    solve_batch(Adam(0.1), objective, [0.3], 5)
    gone = weakref.ref(objective)
    del objective
    for kept in (march.program, in_turn, tracing.returned):
        assert kept.cache_info().maxsize <= PROGRAMS
        kept.cache_clear()
    gc.collect()
    assert gone() is None


def test_other_numbers_compile_nothing():
    solve_ide(RMSProp(0.1, 0.5), double_well, 0.3, 12)
    with counted() as compiled:
        solve_ide(RMSProp(np.float32(0.25), 0), double_well, np.float32(-2.0), 321, save_every=2)
    assert compiled == []
    solve_ide(RMSProp(0.1, 0.5), double_well, 0.3, 12, lookahead=0, substeps=2)
    with counted() as compiled:
        solve_ide(RMSProp(0.1, 0.5), double_well, 0.3, 12, lookahead=0, substeps=5)
    assert compiled == []


@pytest.mark.parametrize("seed", range(4))  # determinants of both signs, with an even and an odd number of swaps
def test_small_systems_are_solved_with_pivoting(seed):
    rng = np.random.default_rng(seed)
    matrix, b, c = rng.normal(size=(5, 5)), rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    matrix[0, 0] = 0.0
    (x, y), sign = solve(*map(jnp.asarray, (matrix, b, c)))
    # rounding, times the condition of the matrix
    np.testing.assert_allclose(matrix @ x, b, rtol=0, atol=1e-12)
    np.testing.assert_allclose(matrix @ y, c, rtol=0, atol=1e-12)
    assert sign == np.sign(np.linalg.det(matrix))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"order": 3}, "order"), ({"save_every": 0}, "save_every"), ({"t_start": "noon"}, "t_start")],
)
def test_invalid_arguments_are_named(arguments, named):
    with pytest.raises(ParameterError, match=f"^{named} = "):
        solve_ide(AdaGrad(0.1), quadratic, 1.0, 20, **arguments)


def test_products_written_out_or_not_are_the_same():
    a, b = np.random.default_rng(2).normal(size=(2, 3, UNROLLED + 1, UNROLLED + 1))
    np.testing.assert_allclose(product(jnp.asarray(a), jnp.asarray(b)), a @ b, rtol=0, atol=1e-13)
    few = a[..., :UNROLLED], b[..., :UNROLLED, :]
    np.testing.assert_allclose(product(*map(jnp.asarray, few)), few[0] @ few[1], rtol=0, atol=1e-13)

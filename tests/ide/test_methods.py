"""The registry of methods: what it says of each is so, and nothing else knows one by its name."""

import re

import jax
import numpy as np
import pytest

from conftest import ROOT
from optide import AdaGrad, Adam, solve_ide, solve_lanes
from optide.base.errors import ParameterError, TracedError
from optide.ide import methods
from optide.ide.methods import METHODS
from optide.problem.objectives import double_well, quadratic

EACH = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def test_only_the_registry_knows_a_method_by_its_name():
    asked = re.compile(rf"""([!=]=|\bin\b)\s*[\[({{]?\s*["']({"|".join(METHODS)})["']""")
    assert asked.search('if method == "march":')  # it can fail
    for path in (ROOT / "src").rglob("*.py"):
        assert not asked.search(path.read_text(encoding="utf-8")), path


@EACH
def test_a_solve_has_the_orders_of_its_method_and_no_others(method):
    for order in (1, 2, 3):
        if order in method.orders:
            assert solve_ide(Adam(0.1), double_well, 0.1, 12, method=method.name, order=order).converged
        else:
            with pytest.raises(ParameterError, match=rf"^order = {order} .* by {method.name}$"):
                solve_ide(Adam(0.1), double_well, 0.1, 12, method=method.name, order=order)


@EACH
def test_jax_differentiates_what_it_is_said_to(method):
    def end(theta0):
        return solve_ide(AdaGrad(0.1), quadratic, theta0, 12, method=method.name).theta[-1]

    with jax.enable_x64(True):
        if method.differentiable:
            # by central differences, whose error is that of rounding, 1e-16, over their step
            expected = (end(1 + 1e-5) - end(1 - 1e-5)) / 2e-5
            np.testing.assert_allclose(jax.grad(end)(1.0), expected, rtol=1e-8)
        else:
            with pytest.raises(TracedError, match=f'^solve_ide: method "{method.name}" cannot be differentiated'):
                jax.grad(end)(1.0)


@EACH
def test_lanes_have_steps_of_their_own_where_the_method_says_so(method):
    steps = [12, 20]

    def solve():
        return solve_lanes([AdaGrad(0.1)] * 2, quadratic, [1.0, 1.0], steps, method=method.name)

    if method.own_steps:
        assert [len(lane.theta) for lane in solve()] == steps
    else:
        with pytest.raises(ParameterError, match=r"^steps = .* or with march one for each$"):
            solve()


@EACH
def test_a_method_keeps_the_points_that_are_asked_for(method):
    every, thin = (solve_ide(Adam(0.1), double_well, 0.1, 20, method=method.name, save_every=n) for n in (1, 7))
    for name in ("t", "u", "theta"):
        np.testing.assert_allclose(getattr(thin, name), getattr(every, name)[::7], rtol=1e-15)  # a rounding
    assert {*thin.state} == {*every.state}
    for name, values in thin.state.items():
        np.testing.assert_allclose(values, every.state[name][::7], rtol=1e-13)  # some roundings, of a sum


@EACH
def test_the_page_says_of_each_method_what_the_registry_says(method):
    orders, yes = ", ".join(map(str, method.orders)), {True: "yes", False: "no"}
    cells = (method.description, orders, yes[method.differentiable], yes[method.own_steps], method.cost)
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8").splitlines()
    assert f"| `{method.name}` | {' | '.join(cells)} |" in page
    rows = [line for line in page if line.startswith("| `") and line.count(" | ") == len(cells)]
    assert len(rows) == 1 + len(METHODS)  # with the head


def test_there_is_no_other():
    with pytest.raises(ParameterError, match=rf"^method = 'euler' .* must be {' or '.join(METHODS)}$"):
        methods.named("euler")

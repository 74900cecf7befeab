"""What runs and solves show of themselves: frames, and HTML with a picture that is SVG."""

import dataclasses
import subprocess
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from optide import AdaGrad, Adam, run_discrete, solve_ide
from optide.base import display
from optide.base.words import shown
from optide.data.traces import Trace
from optide.ide import solve_batch
from optide.problem.objectives import double_well

STEPS = 12


@pytest.fixture(scope="module")
def solution():
    return solve_ide(Adam(0.1), double_well, [0.1, -0.3], STEPS)


@pytest.fixture(scope="module")
def trace():
    values = {"k": np.arange(3), "t": np.arange(3) / 10, "u": np.arange(1, 4) / 10}
    values |= {name: np.arange(3.0) for name in ("theta[0]", "theta[1]", "loss", "G[0]", "G[1]")}
    given = {"experiment": "x", "set": "", "learning_rate": 0.1, "hyperparameters": {}, "theta0": [1.0, 2.0]}
    return Trace({**given, "scheme": "discrete"}, values)


def test_a_number_of_numpy_is_shown_as_a_number():
    assert shown(np.float64(0.1)) == shown(np.array(0.1)) == shown(0.1) == "0.1"
    assert shown(np.ones(100)) == "float64[100]"


def drawn(page):
    """How many panels the picture of a page has."""
    picture = ET.fromstring(page)
    (svg,) = picture.iter("{http://www.w3.org/2000/svg}svg")
    groups = [group.get("id", "") for group in svg.iter("{http://www.w3.org/2000/svg}g")]
    return sum(name.startswith("axes_") for name in groups)


def test_a_solution_is_a_frame_with_a_row_for_each_time(solution):
    frame = solution.to_pandas()
    assert [*frame] == ["t", "u", "theta[0]", "theta[1]", "m[0]", "m[1]", "v[0]", "v[1]"]
    assert len(frame) == STEPS
    np.testing.assert_array_equal(frame["theta[1]"], solution.theta[:, 1])
    np.testing.assert_array_equal(frame["v[0]"], solution.state["v"][:, 0])
    np.testing.assert_array_equal(frame["u"], solution.u)


def test_a_run_of_the_algorithm_is_one_without_u():
    run = run_discrete(AdaGrad(0.1), double_well, 0.1, STEPS)
    pd.testing.assert_frame_equal(run.to_pandas(), pd.DataFrame({"t": run.t, "theta": run.theta, **run.state}))


def test_each_row_of_a_batch_says_its_lane():
    batch = solve_batch(AdaGrad(np.array([0.1, 0.2])), double_well, 0.1, STEPS)
    frame = batch.to_pandas()
    assert [*frame] == ["lane", "t", "u", "theta", "G"]
    for lane in range(2):
        np.testing.assert_array_equal(frame["theta"][frame["lane"] == lane], batch.theta[lane])
    assert drawn(batch._repr_html_()) == 2


def test_so_does_each_of_a_batch_of_batches():
    def solve(rate, theta0):
        return solve_ide(Adam(rate), double_well, theta0, STEPS)

    batch = jax.vmap(jax.vmap(solve, (0, None)), (None, 0))(np.array([0.1, 0.2]), np.array([0.1, 0.3, 0.5]))
    frame = batch.to_pandas()
    assert [*frame] == ["lane[0]", "lane[1]", "t", "u", "theta", "m", "v"]
    of_one = frame[(frame["lane[0]"] == 2) & (frame["lane[1]"] == 1)]
    np.testing.assert_array_equal(of_one["theta"], batch.theta[2, 1])
    assert drawn(batch._repr_html_()) == 3


@pytest.mark.parametrize("theta0", [{"a.b": 1.0, "a": {"b": 2.0}}, {"a[0]": 1.0, "a": np.array([2.0])}])
def test_no_two_leaves_have_one_column(theta0):
    frame = run_discrete(AdaGrad(0.1), lambda theta: sum(map(jnp.sum, jax.tree.leaves(theta))), theta0, 3).to_pandas()
    assert len([*frame]) == len({*frame}) == 1 + 2 + 2
    first = {name: frame[name][0] for name in frame if name.startswith("theta")}
    assert {*first.values()} == {1.0, 2.0}
    assert any(name in first for name in ("theta['a.b']", "theta['a[0]']"))


def test_every_leaf_and_every_element_of_a_tree_has_a_column():
    theta = {"w": np.arange(8.0).reshape(2, 2, 2), "b": (np.array([0.5, 0.25]),)}
    frame = display.frame(SimpleNamespace(t=np.arange(2.0), theta=theta, state={"G": theta}))
    of_theta = ["theta.b.0", "theta.w[0,0]", "theta.w[0,1]", "theta.w[1,0]", "theta.w[1,1]"]
    assert [*frame] == ["t", *of_theta, *(name.replace("theta", "G") for name in of_theta)]
    assert frame["G.w[1,0]"].tolist() == [2.0, 6.0]


def test_of_theta_that_is_only_observed_there_is_what_was_observed(solution):
    seen = {"loss": np.arange(12.0), "norms": np.ones((12, 2))}
    watched = dataclasses.replace(solution, theta=solution.theta[-1:], observed=seen)
    frame = watched.to_pandas()
    assert [*frame] == ["t", "u", "observed.loss", "observed.norms[0]", "observed.norms[1]"]
    assert frame["observed.loss"].tolist() == seen["loss"].tolist()
    assert drawn(watched._repr_html_()) == 1


def test_in_a_notebook_there_is_a_line_and_a_panel_for_theta_and_each_state(solution):
    page = solution._repr_html_()
    assert page == solution._repr_html_()
    assert drawn(page) == 1 + len(solution.state)
    assert "Solution(t=float64[12]" in "".join(ET.fromstring(page).itertext())


def test_a_long_run_of_many_elements_has_a_picture_as_small_as_any(solution):
    times = np.linspace(0, 1, 10 * display.POINTS)
    wide = SimpleNamespace(t=times, theta=np.sin(np.outer(times, np.arange(100))), state={})
    # eight curves of 400 points of some 20 characters
    assert len(display.of_result(wide)) < 20 * display.FEW * display.POINTS + len(solution._repr_html_())


def test_a_trace_shows_itself_in_a_line_a_frame_and_a_picture(trace):
    assert repr(trace) == "Trace(discrete, x, learning rate 0.1, none, theta0 [1.0, 2.0], 3 points)"
    assert [*trace.to_pandas()] == [*trace.values]
    # theta, loss and G, with all of their elements
    assert drawn(trace._repr_html_()) == 3


def test_pandas_and_matplotlib_are_imported_when_they_are_asked_for():
    script = "import sys, optide.ide.solution; print({'pandas', 'matplotlib'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"

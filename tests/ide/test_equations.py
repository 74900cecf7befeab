"""The march solves the equations that one sweep of the published scheme states, whatever the numbers.

The quadratures of both are replaced by finer ones here, since it is the equations that are compared.  Those of a sweep
by a composite rule of 4,000 points: that of order 1000, over cells between which only slopes are continuous, is off by
up to 1e-7.  That of the march, of 6 points a cell, by one of 12, exact up to degree 23: on the double well g^2 is of
degree 18 in time, and first steps as long as 2 alpha / sqrt(1 - beta), with beta up to 0.999, cross half of a well.
"""

import functools
from typing import NamedTuple

import jax
import numpy as np
import pytest

from optide.ide import cells, march, picard
from optide.ide.solve import ORIGIN, Problem
from optide.numerics.elementary import exp
from optide.problem.objectives import double_well, quadratic, regression
from optide.problem.optimizers import AdaGrad, Adam, RMSProp
from optide.studies.audit_solve import SideBySide

POINTS, LANES = 10, 24
OBJECTIVE = SideBySide((quadratic, double_well, regression))
WIDTHS = {quadratic: 10.0, double_well: 2.0, regression: 3.0}


class Found(NamedTuple):
    """Of each lane: the solution, what a sweep makes of it, and the derivative of the sweep."""

    converged: np.ndarray
    theta: np.ndarray
    swept: np.ndarray
    slopes: np.ndarray


def rule(points, panels=1):
    """A composite Gauss-Legendre rule on [0, 1], by NumPy."""
    x, w = (part / 2 for part in np.polynomial.legendre.leggauss(points))
    return ((np.arange(panels)[:, None] + 0.5 + x) / panels).ravel(), np.tile(w / panels, panels)


@functools.partial(jax.jit, static_argnames="lookahead")
def solve(optimizers, theta0s, starts, lookahead):
    def lane(given):
        optimizer, theta0, start = given
        problem = Problem(optimizer, OBJECTIVE, theta0, start, POINTS, lookahead, 1)
        solved = march.solve(problem, 1)
        sweep = functools.partial(picard.sweep, problem)
        return Found(solved.converged, solved.theta, sweep(solved.theta), jax.jacfwd(sweep)(solved.theta))

    return jax.lax.map(lane, (optimizers, theta0s, starts))


def random_lanes(kind, rng):
    """Hyper-parameters, starting points and starts of the time grid, (LANES,) each; every fifth decay is 0."""
    rates = exp(rng.uniform(np.log(1e-3), np.log(0.5), LANES))
    decays = [
        np.where(rng.integers(5, size=LANES) == 0, 0.0, 1 - 10 ** rng.uniform(-3, 0, LANES))
        for _ in range({AdaGrad: 0, RMSProp: 1, Adam: 2}[kind])
    ]
    objectives = [OBJECTIVE.objectives[i] for i in rng.integers(3, size=LANES)]
    theta0s = [OBJECTIVE.origin(objective) + WIDTHS[objective] * rng.uniform(-1, 1) for objective in objectives]
    starts = [[ORIGIN, 0.0, rate, rate * rng.uniform()][i % 4] for i, rate in enumerate(rates)]
    return kind(rates, *decays, eps=np.full(LANES, 1e-8)), np.asarray(theta0s), np.asarray(starts)


@pytest.mark.parametrize("lookahead", [0, 1])
@pytest.mark.parametrize("kind", [AdaGrad, RMSProp, Adam])
def test_a_sweep_leaves_the_solution_where_it_is(kind, lookahead, monkeypatch):
    monkeypatch.setattr(picard, "gauss_legendre", lambda _: rule(20, panels=200))
    monkeypatch.setattr(cells, "gauss_legendre", lambda _: rule(12))
    found = jax.device_get(solve(*random_lanes(kind, np.random.default_rng(7)), lookahead))
    assert found.converged.all()
    moved = np.max(np.abs(found.swept - found.theta), axis=1)
    # how much of an error in theta, of a rounding say, a sweep makes
    stiffness = 1 + np.max(np.sum(np.abs(found.slopes), axis=2), axis=1)
    # from t = 0 on AdaGrad and RMSProp, with look-ahead, make a first step of alpha g / eps
    size = np.maximum(1, np.max(np.abs(found.theta), axis=1))
    np.testing.assert_array_less(moved, 1e-9 * stiffness * size)
    # nothing rests
    assert (np.abs(found.theta[:, -1] - found.theta[:, 0]) > 0).all()

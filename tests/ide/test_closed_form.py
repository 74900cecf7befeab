r"""Against the closed-form solutions of a linear objective, f = c theta.

Its gradient is the constant c, so that the memories at u, integrals of a kernel against a constant,
are

    AdaGrad    G(u) = c^2 u / alpha
    RMSProp    v(u) = c^2 (1 - e^{-(1-b) u / alpha})
    Adam       m(u) = c (1 - e^{-(1-b1) u / alpha}),   v(u) likewise with b2,

(without look-ahead, u = t), and theta is an integral of an explicit function.  With tau = u / alpha, and
without eps, which is 1e-30 here (the usual 1e-8 moves theta by 7e-9, and an error of second order is as small):

    AdaGrad    theta' = -sgn(c) tau^{-1/2}
               theta(t) = theta0 - sgn(c) 2 alpha (sqrt(tau) - sqrt(tau_0))
    RMSProp    theta' = -sgn(c) (1 - e^{-(1-b) tau})^{-1/2}; with w = sqrt(1 - e^{-(1-b) tau}),
               d tau = 2 w dw / ((1-b) (1 - w^2)) and
               theta(t) = theta0 - sgn(c) 2 alpha / (1-b) (artanh(w) - artanh(w_0))
    Adam       b1 = b2 = 0: theta' = -sgn(c) sqrt(1 - e^{-tau}) = -sgn(c) w, and
               theta(t) = theta0 - sgn(c) 2 alpha (artanh(w) - w - artanh(w_0) + w_0);
               otherwise the bias correction b^tau and the memory e^{-(1-b) tau} do not combine to an
               elementary integral, which SciPy evaluates to 1e-13.

Without look-ahead the solutions of AdaGrad and RMSProp start like sqrt(tau), at tau_0 = 0.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from optide import AdaGrad, Adam, RMSProp, solve_ide, solve_lanes
from optide.ide.batch import solve_batch

C, THETA0, STEPS, ALPHA, EPS = -1.5, 0.3, 12, 0.1, 1e-30


def linear(theta):
    return jnp.sum(C * theta)


def states(optimizer, u):
    tau = u / ALPHA
    match optimizer:
        case AdaGrad():
            return {"G": C**2 * tau}
        case RMSProp(beta=b):
            return {"v": C**2 * -np.expm1(-(1 - b) * tau)}
        case Adam(beta1=b1, beta2=b2):
            return {"m": C * -np.expm1(-(1 - b1) * tau), "v": C**2 * -np.expm1(-(1 - b2) * tau)}


def theta(optimizer, u):
    tau, tau_0 = u / ALPHA, u[0] / ALPHA
    match optimizer:
        case AdaGrad():
            return THETA0 - np.sign(C) * 2 * ALPHA * (np.sqrt(tau) - np.sqrt(tau_0))
        case RMSProp(beta=b):
            w, w_0 = (np.sqrt(-np.expm1(-(1 - b) * x)) for x in (tau, tau_0))
            return THETA0 - np.sign(C) * 2 * ALPHA / (1 - b) * (np.arctanh(w) - np.arctanh(w_0))
        case Adam(beta1=0.0, beta2=0.0):
            w, w_0 = (np.sqrt(-np.expm1(-x)) for x in (tau, tau_0))
            return THETA0 - np.sign(C) * 2 * ALPHA * (np.arctanh(w) - w - np.arctanh(w_0) + w_0)
        case Adam(beta1=b1, beta2=b2):

            def speed(x):
                m, v = -np.expm1(-(1 - b1) * x), -np.expm1(-(1 - b2) * x)
                return np.sqrt(1 - b2**x) / (1 - b1**x) * m / np.sqrt(v)

            return THETA0 - np.sign(C) * ALPHA * np.asarray([quad(speed, tau_0, x, epsabs=1e-13)[0] for x in tau])


# Those of a class are solved in one program.
OPTIMIZERS = {
    AdaGrad: [AdaGrad(ALPHA, EPS)],
    RMSProp: [RMSProp(ALPHA, 0.0, EPS), RMSProp(ALPHA, 0.9, EPS)],
    Adam: [Adam(ALPHA, 0.0, 0.0, EPS), Adam(ALPHA, 0.0, 0.99, EPS), Adam(ALPHA, 0.9, 0.999, EPS)],
}


def solve(kind, **options):
    """One solution for each optimizer of a class."""
    lanes = OPTIMIZERS[kind]
    starts = [THETA0] * len(lanes)
    if options.get("method") != "picard":
        solutions = solve_lanes(lanes, linear, starts, STEPS, **options)
        assert all(solution.converged for solution in solutions)
        return solutions
    # side by side, as `tests/problem/test_witness.py` has the march
    stacked = jax.tree.map(lambda *leaves: np.asarray(leaves), *lanes)
    together = solve_batch(stacked, linear, np.asarray(starts), STEPS, shard=len(lanes), **options)
    assert together.converged.all()
    return [jax.tree.map(lambda leaf, i=i: leaf[i], together) for i in range(len(lanes))]


@pytest.mark.parametrize(
    ("kind", "options", "coarse"),
    [
        (RMSProp, {"method": "picard", "t_start": "one_step"}, 8),
        (Adam, {"method": "picard"}, 8),
        (AdaGrad, {"t_start": "one_step"}, 8),
        (Adam, {"order": 2}, 8),
        (RMSProp, {"lookahead": 0}, 32),
        (RMSProp, {"order": 2, "lookahead": 0}, 8),
    ],
)
def test_states_are_exact_and_theta_converges_with_the_declared_order(kind, options, coarse):
    everywhere, early = [], []
    for substeps in (coarse, 2 * coarse):
        solutions = solve(kind, substeps=substeps, **options)
        errors = []
        for optimizer, solution in zip(OPTIMIZERS[kind], solutions, strict=True):
            errors.append(np.abs(solution.theta - theta(optimizer, solution.u)))
            for state, values in states(optimizer, solution.u).items():
                # the lower limit 1e-12 of the integrals, relative to the first u = alpha; without
                # look-ahead the 6 points on a cell of the first alpha, where the clock is of fifth degree
                np.testing.assert_allclose(solution.state[state], values, rtol=2e-11, atol=1e-13)
        everywhere.append(np.max(errors, axis=1))
        early.append(np.max(np.asarray(errors)[:, : substeps + 1], axis=1))
    # the next order of h moves the slopes by 0.03 at most; without look-ahead, at order 1, by as much where r is 32
    for errors in (everywhere, early):
        np.testing.assert_allclose(np.log2(np.divide(*errors)), options.get("order", 1), rtol=0, atol=0.1)


@pytest.mark.parametrize("substeps", [1, 4])
@pytest.mark.parametrize("method", ["march", "picard"])
def test_without_lookahead_the_first_increment_is_the_integral_of_the_leading_term(method, substeps):
    c, b1, b2 = -np.sign(C), 0.9, 0.99
    limit = (1 - b1) / -np.log(b1) * np.sqrt(-np.log(b2) / (1 - b2))
    for optimizer, leading in [
        (Adam(ALPHA, b1, b2, EPS), lambda t: c * limit * t),
        (Adam(ALPHA, 0.0, b2, EPS), lambda t: 0.0),
        (RMSProp(ALPHA, 0.9, EPS), lambda t: c * 2 * np.sqrt(ALPHA * t / (1 - 0.9))),
        (AdaGrad(ALPHA, EPS), lambda t: c * 2 * np.sqrt(ALPHA * t)),
    ]:
        solution = solve_ide(optimizer, linear, THETA0, 5, method=method, lookahead=0, substeps=substeps)
        first = solution.t[1] - solution.t[0]
        # all of alpha is 1e-12 shorter, from the origin of the published scheme
        assert solution.theta[1] - solution.theta[0] == pytest.approx(leading(first), rel=1e-11, abs=1e-30)

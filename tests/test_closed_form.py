r"""Against the closed-form solutions of a linear objective, f = c theta.

Its gradient is the constant c, so that the memories at u, integrals of a kernel against a constant,
are

    AdaGrad    G(u) = c^2 u / alpha
    RMSProp    v(u) = c^2 (1 - e^{-(1-b) u / alpha})
    Adam       m(u) = c (1 - e^{-(1-b1) u / alpha}),   v(u) likewise with b2,

and theta is an integral of an explicit function.  Leaving out eps = 1e-8 (its effect on theta is below
1e-8 relative, and the tests see 1e-6 at best), with tau = u / alpha and u = t + alpha:

    AdaGrad    theta' = -sgn(c) tau^{-1/2}
               theta(t) = theta0 - sgn(c) 2 alpha (sqrt(tau) - sqrt(tau_0))
    RMSProp    theta' = -sgn(c) (1 - e^{-(1-b) tau})^{-1/2}; with w = sqrt(1 - e^{-(1-b) tau}),
               d tau = 2 w dw / ((1-b) (1 - w^2)) and
               theta(t) = theta0 - sgn(c) 2 alpha / (1-b) (artanh(w) - artanh(w_0))
    Adam       b1 = b2 = 0: theta' = -sgn(c) sqrt(1 - e^{-tau}) = -sgn(c) w, and
               theta(t) = theta0 - sgn(c) 2 alpha (artanh(w) - w - artanh(w_0) + w_0);
               otherwise the bias correction b^tau and the memory e^{-(1-b) tau} do not combine to an
               elementary integral, which SciPy evaluates to 1e-13.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from optide import AdaGrad, Adam, RMSProp, solve_ide
from optide.ide import ORIGIN, march, picard

C, THETA0, STEPS, ALPHA = -1.5, 0.3, 12, 0.1


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


def theta(optimizer, t, t_start):
    tau, tau_0 = t / ALPHA + 1, t_start / ALPHA + 1
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


OPTIMIZERS = [
    AdaGrad(ALPHA),
    RMSProp(ALPHA, 0.0),
    RMSProp(ALPHA, 0.9),
    Adam(ALPHA, 0.0, 0.0),
    Adam(ALPHA, 0.0, 0.99),
    Adam(ALPHA, 0.9, 0.999),
]


@pytest.mark.parametrize("method", [march, picard], ids=["march", "picard"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("t_start", [ORIGIN, ALPHA])
def test_states_are_exact_and_theta_converges_with_the_declared_order(optimizer, method, t_start):
    name = method.__name__.rsplit(".", 1)[-1]
    errors = []
    for substeps in (32, 64, 128):
        solution = solve_ide(optimizer, linear, THETA0, STEPS, method=name, t_start=t_start, substeps=substeps)
        assert solution.converged
        exact = theta(optimizer, np.asarray(solution.t), t_start)
        errors.append(np.max(np.abs(solution.theta - exact)))
        for state, values in states(optimizer, np.asarray(solution.u)).items():
            # the lower limit 1e-12 of the integrals, relative to the first u = alpha
            np.testing.assert_allclose(solution.state[state], values, rtol=2e-11)
    slopes = np.log2(np.asarray(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(slopes, method.ORDER, rtol=0, atol=0.1)
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("beta1", [0.5, 0.9])
def test_adam_without_lookahead_starts_at_its_finite_limit(beta1):
    solution = solve_ide(Adam(ALPHA, beta1, 0.99), linear, THETA0, 5, lookahead=0, substeps=100)
    limit = (1 - beta1) / -np.log(beta1) * np.sqrt(-np.log(0.99) / (1 - 0.99))
    first = float(solution.theta[1] - solution.theta[0]) / (ALPHA / 100)
    assert first == pytest.approx(-np.sign(C) * limit, rel=1e-12)
    # and the velocity is continuous there, to the order of a step
    second = float(solution.theta[2] - solution.theta[1]) / (ALPHA / 100)
    assert second == pytest.approx(first, rel=0.01)

r"""Against manufactured solutions on a nonlinear objective, the double well with g = theta^3 - theta.

A function theta* is put into an optimizer's equation, and what is left is added to the velocity, so that
theta* solves the equation.  The memories of theta* have to be known in closed form:

RMSProp with look-ahead: theta* is a polynomial in e^-t, so that g^2 is one, sum_k c_k e^-kt, and

    v(u) = int_0^u lambda e^(-lambda (u - s)) g(s)^2 ds = sum_k c_k lambda (e^(-k u) - e^(-lambda u)) / (lambda - k).

AdaGrad without look-ahead: theta* is a polynomial in x = sqrt(t / alpha), and starts as AdaGrad's own solution
does, with 2 - 2 alpha x.  With ds = 2 alpha y dy, G is a polynomial as well:

    G(t) = int_0^x 2 y g(theta*(y))^2 dy.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import Polynomial

from optide import AdaGrad, RMSProp, solve_ide
from optide.problem.objectives import double_well

ALPHA, BETA, STEPS = 0.1, 0.9, 12

X = Polynomial([0, 1])
# theta*, in e^-t.  Its second derivative vanishes at t = 0: on the first cell the slope of the cubic is a
# one-sided secant, and the error that this makes, of third order, would hide the second on grids so coarse.
DECAY = 8 / 3 * X - 2 / 3 * X**2
SQUARE = ((DECAY**3 - DECAY) ** 2).coef
# theta*, in x
ROOT = 2 - 2 * ALPHA * X + ALPHA / 4 * X**2  # which stays right of the minimum at 1
G = (2 * X * (ROOT**3 - ROOT) ** 2).integ()


def at(polynomial, x):
    return jnp.polyval(jnp.asarray(polynomial.coef[::-1]), x)


class ForcedRMSProp(RMSProp):
    """RMSProp with the velocity that makes DECAY a solution, with look-ahead."""

    @staticmethod
    def solution(t):
        return at(DECAY, jnp.exp(-t))

    @staticmethod
    def memory(u):
        rate = (1 - BETA) / ALPHA
        terms = enumerate(SQUARE[2:], 2)  # there are none in 1 and e^-t, and lambda is 1
        return {"v": sum(c * rate * (jnp.exp(-k * u) - jnp.exp(-rate * u)) / (rate - k) for k, c in terms)}

    def velocity(self, u, here, g, state):
        z = jnp.exp(ALPHA - u)
        theta, speed = at(DECAY, z), -z * at(DECAY.deriv(), z)
        return (
            super().velocity(u, here, g, state) - super().velocity(u, theta, theta**3 - theta, self.memory(u)) + speed
        )


class ForcedAdaGrad(AdaGrad):
    """AdaGrad with the velocity that makes ROOT a solution, without look-ahead."""

    @staticmethod
    def solution(t):
        return at(ROOT, jnp.sqrt(t / ALPHA))

    @staticmethod
    def memory(u):
        return {"G": at(G, jnp.sqrt(u / ALPHA))}

    def velocity(self, u, here, g, state):
        x = jnp.sqrt(u / ALPHA)
        theta, speed = at(ROOT, x), at(ROOT.deriv(), x) / (2 * ALPHA * x)
        return (
            super().velocity(u, here, g, state) - super().velocity(u, theta, theta**3 - theta, self.memory(u)) + speed
        )


@pytest.mark.parametrize(
    ("optimizer", "lookahead", "order", "coarse"),
    [
        (ForcedRMSProp(ALPHA, BETA), 1, 2, 16),
        (ForcedAdaGrad(ALPHA), 0, 1, 32),
        (ForcedAdaGrad(ALPHA), 0, 2, 16),
    ],
)
def test_the_declared_order_is_observed(optimizer, lookahead, order, coarse):
    errors = []
    for substeps in (coarse, 2 * coarse):
        solution = solve_ide(optimizer, double_well, 2.0, STEPS, substeps=substeps, order=order, lookahead=lookahead)
        assert solution.converged
        theta = np.abs(solution.theta - optimizer.solution(solution.t))
        ((name, exact),) = optimizer.memory(solution.u).items()
        memory = np.abs(solution.state[name] - exact)
        # the first alpha, and the first half: beyond the last node theta goes straight on, which with
        # look-ahead disturbs what is before it, by a factor of 20 less for each step backwards
        errors.append([np.max(e[: k * substeps + 1]) for e in (theta, memory) for k in (1, STEPS // 2)])
    np.testing.assert_allclose(np.log2(np.divide(*errors)), order, rtol=0, atol=0.1)

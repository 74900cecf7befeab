"""Adam's equation without look-ahead as a system of ordinary differential equations, solved by scipy."""

import jax
import numpy as np
from scipy.integrate import solve_ivp

from optide import solve_ide


def ends(adam, loss, theta0, *, steps, substeps, rtol):
    """Theta in the end by the march, and by scipy from a learning rate on: there nothing is singular.

    What the march remembers at that time, m and v, scipy is given as more unknowns.

    Returns:
        Theta a learning rate after the start, by the march in the end, by scipy in the end.
    """
    alpha, beta1, beta2, eps = adam.learning_rate, adam.beta1, adam.beta2, adam.eps
    gradient, size = jax.jit(jax.grad(loss)), len(theta0)

    def flow(t, y):
        theta, m, v = y.reshape(3, size)
        g = np.asarray(gradient(theta))
        c = np.sqrt(-np.expm1(t / alpha * np.log(beta2)))
        a = c / -np.expm1(t / alpha * np.log(beta1))
        rates = (1 - beta1) / alpha * (g - m), (1 - beta2) / alpha * (g**2 - v)
        return np.concatenate([-a * m / (np.sqrt(v) + eps * c), *rates])

    found = solve_ide(adam, loss, theta0, steps, lookahead=0, order=2, substeps=substeps, coupling="products")
    assert found.converged
    start = np.concatenate([found.theta[substeps], found.state["m"][substeps], found.state["v"][substeps]])
    theirs = solve_ivp(flow, (found.t[substeps], found.t[-1]), start, rtol=rtol, atol=rtol / 100)
    return found.theta[substeps], found.theta[-1], theirs.y[:size, -1]

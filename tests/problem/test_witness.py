r"""Against diffrax, which knows nothing of memories: without look-ahead, RMSProp and Adam are ordinary
differential equations in (theta, m, v), as V = int_0^t K(t-s) g^p ds has V' = K(0) (g^p - V).

They start like x = sqrt(t / alpha), with a theta' that is infinite or 0/0.  In x all is smooth,
d/dx = 2 alpha x d/dt, and (1-b) / alpha, the K(0) of both, becomes 2 (1-b) x.
"""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optide import Adam, RMSProp
from optide.ide.batch import solve_batch

ALPHA, STEPS, BETA1, BETA2, EPS = 0.05, 20, 0.9, 0.99, 1e-8
SUBSTEPS, SAVE_EVERY = 2048, 128


def saddle(theta):
    """Coupled, not convex, and of more than one dimension."""
    a, b = theta[:, 0]
    return (a**2 - 1) ** 2 / 4 + (b - 4) ** 2 + a * b / 2


# Both gradients are 5 and more.  No grid resolves the very start, x < eps / g, where sqrt(v) < eps: on it, theta
# of RMSProp starts as if eps were 0.  This puts it off by 2 alpha eps / ((1-b) g) log(g / (r eps)) or so: 3e-8 here,
# with r = SUBSTEPS, and the more, the less g is.
THETA0 = jnp.asarray([[2.0], [1.0]])


def rmsprop(x, y, _):
    theta, v = y
    g = jax.grad(saddle)(theta)
    # the limit at x = 0, where v ~ (1-b) g^2 x^2
    start = -2 * ALPHA * jnp.sign(g) / np.sqrt(1 - BETA1)
    speed = jnp.where(x > 0, -2 * ALPHA * x * g / (jnp.sqrt(v) + EPS), start)
    return speed, 2 * (1 - BETA1) * x * (g**2 - v)


def adam(x, y, _):
    theta, m, v = y
    g = jax.grad(saddle)(theta)
    filled1, filled2 = (-jnp.expm1(jnp.where(x > 0, x**2, 1.0) * np.log(beta)) for beta in (BETA1, BETA2))
    c = jnp.sqrt(filled2)
    # 0 at x = 0, where theta' is finite
    speed = jnp.where(x > 0, -2 * ALPHA * x * c / filled1 * m / (jnp.sqrt(v) + EPS * c), 0.0)
    return speed, 2 * (1 - BETA1) * x * (g - m), 2 * (1 - BETA2) * x * (g**2 - v)


@pytest.mark.parametrize(
    ("optimizer", "slope", "names"),
    [(RMSProp(ALPHA, BETA1, EPS), rmsprop, "v"), (Adam(ALPHA, BETA1, BETA2, EPS), adam, "mv")],
    ids=["rmsprop", "adam"],
)
def test_the_small_step_limit_is_the_solution_of_the_differential_equation(optimizer, slope, names):
    stacked = jax.tree.map(lambda leaf: np.full(1, leaf), optimizer)
    found = solve_batch(
        stacked, saddle, THETA0[None], STEPS, shard=1,
        order=2, substeps=SUBSTEPS, lookahead=0, save_every=SAVE_EVERY,
    )  # fmt: skip
    assert found.converged.all()
    # the start included: 16 times in each alpha, the first of them at x = 0 and 0.12
    x = jnp.sqrt(jnp.asarray(found.t[0]) / ALPHA)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        witness = diffrax.diffeqsolve(
            diffrax.ODETerm(slope), diffrax.Dopri8(), 0.0, x[-1], 1e-3, (THETA0, *(0 * THETA0 for _ in names)),
            stepsize_controller=diffrax.PIDController(rtol=1e-10, atol=1e-10),
            saveat=diffrax.SaveAt(ts=x), max_steps=10_000,
        )  # fmt: skip
    # with 1 / r^2 go 2e-8 of theta, and 6e-8 of the memories relative to their size
    np.testing.assert_allclose(found.theta[0], witness.ys[0], rtol=0, atol=1e-7)
    for name, values in zip(names, witness.ys[1:], strict=True):
        np.testing.assert_allclose(found.state[name][0], values, rtol=0, atol=1e-7 * np.max(np.abs(values)))

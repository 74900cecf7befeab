r"""Against diffrax, which knows nothing of memories: without look-ahead, RMSProp and Adam are ordinary
differential equations in (theta, m, v), as V = int_0^t K(t-s) g^p ds has V' = K(0) g^p - rate V.

At t = 0 they start like x = sqrt(t / alpha), and theta' is 0/0 or infinite.  In x everything is smooth,
d/dx = 2 alpha x d/dt, and diffrax starts at x = 0 with the leading term of the velocity.
"""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optide import Adam
from optide.ide import solve_batch

ALPHA, STEPS = 0.05, 20
RELATIVE = ABSOLUTE = 1e-10


def saddle(theta):
    """Coupled, not convex, and of more than one dimension."""
    a, b = theta[:, 0]
    return (a**2 - 1) ** 2 / 4 + (b - 4) ** 2 + a * b / 2


THETA0 = jnp.asarray([[0.3], [1.0]])


def by_diffrax(optimizer, times):
    """theta at the given times; STEPS * ALPHA at most."""

    def slope(x, y, _):
        theta, state = y
        g = jax.grad(saddle)(theta)
        t = ALPHA * x**2
        early = x < 1e-6  # up to there, the leading term is exact to rounding of x
        safe = jax.tree.map(lambda v: jnp.where(early, 1.0, v), state)
        velocity = optimizer.velocity(jnp.where(early, ALPHA, t), g, safe)
        start = 2 * ALPHA * 1e-10 * optimizer.initial_velocity(g, 1e-20)
        theta = jnp.where(early, start, 2 * ALPHA * x * velocity)
        kernels = optimizer.memories()
        memory = {k: 2 * ALPHA * x * (m.weight * g**m.power - m.rate * state[k]) for k, m in kernels.items()}
        return theta, memory

    start = THETA0, {name: jnp.zeros_like(THETA0) for name in optimizer.memories()}
    # an implicit method would be needed for short memories; here they are 10 steps and more
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(slope), diffrax.Dopri8(), 0.0, float(np.sqrt(STEPS)), 1e-3, start,
            stepsize_controller=diffrax.PIDController(rtol=RELATIVE, atol=ABSOLUTE),
            saveat=diffrax.SaveAt(ts=jnp.sqrt(jnp.asarray(times) / ALPHA)), max_steps=100_000,
        )  # fmt: skip
    return np.asarray(found.ys[0])


@pytest.mark.parametrize("optimizer", [Adam(ALPHA, 0.9, 0.99)], ids=str)
def test_the_small_step_limit_is_the_solution_of_the_differential_equation(optimizer):
    at_steps, solutions = [], []
    stacked = jax.tree.map(lambda leaf: np.full(1, leaf), optimizer)
    for substeps in (64, 128):
        found = solve_batch(
            stacked, saddle, THETA0[None], STEPS, shard=1, order=2, substeps=substeps, lookahead=0, save_every=substeps
        )
        assert found.converged.all()
        at_steps.append(found.t[0])
        solutions.append(found.theta[0])
    np.testing.assert_allclose(at_steps[0], at_steps[1], rtol=1e-14)
    limit = (4 * solutions[1] - solutions[0]) / 3
    witness = by_diffrax(optimizer, at_steps[0])
    np.testing.assert_allclose(limit, witness, rtol=0, atol=1e-7)
    # and the single solution is as far from it as its order says
    assert np.max(np.abs(solutions[1] - witness)) > 10 * np.max(np.abs(limit - witness))

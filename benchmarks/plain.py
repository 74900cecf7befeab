"""The published scheme as it is written down, with an interpolator that knows nothing of the grid.

For every grid point the rule of order 1000 asks for theta at 1000 times, each of which the interpolator
looks up.  Sources: C. Heredia, arXiv:2411.09734, for the scheme, and the package interpax.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from optide.ide.picard import QUADRATURE_ORDER
from optide.ide.problem import ORIGIN
from optide.ide.quadrature import gauss_legendre
from optide.problem.optimizer import Optimizer

Array = jax.Array


def cubic(t: Array, theta: Array) -> Callable[[Array], Array]:
    """The interpolant of the published scheme through theta (n,) at times t (n,)."""
    import interpax  # noqa: PLC0415  (of the benchmark environment only)

    return interpax.Interpolator1D(t, theta, method="cubic", extrap=True)


def velocities(
    optimizer: Optimizer,
    objective: Callable[[Array], Array],
    t: Array,
    theta: Array,
    chosen: Array,
) -> Array:
    """theta'(t) along an iterate, which one sweep then adds up, at some of the grid points.

    Args:
        t: grid, (n,), > 0.
        theta: the iterate, (n,).
        chosen: indices (m,) of grid points.

    Returns:
        (m,).
    """
    x, w = (jnp.asarray(a) for a in gauss_legendre(QUADRATURE_ORDER))
    path = cubic(t, theta)
    gradient = jax.grad(objective)

    def velocity(i):
        u = t[i] + optimizer.learning_rate
        s = ORIGIN + (u - ORIGIN) * x
        g = jax.vmap(gradient)(path(s))
        state = {
            name: (u - ORIGIN) * jnp.sum(w * kernel.weight * jnp.exp(-kernel.rate * (u - s)) * g**kernel.power)
            for name, kernel in optimizer.memories().items()
        }
        return optimizer.velocity(u, theta[i], gradient(theta[i]), state)

    return jax.lax.map(velocity, chosen)

r"""AdaGrad, RMSProp and Adam: the discrete algorithm and the integro-differential equation of each.

Both are stated side by side, with the symbols of C. Heredia, arXiv:2411.09734.  An optimizer
knows nothing of how its equation is solved: it gives the memories (convolutions of a power of the
gradient with an exponential kernel) and the velocity theta'(t) as a function of them.

Variants in use elsewhere, and the one here: eps is added outside the square root in all three
(the paper, PyTorch, and optax for Adam; optax puts it inside for AdaGrad and, by default, RMSProp);
AdaGrad's accumulator starts at 0 (optax: 0.1).
"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optide.base.errors import ParameterError
from optide.problem.finite import real

Array = jax.Array
Scalar = float | np.floating | np.ndarray | Array
State = dict[str, Array]


class Memory(NamedTuple):
    r"""A memory integral :math:`\int_0^u K(u-s)\, g(s)^p\, ds` with `K(s) = weight exp(-rate s)`.

    Attributes:
        power: p, the power of the gradient (1 or 2).
        weight: K(0), per unit of time.
        rate: decay of the kernel, per unit of time; 0 for a constant kernel.
    """

    power: int
    weight: Scalar
    rate: Scalar


def exponential(power: int, beta: Scalar, learning_rate: Scalar) -> Memory:
    r"""The kernel :math:`K_\beta(s) = (1-\beta)/\alpha\; e^{-(1-\beta) s/\alpha}`."""
    rate = (1 - beta) / learning_rate
    return Memory(power, weight=rate, rate=rate)


def sqrt(v: Array) -> Array:
    """Square root with derivative 0 at 0 and value 0 below, so that v -> 0 gives no NaN.

    A second moment is a sum of squares; only rounding, or the offset of the published lower limit
    of integration, takes it below 0.
    """
    positive = v > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, v, 1.0)), 0.0)


def filled(beta: Scalar, steps: Scalar) -> Array:
    """1 - beta^steps: how much of an exponential average is filled so many steps after its start at 0.

    Shapes broadcast; steps need not be whole, and must be > 0.

    From XLA's own expm1 and log: its power of floats calls the C library, which takes another path, to
    another last bit, where the processor has fused multiply-add.
    """
    positive = beta > 0
    usual = -jnp.expm1(steps * jnp.log(jnp.where(positive, beta, 1.0)))
    # for beta = 0, where the derivative of the logarithm is infinite, to first order in beta at whole steps
    return jnp.where(positive, usual, 1 - jnp.where(steps < 1.5, beta, 0.0))


_RANGES = {
    "learning_rate": (lambda x: (x > 0) & np.isfinite(x), "a finite number > 0"),
    "eps": (lambda x: (x > 0) & np.isfinite(x), "a finite number > 0"),
    "beta": (lambda x: (x >= 0) & (x < 1), "in [0, 1)"),
    "beta1": (lambda x: (x >= 0) & (x < 1), "in [0, 1)"),
    "beta2": (lambda x: (x >= 0) & (x < 1), "in [0, 1)"),
}


@dataclass(frozen=True)
class Optimizer:
    """What the three optimizers share: hyper-parameters that are checked, and traced by JAX.

    Hyper-parameters are leaves of a pytree: `jax.vmap` and `jax.lax.map` run over them.

    Raises:
        ParameterError: a hyper-parameter is outside its range.
    """

    learning_rate: Scalar
    name: ClassVar[str]
    # What is added to the square root of a second moment.  Not annotated: a field of the optimizers that have one.
    eps = 0.0

    def __init_subclass__(cls) -> None:
        def flatten(optimizer):
            return tuple(optimizer.hyperparameters.values()), None

        def unflatten(_, leaves):
            # JAX fills in tracers and placeholders: what a user constructs is checked, these not.
            optimizer = object.__new__(cls)
            for field, leaf in zip(dataclasses.fields(cls), leaves, strict=True):
                object.__setattr__(optimizer, field.name, leaf)
            return optimizer

        jax.tree_util.register_pytree_node(cls, flatten, unflatten)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, jax.core.Tracer):
                continue
            valid, allowed = _RANGES[name]
            # a list would be a container to JAX, and not one leaf
            numbers = None if isinstance(value, list | tuple) else real(value)
            if numbers is None or not numbers.size:
                raise ParameterError(name, value, f"{allowed}, or an array of such numbers")
            if not np.all(good := valid(numbers)):
                raise ParameterError(name, value if numbers.ndim == 0 else float(numbers[~good][0]), allowed)

    @property
    def hyperparameters(self) -> dict[str, Scalar]:
        """All hyper-parameters, learning rate and eps included, by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def step(self, k: Array, theta: Array, g: Array, state: State) -> tuple[Array, State]:
        """One update of the discrete algorithm: (theta_k, state) -> (theta_{k+1}, state)."""
        raise NotImplementedError

    def memories(self) -> dict[str, Memory]:
        """The memory integrals of the equation, by the name of the state they stand for."""
        raise NotImplementedError

    def velocity(self, u: Array, g: Array, state: State) -> Array:
        """theta'(t), given g(t) and the memories at u (= t + alpha, or t without look-ahead)."""
        raise NotImplementedError

    def initial_velocity(self, g: Array, tau: Scalar) -> Array:
        """The leading term of `velocity` without look-ahead at t = tau alpha -> 0, where all memories vanish."""
        raise NotImplementedError


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    r"""AdaGrad: `G += g^2`, `theta -= alpha g / (sqrt(G) + eps)`.

    Equation: :math:`G(u) = \frac1\alpha\int_0^u g^2 ds`,
    :math:`\theta' = -g / (\sqrt{G(u)} + \epsilon)`.
    """

    eps: Scalar = 1e-8
    name: ClassVar[str] = "adagrad"

    def step(self, k, theta, g, state):
        G = state["G"] + g**2
        return theta - self.learning_rate * g / (sqrt(G) + self.eps), {"G": G}

    def memories(self):
        return {"G": Memory(power=2, weight=1 / self.learning_rate, rate=0.0)}

    def velocity(self, u, g, state):
        return -g / (sqrt(state["G"]) + self.eps)

    def initial_velocity(self, g, tau):
        # G ~ g^2 tau
        return -jnp.sign(g) / jnp.sqrt(tau)


@dataclass(frozen=True)
class RMSProp(Optimizer):
    r"""RMSProp: `v = beta v + (1-beta) g^2`, `theta -= alpha g / (sqrt(v) + eps)`.

    Equation: :math:`v(u) = \int_0^u K_\beta(u-s) g^2 ds`,
    :math:`\theta' = -g / (\sqrt{v(u)} + \epsilon)`.
    """

    beta: Scalar = 0.9
    eps: Scalar = 1e-8
    name: ClassVar[str] = "rmsprop"

    def step(self, k, theta, g, state):
        v = self.beta * state["v"] + (1 - self.beta) * g**2
        return theta - self.learning_rate * g / (sqrt(v) + self.eps), {"v": v}

    def memories(self):
        return {"v": exponential(2, self.beta, self.learning_rate)}

    def velocity(self, u, g, state):
        return -g / (sqrt(state["v"]) + self.eps)

    def initial_velocity(self, g, tau):
        # v ~ (1-beta) g^2 tau
        return -jnp.sign(g) / jnp.sqrt((1 - self.beta) * tau)


@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Adam: `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`, both corrected for their start at 0.

    Discrete: `theta -= alpha mhat / (sqrt(vhat) + eps)` with `mhat = m / (1-b1^k)`,
    `vhat = v / (1-b2^k)`, k from 1.  Equation: :math:`m(u) = \int_0^u K_{\beta_1}(u-s) g\, ds`,
    :math:`v(u) = \int_0^u K_{\beta_2}(u-s) g^2 ds`, and
    :math:`\theta' = -a\, m / (\sqrt v + \epsilon c)` with :math:`c = \sqrt{1-\beta_2^{u/\alpha}}`,
    :math:`a = c / (1-\beta_1^{u/\alpha})`.
    """

    beta1: Scalar = 0.9
    beta2: Scalar = 0.999
    eps: Scalar = 1e-8
    name: ClassVar[str] = "adam"

    def step(self, k, theta, g, state):
        m = self.beta1 * state["m"] + (1 - self.beta1) * g
        v = self.beta2 * state["v"] + (1 - self.beta2) * g**2
        m_hat = m / filled(self.beta1, k + 1)
        v_hat = v / filled(self.beta2, k + 1)
        return theta - self.learning_rate * m_hat / (sqrt(v_hat) + self.eps), {"m": m, "v": v}

    def memories(self):
        return {
            "m": exponential(1, self.beta1, self.learning_rate),
            "v": exponential(2, self.beta2, self.learning_rate),
        }

    def velocity(self, u, g, state):
        steps = u / self.learning_rate
        c = jnp.sqrt(filled(self.beta2, steps))
        a = c / filled(self.beta1, steps)
        return -a * state["m"] / (sqrt(state["v"]) + self.eps * c)

    def initial_velocity(self, g, tau):
        # m ~ (1-b1) g tau, v ~ (1-b2) g^2 tau; the corrections stay as they are: for b = 0 they are 1
        c = jnp.sqrt(filled(self.beta2, tau) / ((1 - self.beta2) * tau))
        return -jnp.sign(g) * (1 - self.beta1) * tau / filled(self.beta1, tau) * c


OPTIMIZERS = {optimizer.name: optimizer for optimizer in (AdaGrad, RMSProp, Adam)}

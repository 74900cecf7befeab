r"""AdaGrad, RMSProp and Adam: the discrete algorithm and the integro-differential equation of each.

Both are stated side by side, with the symbols of C. Heredia, arXiv:2411.09734.

Variants in use elsewhere, and the one here: eps is added outside the square root in all three
(the paper, PyTorch, and optax for Adam; optax puts it inside for AdaGrad and, by default, RMSProp);
AdaGrad's accumulator starts at 0 (optax: 0.1).
"""

from typing import Any, ClassVar

from optide.base.lazy import Array, jnp
from optide.problem.kernels import Memory, Scalar, exponential, filled, sqrt
from optide.problem.optimizer import Optimizer, States
from optide.problem.vocabulary import POSITIVE, UNIT_INTERVAL, State, hyperparameter


def _eps() -> Any:
    return hyperparameter(
        POSITIVE, default=1e-8, symbol=r"\epsilon", text="ε", optional=True, description="Added to the root of squares."
    )


def _decay(symbol: str, text: str, of: str, default: float) -> Any:
    return hyperparameter(
        UNIT_INTERVAL, default=default, symbol=symbol, text=text, description=f"Decay of the average of {of}."
    )


def _average(beta: Scalar, old: Array, new: Array) -> Array:
    return jnp.asarray(beta * old + (1 - beta) * new)


SECOND_MOMENT = State("v", "the average of squared gradients (second moment)")


class AdaGrad(Optimizer):
    r"""AdaGrad: `G += g^2`, `theta -= alpha g / (sqrt(G) + eps)`.

    Equation: :math:`G(u) = \frac1\alpha\int_0^u g^2 ds`,
    :math:`\theta' = -g / (\sqrt{G(u)} + \epsilon)`.

    Algorithm: Duchi, Hazan and Singer, JMLR 12 (2011), 2121; equation: Heredia, arXiv:2411.09734.
    """

    eps: Scalar = _eps()
    states: ClassVar = {"G": State("G", "the sum of squared gradients")}

    def step(self, k: Array, theta: Array, g: Array, state: States) -> tuple[Array, States]:
        G = state["G"] + g**2
        return theta - self.learning_rate * g / (sqrt(G) + self.eps), {"G": G}

    def memories(self) -> dict[str, Memory]:
        return {"G": Memory(power=2, weight=1 / self.learning_rate, rate=0.0)}

    def velocity(self, u: Array, theta: Array, g: Array, state: States) -> Array:
        return -g / (sqrt(state["G"]) + self.eps)


class RMSProp(Optimizer):
    r"""RMSProp: `v = beta v + (1-beta) g^2`, `theta -= alpha g / (sqrt(v) + eps)`.

    Equation: :math:`v(u) = \int_0^u K_\beta(u-s) g^2 ds`,
    :math:`\theta' = -g / (\sqrt{v(u)} + \epsilon)`.

    Algorithm: Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning (2012); equation: Heredia,
    arXiv:2411.09734.
    """

    beta: Scalar = _decay(r"\beta", "β", "squared gradients", 0.9)
    eps: Scalar = _eps()
    states: ClassVar = {"v": SECOND_MOMENT}

    def step(self, k: Array, theta: Array, g: Array, state: States) -> tuple[Array, States]:
        v = _average(self.beta, state["v"], g**2)
        return theta - self.learning_rate * g / (sqrt(v) + self.eps), {"v": v}

    def memories(self) -> dict[str, Memory]:
        return {"v": exponential(2, self.beta, self.learning_rate)}

    def velocity(self, u: Array, theta: Array, g: Array, state: States) -> Array:
        return -g / (sqrt(state["v"]) + self.eps)


class Adam(Optimizer):
    r"""Adam: `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`, both corrected for their start at 0.

    Discrete: `theta -= alpha mhat / (sqrt(vhat) + eps)` with `mhat = m / (1-b1^k)`,
    `vhat = v / (1-b2^k)`, k from 1.  Equation: :math:`m(u) = \int_0^u K_{\beta_1}(u-s) g\, ds`,
    :math:`v(u) = \int_0^u K_{\beta_2}(u-s) g^2 ds`, and
    :math:`\theta' = -a\, m / (\sqrt v + \epsilon c)` with :math:`c = \sqrt{1-\beta_2^{u/\alpha}}`,
    :math:`a = c / (1-\beta_1^{u/\alpha})`.

    Algorithm: Kingma and Ba, arXiv:1412.6980; equation: Heredia, arXiv:2411.09734.
    """

    beta1: Scalar = _decay(r"\beta_1", "β₁", "gradients", 0.9)
    beta2: Scalar = _decay(r"\beta_2", "β₂", "squared gradients", 0.999)
    eps: Scalar = _eps()
    states: ClassVar = {"m": State("m", "the average of gradients (first moment)"), "v": SECOND_MOMENT}

    def step(self, k: Array, theta: Array, g: Array, state: States) -> tuple[Array, States]:
        m = _average(self.beta1, state["m"], g)
        v = _average(self.beta2, state["v"], g**2)
        m_hat = m / filled(self.beta1, k + 1)
        v_hat = v / filled(self.beta2, k + 1)
        return theta - self.learning_rate * m_hat / (sqrt(v_hat) + self.eps), {"m": m, "v": v}

    def memories(self) -> dict[str, Memory]:
        return {
            "m": exponential(1, self.beta1, self.learning_rate),
            "v": exponential(2, self.beta2, self.learning_rate),
        }

    def velocity(self, u: Array, theta: Array, g: Array, state: States) -> Array:
        steps = u / self.learning_rate
        c = jnp.sqrt(filled(self.beta2, steps))
        a = c / filled(self.beta1, steps)
        return -a * state["m"] / (sqrt(state["v"]) + self.eps * c)


BUILT_IN = (AdaGrad, RMSProp, Adam)

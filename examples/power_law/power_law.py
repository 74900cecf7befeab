r"""Adam with a long memory: a second moment that fades like a power of its age, and not exponentially.

The kernel (1 + x)^(-p) is a sum of exponentials, one memory for each, by the trapezoidal rule for the integral

    (1 + x)^(-p) = 1 / Gamma(p) \int exp(p y - e^y) exp(-x e^y) dy    over all real y

(Beylkin and Monzon, 2010).  With nodes y_j = y_0 + j h up to y_n, its error relative to the kernel is, for 0 <= x <= X,
at most the sum of

    2 sum_k |Gamma(p + 2 pi i k / h)| / Gamma(p)      for the step h: x only shifts the integrand, by log(1 + x)
    (e^{y_0} (1 + X))^p / Gamma(p + 1)                for what is left out below y_0
    1 / Gamma(p) \int_{y_n} exp(p y - e^y) dy         for what is left out above y_n

and at most twice that once the weights are made to add up to 1: below 0.01 for the numbers here and p from 1.5 to 2
(tests/test_examples.py adds it up and measures it).  No discrete optimizer with a finite state has a memory like that;
the algorithm below has one state for each exponential.
"""

import math

from optide.extend import (
    POSITIVE,
    UNIT_INTERVAL,
    Memory,
    Optimizer,
    Range,
    State,
    exponential,
    filled,
    hyperparameter,
    jnp,
    sqrt,
)

BOUND, LONGEST = 0.01, 1e3
"""The relative error of the kernel, and X: up to which age, in units of tau, it is no larger."""
STEP, FIRST, COUNT = 1.0, -11.5, 15
"""h, y_0 and the number of nodes."""
RATES = [math.exp(FIRST + STEP * j) for j in range(COUNT)]
"""e^{y_j}, per tau."""
NAMES = [f"v{j}" for j in range(COUNT)]


def weights(p):
    """Of the exponentials in (1 + x)^(-p); their sum is 1, as the kernel is at x = 0."""
    terms = [jnp.exp(p * math.log(rate) - rate) for rate in RATES]
    return [term / sum(terms) for term in terms]


class LongAdam(Optimizer):
    """Adam whose second moment has the kernel (p - 1) / (tau alpha) (1 + s / (tau alpha))^(-p), of mass 1."""

    name, title = "long_adam", "Adam with a long memory"
    beta1 = hyperparameter(UNIT_INTERVAL, default=0.9, symbol=r"\beta_1", text="β₁", description="As in Adam.")
    tau = hyperparameter(POSITIVE, default=10.0, symbol=r"\tau", text="τ", description="Age where it begins, in steps.")
    p = hyperparameter(
        Range("in [1.5, 2]", lambda p: (p >= 1.5) & (p <= 2), {"minimum": 1.5, "maximum": 2}),
        default=1.5,
        symbol="p",
        description="The power.",
    )
    eps = hyperparameter(POSITIVE, default=1e-8, symbol=r"\epsilon", text="ε", optional=True, description="As in Adam.")
    states = {"m": State("m", "the first moment"), **{name: State(rf"v_{{{name[1:]}}}") for name in NAMES}}

    def shares(self):
        """What each exponential remembers in all, which adds up to 1 but for the error of the kernel."""
        return [weight * (self.p - 1) / rate for weight, rate in zip(weights(self.p), RATES, strict=True)]

    def mass(self, steps):
        """How much of the kernel is filled so many steps after the start: 1 - (1 + steps / tau)^(1 - p)."""
        return -jnp.expm1((1 - self.p) * jnp.log1p(steps / self.tau))

    def step(self, k, theta, g, state):
        m = self.beta1 * state["m"] + (1 - self.beta1) * g
        after = {"m": m}
        for name, share, rate in zip(NAMES, self.shares(), RATES, strict=True):
            kept = jnp.exp(-rate / self.tau)
            after[name] = kept * state[name] + share * (1 - kept) * g**2
        v_hat = sum(after[name] for name in NAMES) / self.mass(k + 1)
        return theta - self.learning_rate * m / filled(self.beta1, k + 1) / (sqrt(v_hat) + self.eps), after

    def memories(self):
        unit = self.tau * self.learning_rate
        kernels = zip(NAMES, weights(self.p), RATES, strict=True)
        of_squares = {name: Memory(2, weight * (self.p - 1) / unit, rate / unit) for name, weight, rate in kernels}
        return {"m": exponential(1, self.beta1, self.learning_rate), **of_squares}

    def velocity(self, u, theta, g, state):
        steps = u / self.learning_rate
        c = sqrt(self.mass(steps))
        v = sum(state[name] for name in NAMES)
        return -c / filled(self.beta1, steps) * state["m"] / (sqrt(v) + self.eps * c)

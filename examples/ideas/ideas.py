"""Two optimizers and an objective from outside: docs/extending.md explains this file, line by line."""

from optide import Adam
from optide.extend import NONNEGATIVE, UNIT_INTERVAL, Memory, Optimizer, State, hyperparameter, jnp, objective


class AdamW(Adam):
    """Adam with decoupled weight decay: Loshchilov and Hutter, arXiv:1711.05101."""

    decay = hyperparameter(NONNEGATIVE, default=0.01, symbol=r"\lambda", text="λ", description="Pulls theta towards 0.")

    def step(self, k, theta, g, state):
        moved, state = super().step(k, theta, g, state)
        return moved - self.learning_rate * self.decay * theta, state

    def velocity(self, u, theta, g, state):
        return super().velocity(u, theta, g, state) - self.decay * theta


class HeavyBall(Optimizer):
    """Momentum: Polyak (1964), in the form of PyTorch and optax: `m = beta m + g`, `theta -= alpha m`."""

    name, title = "heavy_ball", "heavy ball"
    beta = hyperparameter(UNIT_INTERVAL, default=0.9, symbol=r"\beta", text="β", description="Decay of the momentum.")
    states = {"m": State("m", "the momentum")}

    def step(self, k, theta, g, state):
        m = self.beta * state["m"] + g
        return theta - self.learning_rate * m, {"m": m}

    def memories(self):
        return {"m": Memory(power=1, weight=1 / self.learning_rate, rate=(1 - self.beta) / self.learning_rate)}

    def velocity(self, u, theta, g, state):
        return -state["m"]


@objective(minima=[(1.0, 1.0)], description="Rosenbrock's valley (1 - x)^2 + 100 (y - x^2)^2")
def rosenbrock(theta):
    x, y = theta
    return jnp.square(1 - x) + 100 * jnp.square(y - jnp.square(x))

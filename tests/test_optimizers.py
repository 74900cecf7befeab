import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from optide import AdaGrad, Adam, RMSProp
from optide.config import HYPERPARAMETERS, STATES
from optide.errors import ParameterError
from optide.optimizers import OPTIMIZERS


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (AdaGrad, "learning_rate", 0.0),
        (AdaGrad, "learning_rate", -0.1),
        (AdaGrad, "learning_rate", float("nan")),
        (AdaGrad, "learning_rate", float("inf")),
        (AdaGrad, "learning_rate", "0.1x"),
        (AdaGrad, "learning_rate", True),
        (AdaGrad, "eps", 0.0),
        (RMSProp, "beta", 1.0),
        (RMSProp, "beta", -0.1),
        (Adam, "beta1", 1.5),
        (Adam, "beta2", float("nan")),
    ],
)
def test_invalid_hyperparameters_are_named_with_value_and_range(make, name, value):
    with pytest.raises(ParameterError) as error:
        make(**{"learning_rate": 0.1, name: value})
    message = str(error.value)
    assert name in message
    assert repr(value) in message
    assert "must be" in message


def test_hyperparameters_are_traced():
    stacked = RMSProp(jnp.asarray([0.1, 0.2]), beta=jnp.asarray([0.0, 0.5]))
    rates = jax.jit(lambda optimizer: optimizer.memories()["v"].rate)(stacked)
    assert rates.tolist() == [1 / 0.1, 0.5 / 0.2]


def test_the_configuration_knows_the_same_names_as_the_library():
    for name, optimizer in OPTIMIZERS.items():
        hyperparameters = optimizer(0.1).hyperparameters
        assert tuple(h for h in hyperparameters if h not in ("learning_rate", "eps")) == HYPERPARAMETERS[name]
        assert tuple(optimizer(0.1).memories()) == STATES[name]


@pytest.mark.parametrize("optimizer", [RMSProp(0.1, beta=0.0), RMSProp(0.01, beta=0.99), Adam(0.1)])
def test_exponential_kernels_have_unit_mass(optimizer):
    for kernel in optimizer.memories().values():
        mass, _ = quad(lambda s, k=kernel: k.weight * np.exp(-k.rate * s), 0, np.inf)
        assert mass == pytest.approx(1, abs=1e-9)  # the tolerance of quad


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_adam_starts_without_lookahead_at_the_limit_of_its_velocity(beta1):
    adam, g, u = Adam(0.1, beta1, 0.99), jnp.asarray(-3.0), 1e-6
    m, v = (
        g**kernel.power * -np.expm1(-kernel.rate * u) * kernel.weight / kernel.rate
        for kernel in adam.memories().values()
    )
    near = adam.velocity(u, g, {"m": m, "v": v})
    # the velocity differs from its limit by O(u / alpha) = 1e-5, or sqrt(1e-5) for beta1 = 0
    assert float(adam.initial_velocity(g)) == pytest.approx(float(near), abs=5e-3 if beta1 == 0 else 2e-5)

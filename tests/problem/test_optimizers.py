import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from optide import AdaGrad, Adam, RMSProp
from optide.base.errors import ParameterError
from optide.problem.kernels import filled, sqrt
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OPTIMIZERS


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (AdaGrad, "learning_rate", 0.0),
        (AdaGrad, "learning_rate", -0.1),
        (AdaGrad, "learning_rate", float("nan")),
        (AdaGrad, "learning_rate", float("inf")),
        (AdaGrad, "learning_rate", "0.1x"),
        (AdaGrad, "learning_rate", True),
        *((AdaGrad, "eps", value) for value in (0.0, -1e-8, float("inf"))),
        *(
            (make, name, value)
            for make, name in ((RMSProp, "beta"), (Adam, "beta1"), (Adam, "beta2"))
            for value in (1.0, 1.5, -0.1, float("nan"))
        ),
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


def test_optimizers_of_equal_hyperparameters_are_equal_arrays_among_them():
    rates = np.array([0.1, 0.2])
    assert Adam(rates) == Adam(jnp.asarray(rates))
    assert hash(Adam(rates)) == hash(Adam(rates.copy()))
    assert Adam(0.1) == Adam(np.float64(0.1))
    assert hash(Adam(0.1)) == hash(Adam(np.array(0.1)))
    others = (Adam(rates[:1]), Adam(rates[::-1]), Adam(rates, beta1=0.8), Adam(0.1), AdaGrad(rates), 1)
    assert not any(Adam(rates) == other for other in others)


def test_threads_may_make_the_first_optimizers_of_a_class():
    for _ in range(20):

        class Own(Optimizer):
            states = Adam.states

        together = threading.Barrier(4)

        def make(_, own=Own, together=together):
            together.wait()
            return own(0.1)

        with ThreadPoolExecutor(4) as pool:
            assert len({*pool.map(make, range(4))}) == 1


def test_every_decay_may_be_zero_and_eps_is_that_of_the_paper():
    for optimizer in (RMSProp(0.1, beta=0.0), Adam(0.1, beta1=0.0, beta2=0.0), AdaGrad(0.1)):
        assert optimizer.eps == 1e-8


def test_square_root_and_its_derivative_are_zero_where_there_is_none():
    assert [float(sqrt(jnp.asarray(v))) for v in (4.0, 0.25, 0.0, -0.5)] == [2, 0.5, 0, 0]
    assert [float(jax.grad(sqrt)(v)) for v in (4.0, 0.0, -0.5)] == [0.25, 0, 0]


def test_memories_and_velocities_are_those_of_the_paper():
    one, g, four = jnp.asarray(1.0), jnp.asarray(-3.0), jnp.asarray(4.0)
    assert AdaGrad(0.2).memories() == {"G": (2, 1 / 0.2, 0.0)}
    assert RMSProp(0.2, 0.75).memories() == {"v": (2, 0.25 / 0.2, 0.25 / 0.2)}
    m, v = Adam(0.2, beta1=0.5, beta2=0.75).memories().items()
    assert (m, v) == (("m", (1, 0.5 / 0.2, 0.5 / 0.2)), ("v", (2, 0.25 / 0.2, 0.25 / 0.2)))
    # eps = 1/2, so that its place shows: 3 / (sqrt(4) + 1/2)
    assert AdaGrad(0.2, eps=0.5).velocity(0.4, one, g, {"G": four}) == 1.2
    assert RMSProp(0.2, eps=0.5).velocity(0.4, one, g, {"v": four}) == 1.2
    # 1 / sqrt(tau) and 1 / sqrt((1 - beta) tau), whatever eps
    assert float(AdaGrad(0.2, eps=0.5).initial_velocity(one, g, 1e-20)) == pytest.approx(1e10, rel=1e-14)
    assert float(RMSProp(0.2, 0.75, eps=0.5).initial_velocity(one, g, 1e-20)) == pytest.approx(2e10, rel=1e-14)
    # after two steps: c = sqrt(1 - 0.36), a = c / (1 - 0.25)
    found = Adam(0.25, beta1=0.5, beta2=0.6, eps=0.5).velocity(0.5, one, g, {"m": jnp.asarray(-3.0), "v": four})
    assert float(found) == pytest.approx(0.8 / 0.75 * 3 / (2 + 0.5 * 0.8), rel=1e-14)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_a_class_knows_its_own_vocabulary(optimizer):
    one = optimizer(0.1)
    assert list(optimizer.vocabulary()) == list(one.hyperparameters) == ["learning_rate", *optimizer.choices(), "eps"]
    assert list(one.memories()) == list(optimizer.states) == list(optimizer.powers())
    assert optimizer.powers() == {name: memory.power for name, memory in one.memories().items()}
    assert (optimizer.name, optimizer.title) == (optimizer.__name__.lower(), optimizer.__name__)


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
    near = adam.velocity(u, g, g, {"m": m, "v": v})
    # the velocity differs from its limit by O(u / alpha) = 1e-5, or sqrt(1e-5) for beta1 = 0
    assert float(adam.initial_velocity(g, g, 1e-12)) == pytest.approx(float(near), abs=5e-3 if beta1 == 0 else 2e-5)


@pytest.mark.parametrize(("steps", "slope"), [(1.0, -1), (1 + 1e-11, -1), (2.0, 0), (7.5, 0)])
def test_a_memory_of_no_length_is_filled_at_once_with_a_finite_derivative(steps, slope):
    assert filled(0.0, jnp.asarray(steps)) == 1
    # of 1 - beta^steps, from the right; at 1 + 1e-11 that of any beta above 1e-1000
    assert jax.grad(filled)(0.0, jnp.asarray(steps)) == pytest.approx(slope, abs=1e-7)


def test_without_lookahead_the_start_is_known_for_every_decay():
    g, tau = jnp.asarray(2.0), 1e-20
    # with both corrections 1: m / sqrt(v) = sqrt(tau)
    assert Adam(0.1, 0.0, 0.0).initial_velocity(g, g, tau) == pytest.approx(-(tau**0.5), rel=1e-14)
    assert Adam(0.1, 0.5, 0.0).initial_velocity(g, g, tau) == pytest.approx(-0.5 / np.log(2) / tau**0.5, rel=1e-14)
    assert Adam(0.1, 0.0, 0.5).initial_velocity(g, g, tau) == pytest.approx(-tau * (2 * np.log(2)) ** 0.5, rel=1e-14)

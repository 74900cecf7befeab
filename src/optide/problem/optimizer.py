"""What an optimizer is: hyper-parameters, one step of its algorithm, and the equation that the algorithm follows.

An optimizer knows nothing of how its equation is solved: it gives the memories (convolutions of a power of the
gradient with an exponential kernel) and the velocity theta'(t) as a function of them.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, cast, dataclass_transform

import numpy as np

from optide.base.errors import ConfigError, ParameterError
from optide.base.lazy import Array, jax, jnp
from optide.base.words import shown
from optide.problem.finite import real
from optide.problem.vocabulary import POSITIVE, Hyperparameter, State, described, hyperparameter

Scalar = float | np.floating | np.ndarray | Array
States = dict[str, Array]


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

    By expm1, which is XLA's own, and a logarithm: XLA's power of floats calls the C library, which takes another path,
    to another last bit, where the processor has fused multiply-add (its logarithm does so for few numbers).
    """
    positive = beta > 0
    usual = -jnp.expm1(steps * jnp.log(jnp.where(positive, beta, 1.0)))
    # for beta = 0, where the derivative of the logarithm is infinite, to first order in beta at whole steps
    return jnp.where(positive, usual, 1 - jnp.where(steps < 1.5, beta, 0.0))


@dataclass_transform(frozen_default=True, field_specifiers=(hyperparameter,))
@dataclass(frozen=True, eq=False)
class Optimizer:
    """An algorithm, and the equation that it follows; a class for each, and all that is said of it is said there.

    In the body of a class are its hyper-parameters (`optide.problem.vocabulary.hyperparameter`), its `states`, `step`,
    `memories` and `velocity`.  The states of the algorithm and the memories of the equation go by the same names.

    Hyper-parameters are leaves of a pytree: `jax.vmap` and `jax.lax.map` run over them.

    Raises:
        ParameterError: a hyper-parameter is outside its range.
    """

    learning_rate: Scalar = hyperparameter(  # noqa: RUF009  (a field, as of dataclasses)
        POSITIVE, symbol=r"\alpha", text="α", description="The length of a step, and the unit of the equation's time."
    )

    name: ClassVar[str]
    """In configurations and columns; that of the class in lower case unless given."""
    title: ClassVar[str]
    """As people write it; the name of the class unless given."""
    states: ClassVar[dict[str, State]] = {}
    """By name, in order."""
    # What is added to the square root of a second moment.  Not annotated: a field of the optimizers that have one.
    eps = cast(Scalar, 0.0)

    def __init_subclass__(cls) -> None:
        own = vars(cls)
        cls.name, cls.title = own.get("name", cls.__name__.lower()), own.get("title", cls.__name__)
        annotations = dict(own.get("__annotations__", {}))
        unannotated = [name for name, value in own.items() if isinstance(value, dataclasses.Field)]
        taken = {*vars(Optimizer), *Optimizer.__annotations__} - {"learning_rate", "eps"}
        if clash := [name for name in unannotated if name in taken]:
            raise TypeError(
                f"{cls.__name__}.{clash[0]}: no name for a hyper-parameter, as each optimizer has it otherwise"
            )
        cls.__annotations__ = {**annotations, **{name: "Scalar" for name in unannotated if name not in annotations}}
        dataclass(frozen=True, eq=False)(cls)
        # as JAX sees hyper-parameters only, and would forget its value
        if lost := [field.name for field in dataclasses.fields(cls) if not described(field)]:
            raise TypeError(f"{cls.__name__}.{lost[0]}: must be a hyperparameter(...), or without an annotation")

    def __post_init__(self) -> None:
        _register(type(self))
        for name, told in self.vocabulary().items():
            value = getattr(self, name)
            if isinstance(value, jax.core.Tracer):
                continue
            # a list would be a container to JAX, and not one leaf
            numbers = None if isinstance(value, list | tuple) else real(value)
            if numbers is None or not numbers.size:
                raise ParameterError(name, value, f"{told.range.allowed}, or an array of such numbers")
            if not np.all(good := told.range.contains(numbers)):
                raise ParameterError(name, value if numbers.ndim == 0 else float(numbers[~good][0]), told.range.allowed)

    def _values(self) -> tuple[object, ...]:
        """Numbers and arrays as what can be compared and hashed."""
        return tuple((np.shape(value), *np.ravel(value).tolist()) for value in self.hyperparameters.values())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    @classmethod
    def vocabulary(cls) -> dict[str, Hyperparameter]:
        """What is known of all hyper-parameters, by name, the learning rate first."""
        told = {field.name: described(field) for field in dataclasses.fields(cls)}
        return {name: one for name, one in told.items() if one}

    @classmethod
    def choices(cls) -> tuple[str, ...]:
        """The hyper-parameters that a configuration gives, beside its learning rate."""
        return tuple(n for n, told in cls.vocabulary().items() if n != "learning_rate" and not told.optional)

    @classmethod
    def powers(cls) -> dict[str, int]:
        """The power of the gradient that each memory remembers, by the name of the state."""
        return {name: memory.power for name, memory in cls.kernels(**dict.fromkeys(cls.vocabulary(), 0.5)).items()}

    @classmethod
    def kernels(cls, **hyperparameters: float) -> dict[str, Memory]:
        """The `memories` for some hyper-parameters, which are not checked: neither needs JAX.

        Raises:
            ConfigError: they are not those of the states, or one is no memory.
        """
        some = object.__new__(cls)
        for name, value in hyperparameters.items():
            object.__setattr__(some, name, value)
        memories: Any = some.memories()
        if not isinstance(memories, dict) or list(memories) != list(cls.states):
            found = ", ".join(map(str, memories)) if isinstance(memories, dict) else shown(memories)
            raise ConfigError(f"memories {found}: must be those of states, {', '.join(cls.states)}")
        for name, memory in memories.items():
            if not isinstance(memory, Memory) or memory.power not in (1, 2):
                raise ConfigError(f"memory {name} = {shown(memory)}: must be a Memory of power 1 or 2")
            if any(number.ndim or number.dtype.kind not in "iuf" for number in map(np.asarray, memory[1:])):
                raise ConfigError(f"memory {name} = {shown(memory)}: its weight and its rate must be numbers")
        return memories

    @property
    def hyperparameters(self) -> dict[str, Scalar]:
        """The values of all hyper-parameters, learning rate and eps included, by name."""
        return {name: getattr(self, name) for name in self.vocabulary()}

    def step(self, k: Array, theta: Array, g: Array, state: States) -> tuple[Array, States]:
        """One update of the discrete algorithm: (theta_k, state) -> (theta_{k+1}, state)."""
        raise NotImplementedError

    def memories(self) -> dict[str, Memory]:
        """The memory integrals of the equation, by the name of the state they stand for."""
        raise NotImplementedError

    def velocity(self, u: Array, theta: Array, g: Array, state: States) -> Array:
        """theta'(t), given theta(t), g(t) and the memories at u (= t + alpha, or t without look-ahead)."""
        raise NotImplementedError

    def initial_velocity(self, theta: Array, g: Array, tau: Scalar) -> Array:
        """The leading term of `velocity` without look-ahead at t = tau alpha -> 0, where all memories vanish.

        Each memory is K(0) g^p t there, and eps, which no second moment reaches any more, is left out.
        """
        u = jnp.asarray(tau * self.learning_rate)
        state = {name: jnp.asarray(memory.weight) * g**memory.power * u for name, memory in self.memories().items()}
        at_rest = g == 0
        moving = self.holding(eps=0.0).velocity(u, theta, g, {n: jnp.where(at_rest, 1.0, v) for n, v in state.items()})
        return jnp.where(at_rest, self.velocity(u, theta, g, state), moving)

    def holding(self, **values: Scalar) -> Optimizer:
        """The same with other values of some hyper-parameters, of those that it has; they are not checked."""
        _, kind = jax.tree.flatten(self)
        other: Optimizer = jax.tree.unflatten(kind, [values.get(n, v) for n, v in self.hyperparameters.items()])
        return other


_REGISTERING = threading.Lock()


def _register(cls: type[Optimizer]) -> None:
    """Let JAX see the hyper-parameters of an optimizer, once, whichever thread makes the first."""
    with _REGISTERING:
        _registered(cls)  # type: ignore[arg-type]  # mypy takes the hash of an instance for that of its class


@functools.cache
def _registered(cls: type[Optimizer]) -> None:
    names = list(cls.vocabulary())

    def flatten(optimizer: Optimizer) -> tuple[tuple[Scalar, ...], None]:
        return tuple(getattr(optimizer, name) for name in names), None

    def unflatten(_: None, leaves: Iterable[Scalar]) -> Optimizer:
        # JAX fills in tracers and placeholders: what a user constructs is checked, these not.
        optimizer = object.__new__(cls)
        for name, leaf in zip(names, leaves, strict=True):
            object.__setattr__(optimizer, name, leaf)
        return optimizer

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)

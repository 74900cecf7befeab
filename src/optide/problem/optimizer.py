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
from typing import Any, ClassVar, cast, dataclass_transform

import numpy as np

from optide.base.errors import ConfigError, ParameterError
from optide.base.lazy import Array, jax, jnp
from optide.base.words import shown
from optide.problem.finite import real
from optide.problem.kernels import Memory, Scalar
from optide.problem.vocabulary import POSITIVE, Hyperparameter, State, described, hyperparameter

States = dict[str, Array]


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
        """The power of the gradient that each memory remembers, by the name of the state.

        Raises:
            ConfigError: as `kernels`.
        """
        return {name: memory.power for name, memory in cls.kernels(**dict.fromkeys(cls.vocabulary(), 0.5)).items()}

    @classmethod
    def kernels(cls, **hyperparameters: float) -> dict[str, Memory]:
        """The `memories` for some hyper-parameters, which are not checked: neither needs JAX.

        Args:
            **hyperparameters: all of them by name, numbers.

        Returns:
            A memory for each state, by its name.

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
        """One update of the discrete algorithm: (theta_k, state) -> (theta_{k+1}, state).

        All is done to each element: theta, g and each state are of one shape, S of an array or (d,) of a tree of d
        numbers, in float64.

        Args:
            k: number of the step, from 0, of shape ().
            theta: before it.
            g: the gradient there.
            state: before it, by name; 0 at first.

        Returns:
            Theta and all states after it, likewise.
        """
        raise NotImplementedError

    def memories(self) -> dict[str, Memory]:
        """The memory integrals of the equation, by the name of the state they stand for.

        Their weights and rates are numbers per unit of time, of shape () as the hyper-parameters of a lane are.
        """
        raise NotImplementedError

    def velocity(self, u: Array, theta: Array, g: Array, state: States) -> Array:
        """The right-hand side of the equation.

        All is done to each element: theta, g and each memory are of one shape, S of an array or (d,) of a tree of d
        numbers, in float64.

        Args:
            u: time up to which the memories run, of shape (): t + alpha, or t without look-ahead.
            theta: theta(t).
            g: the gradient there.
            state: the memories at u, by the name of the state.

        Returns:
            theta'(t), of the shape of theta, per unit of time.
        """
        raise NotImplementedError

    def initial_velocity(self, theta: Array, g: Array, tau: Scalar) -> Array:
        """The leading term of `velocity` without look-ahead at t = tau alpha -> 0, where all memories vanish.

        Each memory is K(0) g^p t there, and eps, which no second moment reaches any more, is left out.

        Args:
            theta: theta(0), of any shape.
            g: the gradient there, of the same shape.
            tau: the time, in steps.

        Returns:
            theta'(t) to leading order, of the shape of theta, per unit of time.
        """
        u = jnp.asarray(tau * self.learning_rate)
        state = {name: jnp.asarray(memory.weight) * g**memory.power * u for name, memory in self.memories().items()}
        at_rest = g == 0
        moving = self.holding(eps=0.0).velocity(u, theta, g, {n: jnp.where(at_rest, 1.0, v) for n, v in state.items()})
        return jnp.where(at_rest, self.velocity(u, theta, g, state), moving)

    def holding(self, **values: Scalar) -> Optimizer:
        """The same with other values of some hyper-parameters.

        Args:
            **values: by name, numbers or arrays (N,), which are not checked; of those that it has not nothing is taken.

        Returns:
            An optimizer of the same class.
        """
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

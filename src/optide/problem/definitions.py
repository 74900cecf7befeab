"""Whether what a plug-in defines is whole, and can go by its name: said in one line that names file and line."""

import dataclasses
import inspect
import re
from contextlib import suppress
from pathlib import Path

import numpy as np

from optide.base.errors import ConfigError
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer
from optide.problem.registry import ATLAS, OBJECTIVES, OPTIMIZERS, RESERVED
from optide.problem.vocabulary import State

Definition = type[Optimizer] | Objective

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_METHODS = {"step": ("k", "theta", "g", "state"), "memories": (), "velocity": ("u", "theta", "g", "state")}


def check(path: Path, value: Definition) -> None:
    """Make sure that an optimizer or objective of a plug-in can be used like what is built in.

    Args:
        path: of the plug-in.
        value: that it defines.

    Raises:
        ConfigError: naming file and line, and what it lacks.
    """
    place = _place(path, value)
    if not isinstance(value.name, str) or not _NAME.fullmatch(value.name):
        raise ConfigError(f"{place}: name {value.name!r}: must be a letter, then letters, digits and _, in lower case")
    if value.name in OPTIMIZERS or value.name in OBJECTIVES:
        raise ConfigError(f"{place}: there is a {value.name} already")
    if value.name in RESERVED or any(value.name in optimizer.states for optimizer in OPTIMIZERS.values()):
        raise ConfigError(f"{place}: name {value.name!r}: this is the name of a column of traces")
    if isinstance(value, Objective):
        _check_objective(place, path, value)
    else:
        _check_optimizer(place, value)


def _place(path: Path, value: Definition) -> str:
    """Where a class or an objective is defined."""
    kind, subject = ("class", value) if isinstance(value, type) else ("objective", value.loss)
    name = value.__name__ if isinstance(value, type) else value.name
    try:
        # a loss may be a function of another file
        own = Path(inspect.getsourcefile(subject) or "").resolve() == path.resolve()
        line = inspect.getsourcelines(subject)[1] if own else 0
    except (OSError, TypeError):
        line = 0
    return f"{path}, line {line}: {kind} {name}" if line else f"{path}: {kind} {name}"


def _check_objective(place: str, path: Path, objective: Objective) -> None:
    if not callable(objective.loss):
        raise ConfigError(f"{place}: loss {objective.loss!r}: must be a function of theta")
    _check_called(place, objective)
    _check_words(place, "the objective", objective.description)
    minima = [*map(np.asarray, objective.minima)]
    if not all(_are_numbers(minimum) and np.ndim(minimum) < 2 and np.isfinite(minimum).all() for minimum in minima):
        raise ConfigError(f"{place}: minima {objective.minima}: must be finite numbers, or tuples of them")
    if len({np.shape(minimum) for minimum in minima}) > 1:
        raise ConfigError(f"{place}: minima {objective.minima}: all must have as many numbers")
    for name in objective.data:
        if not (path.parent / name).is_file():
            raise ConfigError(f"{place}: data {name!r}: there is no such file beside {path.name}")


def _check_called(place: str, objective: Objective) -> None:
    """A call with too few or too many arguments fails at the caller, who does not know the line."""
    with suppress(ValueError):  # not all that is compiled tells its arguments
        signature = inspect.signature(objective.loss)
        try:
            signature.bind("theta")
        except TypeError as error:
            raise ConfigError(f"{place}: loss{signature}: must be a function of theta alone: {error}") from None


def _check_words(place: str, what: str, *words: object) -> None:
    for word in words:
        if not isinstance(word, str):
            raise ConfigError(f"{place}: {word!r}, said of {what}: must be a text")


def _check_optimizer(place: str, optimizer: type[Optimizer]) -> None:
    if missing := [name for name in (*_METHODS, "states") if getattr(optimizer, name) is getattr(Optimizer, name)]:
        raise ConfigError(f"{place} lacks {', '.join(missing)}")
    for name, arguments in _METHODS.items():
        given = [*inspect.signature(getattr(optimizer, name)).parameters][1:]
        if len(given) != len(arguments) or any(
            a in arguments and a != b for a, b in zip(given, arguments, strict=True)
        ):
            wanted = ", ".join(("self", *arguments))
            raise ConfigError(f"{place}: {name}({', '.join(['self', *given])}): must be {name}({wanted})")
    if not isinstance(optimizer.title, str):
        raise ConfigError(f"{place}: title {optimizer.title!r}: must be a text")
    states = optimizer.states if isinstance(optimizer.states, dict) else {}
    if not states or not all(isinstance(name, str) and isinstance(state, State) for name, state in states.items()):
        raise ConfigError(f'{place}: states {optimizer.states!r}: must be like {{"m": State("m")}}')
    for name, state in optimizer.states.items():
        _check_words(place, name, state.symbol, state.description)
    for name, told in optimizer.vocabulary().items():
        _check_words(place, name, told.symbol, told.text, told.description)
    _check_names(place, optimizer)
    for field in dataclasses.fields(optimizer):
        _check_default(place, field, optimizer)
    try:
        optimizer.powers()
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def _check_names(place: str, optimizer: type[Optimizer]) -> None:
    """Every hyper-parameter and every state has a column of its own in traces and tables."""
    everyone = [*OPTIMIZERS.values(), optimizer]
    others = {
        "hyper-parameter": {name: "a state" for one in everyone for name in one.states},
        "state": {name: "a hyper-parameter" for one in everyone for name in one.vocabulary()},
    }
    own = {"hyper-parameter": {*optimizer.vocabulary()} - {"learning_rate"}, "state": {*optimizer.states}}
    for kind, names in own.items():
        for name in sorted(names):
            if not _COLUMN.fullmatch(name):
                raise ConfigError(f"{place}: {kind} {name!r}: must be a letter, then letters, digits and _")
            taken = others[kind].get(name) or ("a column of every trace" if name in RESERVED else "")
            if not taken and kind == "hyper-parameter" and ATLAS.fullmatch(name):
                taken = "a column of the atlas"
            if taken:
                raise ConfigError(f"{place}: {kind} {name!r}: this is the name of {taken}")


def _check_default(place: str, field: dataclasses.Field, optimizer: type[Optimizer]) -> None:  # type: ignore[type-arg]
    told = optimizer.vocabulary()[field.name]
    if field.default is not dataclasses.MISSING:
        default = np.asarray(field.default)
        if not _are_numbers(default) or default.ndim or not told.range.contains(default):
            raise ConfigError(f"{place}: {field.name} = {field.default!r}: the default must be {told.range.allowed}")


def _are_numbers(values: np.ndarray) -> bool:
    return values.dtype.kind in "iuf"  # without JAX, which planning does not wait for

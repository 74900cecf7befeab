"""What a configuration can name: the optimizers and objectives of the paper, and those of plug-ins."""

import re
from collections.abc import Iterable, Iterator

from optide.problem import objectives, optimizers
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer

OPTIMIZERS: dict[str, type[Optimizer]] = {optimizer.name: optimizer for optimizer in optimizers.BUILT_IN}
"""By name; those of plug-ins are added when these are loaded (`optide.problem.plugins`)."""
OBJECTIVES: dict[str, Objective] = {objective.name: objective for objective in objectives.BUILT_IN}
"""Likewise."""

HYPERPARAMETERS = tuple(sorted({name for optimizer in optimizers.BUILT_IN for name in optimizer.choices()}))
STATES = tuple(sorted({name for optimizer in optimizers.BUILT_IN for name in optimizer.states}))
"""All that the optimizers of the paper have: every trace has their columns."""

RESERVED = frozenset(
    {
        *("experiment", "set", "scheme", "objective", "optimizer", "learning_rate", "theta0", "steps", "converged"),
        *("lane", "k", "t", "u", "theta", "loss"),
    }
)
"""The other columns of every trace: no hyper-parameter and no state has such a name."""
ATLAS = re.compile(r"region|row|(discrete|equation|no_lookahead)_.*")
"""Those of the atlas, beside these: no hyper-parameter has such a name."""


def hyperparameter_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of a table in which these are given: those of the paper's optimizers, then all others."""
    return (*HYPERPARAMETERS, *sorted({*names} - {*HYPERPARAMETERS}))


def written(name: str) -> str:
    """The name of an optimizer or objective as people write it."""
    known = OPTIMIZERS.get(name) or OBJECTIVES.get(name)
    return known.title if known else name.replace("_", " ")


def is_state(quantity: str) -> bool:
    """Whether a quantity of a trace is a state, or an element of one, which lives at u = t + alpha."""
    return quantity.partition("[")[0] not in ("theta", "loss")


def quantities(optimizer: str, elements: int = 0) -> tuple[str, ...]:
    """What a trace has of an optimizer; `elements` of theta, where it is a list, each by its number."""
    states = OPTIMIZERS[optimizer].states
    return (
        *parts("theta", elements),
        "loss",
        *(p for state in states for p in parts(state, elements)),
    )


def parts(quantity: str, elements: int) -> tuple[str, ...]:
    """The columns of a quantity: itself, or one for each of the elements of a list."""
    return tuple(f"{quantity}[{i}]" for i in range(elements)) or (quantity,)


def symbols(name: str, optimizer: str = "") -> tuple[str, str]:
    """Of a hyper-parameter, a state or theta, or an element of one, in plain text and in TeX without dollars.

    Args:
        name: of it.
        optimizer: whose it is; where it is not given, and optimizers differ, that of the first.
    """
    whole, bracket, element = name.partition("[")
    text, tex = next(_symbols(whole, optimizer), (whole, rf"\mathrm{{{whole.replace('_', chr(92) + ' ')}}}"))
    return text + bracket + element, tex + (rf"_{{{element.rstrip(']')}}}" if bracket else "")


def _symbols(name: str, first: str) -> Iterator[tuple[str, str]]:
    if name == "theta":
        yield "θ", r"\theta"
    for optimizer in sorted(OPTIMIZERS.values(), key=lambda one: one.name != first):
        if told := optimizer.vocabulary().get(name):
            yield told.text, told.symbol
        if name in optimizer.states:
            yield name, optimizer.states[name].symbol

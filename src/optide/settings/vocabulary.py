"""The parts of a schema that name what there is: optimizers, objectives, their hyper-parameters and states, schemes.

In the schema files such a part is `x-vocabulary: KIND`; here it gets its words, from the classes of the optimizers, so
that those of plug-ins are among them.
"""

from collections.abc import Mapping
from typing import Any

from optide.problem.optimizer import Optimizer
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.problem.vocabulary import UNIT_INTERVAL, Hyperparameter
from optide.settings.schemes import SCHEMES

MARK = "x-vocabulary"
LARGEST = 16
"""Elements of theta that a trace may have."""
_EVERY = {"theta0": "start", "learning_rate": "learning rate"}
"""Axes that each region of the atlas has, beside the steps."""


def complete(schema: Any, **more: Mapping[str, Any]) -> Any:
    """A schema with its words.

    Args:
        schema: as it is in its file.
        more: what else parts can stand for, by kind.
    """
    return _filled(schema, {**_words(), **more})


def words() -> dict[str, dict[str, Any]]:
    """What captions call what there is, by kind and name; quantities by that of the optimizer first."""
    return {
        "optimizers": {name: optimizer.title for name, optimizer in OPTIMIZERS.items()},
        "objectives": {name: one.description or f"the objective {one.title}" for name, one in OBJECTIVES.items()},
        "schemes": {scheme.name: scheme.description for scheme in SCHEMES.values()},
        "quantities": {
            optimizer.name: {
                "theta": "the parameter theta",
                "loss": "the loss f(theta)",
                **{
                    name: f"{name}, {state.description}" if state.description else f"the state {name}"
                    for name, state in optimizer.states.items()
                },
            }
            for optimizer in OPTIMIZERS.values()
        },
    }


def _filled(part: Any, words: Mapping[str, Mapping[str, Any]]) -> Any:
    if isinstance(part, list):
        return [_filled(below, words) for below in part]
    if not isinstance(part, Mapping):
        return part
    filled = {key: _filled(below, words) for key, below in part.items() if key != MARK}
    return {**words[part[MARK]], **filled} if MARK in part else filled


def _words() -> dict[str, dict[str, Any]]:
    values = {name: _value(name) for name in _names()}
    lists = {
        name: {"description": value["description"], "type": "array", "minItems": 1, "uniqueItems": True, "items": value}
        for name, value in values.items()
    }
    axes, intervals = (
        {name: {"description": value["description"], "$ref": f"#/$defs/{kind}"} for name, value in values.items()}
        for kind in ("axis", "interval")
    )
    numbers = {"steps": {"description": "Of the runs.", "type": "integer"}}
    numbers |= {name: {"description": f"Its {text}.", "type": "number"} for name, text in _EVERY.items()}
    states = dict.fromkeys(state for optimizer in OPTIMIZERS.values() for state in optimizer.states)
    whole = ("theta", *sorted(states), "loss")
    of_vectors = [f"{name}[{i}]" for name in whole if name != "loss" for i in range(LARGEST)]
    return {
        "optimizers": {"enum": [*OPTIMIZERS]},
        "objectives": {"enum": [*OBJECTIVES]},
        "averages": {"enum": [name for name, optimizer in OPTIMIZERS.items() if _averages(optimizer)]},
        "decays": {"enum": sorted({name for optimizer in OPTIMIZERS.values() for name in _averages(optimizer)})},
        "schemes": {"enum": [*SCHEMES]},
        "quantities": {
            "title": f"one of {', '.join(whole)}; where theta is a list, of an element, as theta[0]",
            "enum": [*whole, *of_vectors],
        },
        "values of hyper-parameters": {"type": "object", "additionalProperties": False, "properties": values},
        "lists of hyper-parameters": {"type": "object", "additionalProperties": False, "properties": lists},
        "axes of hyper-parameters": {"type": "object", "additionalProperties": False, "properties": axes},
        "intervals of hyper-parameters": {"type": "object", "additionalProperties": False, "properties": intervals},
        "axes": {"enum": [*numbers, *values]},
        "values of axes": {"type": "object", "additionalProperties": False, "properties": numbers | values},
    }


def _averages(optimizer: type[Optimizer]) -> list[str]:
    """The hyper-parameters of an optimizer that are decays of an average."""
    told = optimizer.vocabulary()
    return [name for name in optimizer.choices() if told[name].range is UNIT_INTERVAL]


def _names() -> list[str]:
    """Of all hyper-parameters but the learning rate."""
    found = {name for optimizer in OPTIMIZERS.values() for name in optimizer.vocabulary()} - {"learning_rate"}
    return sorted(found)


def _value(name: str) -> dict[str, Any]:
    """A schema of the values of a hyper-parameter: those in its range, or in that of each optimizer that has it."""
    having: dict[str, Hyperparameter] = {
        optimizer.name: optimizer.vocabulary()[name]
        for optimizer in OPTIMIZERS.values()
        if name in optimizer.vocabulary()
    }
    bounds = [told.range.schema for told in having.values()]
    same = bounds[0] if all(other == bounds[0] for other in bounds) else {}
    texts = dict.fromkeys(told.description.rstrip(".") for told in having.values() if told.description)
    described = "; ".join(text[0].lower() + text[1:] for text in texts)
    return {"description": f"Of {', '.join(having)}{': ' if described else ''}{described}.", "type": "number", **same}

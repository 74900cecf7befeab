"""`optide list`: what there is to name."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from optide.base.errors import say
from optide.command.late import config, plugins, registry
from optide.command.options import default, flag
from optide.command.plugged import PLUGIN, load
from optide.command.values import Name

Listed = dict[str, dict[str, Any]]


def _optimizers() -> Listed:
    return {
        name: {
            "title": optimizer.title,
            "hyperparameters": {
                called: {
                    "option": flag(called),
                    "range": told.range.allowed,
                    "default": default(optimizer, called),
                    "description": told.description,
                }
                for called, told in optimizer.vocabulary().items()
            },
            "states": {called: state.description for called, state in optimizer.states.items()},
            "plugin": _plugin(name),
        }
        for name, optimizer in registry.OPTIMIZERS.items()
    }


def _objectives() -> Listed:
    return {
        name: {"description": one.description, "minima": [*one.minima], "plugin": _plugin(name)}
        for name, one in registry.OBJECTIVES.items()
    }


def _methods() -> Listed:
    from optide.ide.methods import METHODS  # noqa: PLC0415  (it imports JAX)

    return {
        name: {
            "description": one.description,
            "cost": one.cost,
            "orders": [*one.orders],
            "jax.grad": one.differentiable,
        }
        for name, one in METHODS.items()
    }


def _plugins() -> Listed:
    return {
        one.name: {"path": str(one.path), "defines": [*one.names], "sha256": one.digest}
        for one in plugins.PLUGINS.values()
    }


def _plugin(name: str) -> str | None:
    """The plug-in that defines an optimizer or objective; None if it is built in."""
    return next((one.name for one in plugins.PLUGINS.values() if name in one.names), None)


_KINDS: dict[str, Callable[[], Listed]] = {
    "optimizers": _optimizers,
    "objectives": _objectives,
    "methods": _methods,
    "plugins": _plugins,
}


@click.command("list", params=[PLUGIN])
@click.argument("kind", type=Name("kind", lambda: _KINDS), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def listing(kind: str | None, as_json: bool, plugin: tuple[str, ...]) -> None:
    """List optimizers, objectives, methods and plug-ins.

    Of optimizers the hyper-parameters are told, with their ranges and what they are if not given.
    """
    load(plugin)
    found = {name: of() for name, of in _KINDS.items() if kind in (None, name)}
    say(json.dumps(found) if as_json else "\n".join(_lines(found)))


def _lines(found: Mapping[str, Listed]) -> Iterator[str]:
    for kind, listed in found.items():
        yield f"{kind}{'' if listed else ': none'}"
        for name, one in listed.items():
            from_outside = f"  ({one['plugin']})" if one.get("plugin") else ""
            yield f"  {name:<12} {_said(kind, one)}{from_outside}"
            for told in one.get("hyperparameters", {}).values():
                usual = "" if told["default"] is None else f", {config.number(told['default'])} if not given"
                yield f"    {told['option']:<16} {told['range']}{usual}.  {told['description']}".rstrip()


def _said(kind: str, one: Mapping[str, Any]) -> str:
    match kind:
        case "optimizers":
            states = [f"{name} ({text})" if text else name for name, text in one["states"].items()]
            return f"{one['title']}; states: {', '.join(states)}"
        case "plugins":
            return f"{one['path']}: {', '.join(one['defines'])}"
        case "methods":
            return f"{one['description']}; order {', '.join(map(str, one['orders']))}"
    minima = f"; minima: {', '.join(map(_place, one['minima']))}" if one["minima"] else ""
    return f"{one['description']}{minima}"


def _place(minimum: float | tuple[float, ...]) -> str:
    return f"({', '.join(map(config.number, minimum))})" if isinstance(minimum, tuple) else config.number(minimum)

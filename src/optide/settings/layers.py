"""A configuration that is given in layers, each over the ones before it: files, then the command line."""

import functools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from optide.base.errors import ConfigError
from optide.problem import plugins
from optide.settings import yamlfile
from optide.settings.examine import examine

FILE, COMMAND_LINE = "config.yaml", "--config"
PARTS = {
    "rates": "results/rates.parquet and figures/rates",
    "audit": "results/audit, table 2 and figures/audit",
    "beyond": "`snakemake beyond`",
    "atlas": "`snakemake atlas`",
    "captions": "hints in the report what to look at",
}
"""What may be switched off, by null or false, and what there is not without it."""


class Layer(NamedTuple):
    """A part of what a configuration is merged from.

    Attributes:
        name: path of the file, relative where it lies in the working directory, `COMMAND_LINE`, or the module that
            another workflow configures.
        content: its data.
        text: of the file, comments and all.
    """

    name: str
    content: Any
    text: str = ""


def given(home: Path, configfiles: Iterable[Path], command_line: Mapping[str, Any]) -> list[Layer]:
    """The layers of a run, in order: config.yaml of the working directory, what was given with the command.

    Where the working directory has none and the command names no file, that beside the Snakefile is read.

    Args:
        home: the folder of the Snakefile.
        configfiles: of the command's `--configfile`.
        command_line: of its `--config`, as Snakemake reads it.

    Raises:
        ConfigError: a file cannot be read, or there is none; names it.
    """
    own, named = Path(FILE).absolute(), [path.absolute() for path in configfiles]
    if not named and not os.path.lexists(own):  # a broken link is there, and is a mistake
        own = home / FILE
        if not own.exists():
            raise ConfigError(f"{FILE}: neither here nor beside the Snakefile ({home}); --configfile names another")
    paths = [*([own] if os.path.lexists(own) and own not in named else []), *named]
    return [*map(_read, paths), *([Layer(COMMAND_LINE, _plain(command_line))] if command_line else [])]


def of_module(home: Path, name: str, config: Mapping[str, Any] | None) -> list[Layer]:
    """The layer of a run as a module of another workflow: what that gives, or else config.yaml beside the Snakefile.

    The working directory and the command line are those of the other workflow.

    Args:
        home: the folder of the Snakefile.
        name: of the module.
        config: its entry `config`, if it has one.

    Raises:
        ConfigError: the file cannot be read; names it.
    """
    return [_read(home / FILE) if config is None else Layer(f"config of module {name}", config)]


def _read(path: Path) -> Layer:
    name = str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    try:
        return Layer(name, yamlfile.read(path), path.read_text(encoding="utf-8"))
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _plain(value: Any) -> Any:
    """What Snakemake read from a command line, whose nested values are all text, as YAML would have it."""
    if isinstance(value, Mapping):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    # Snakemake hands an empty value on to its jobs as Python writes it
    return None if value == "None" else yamlfile.scalar(value) if isinstance(value, str) else value


def merged(layers: Iterable[Layer]) -> Any:
    """All layers in one: mappings entry by entry; anything else takes the place of what is below it."""
    return functools.reduce(_over, (layer.content for layer in layers), {})


def _over(below: Any, above: Any) -> Any:
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}


def is_beside(home: Path, layers: Iterable[Layer]) -> bool:
    """Whether all layers in one are config.yaml beside the Snakefile, that of the paper, whatever its layout.

    Args:
        home: the folder of the Snakefile.
        layers: of a run.
    """
    return (home / FILE).exists() and bool(merged(layers) == yamlfile.read(home / FILE))


def settle(layers: Sequence[Layer], schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The configuration that layers give, without the parts that are switched off.

    Returns:
        The configuration, with the plug-ins that it names as paths, and warnings, one line each.

    Raises:
        ConfigError: naming the layer that brought the mistake in, the key, its value and what is allowed.
    """
    whole = merged(layers)
    config = _on(whole)
    named = plugin_files(layers)
    if missing := [path for path in named if not os.path.lexists(path)]:
        raise ConfigError(f"{_origin('plugins', layers)}: plugins: {missing[0]}: there is no such Python file")
    plugins.load(named)
    try:
        warnings = examine(config, schema)
    except ConfigError as error:
        raise ConfigError(_blamed(str(error), layers, schema)) from None
    if named:
        config["plugins"] = [str(path) for path in named]
    off = [f"{name} is off: no {PARTS[name]}" for name in whole if name not in config]
    return config, [f"{_origin(line, layers)}: {line}" for line in [*off, *warnings]]


def plugin_files(layers: Sequence[Layer]) -> list[Path]:
    """The files of the plug-ins that the last of the layers to do so names, relative to that layer's own file."""
    naming = [layer for layer in layers if isinstance(layer.content, Mapping) and "plugins" in layer.content]
    if not naming:
        return []
    name, content, _ = naming[-1]
    named = content["plugins"] if isinstance(content["plugins"], list) else []
    folder = Path() if name == COMMAND_LINE else Path(name).parent
    return [folder / path for path in named if isinstance(path, str) and path]


def _on(config: Any) -> Any:
    """A configuration without the parts that are switched off."""
    if not isinstance(config, Mapping):
        return config
    return {name: part for name, part in config.items() if not (name in PARTS and (part is None or part is False))}


def _blamed(message: str, layers: Sequence[Layer], schema: Mapping[str, Any]) -> str:
    """An error with the layer since which it is there and, if that is another, the one that has the entry."""

    def is_there(some: Sequence[Layer]) -> bool:
        try:
            examine(_on(merged(some)), schema)
        except ConfigError as error:
            return str(error) == message
        return False

    since = len(layers) - 1
    while since > 0 and is_there(layers[:since]):
        since -= 1
    name, origin = layers[since].name, _origin(message, layers)
    return f"{name}: {message}" + (f" (set in {origin})" if origin != name else "")


def _origin(message: str, layers: Sequence[Layer]) -> str:
    """The last of the layers that has the entry whose key a message begins with, or most of the way to it."""
    path = re.findall(r"[\w-]+", re.split(r"[^\w.\[\]-]", message, maxsplit=1)[0])
    return max(layers[::-1], key=lambda layer: _depth(layer.content, path)).name


def _depth(content: Any, path: Sequence[str]) -> int:
    """How many steps of a path of keys and positions a value has."""
    for depth, step in enumerate(path):
        if isinstance(content, Mapping) and step in content:
            content = content[step]
        elif isinstance(content, list) and step.isdigit() and int(step) < len(content):
            content = content[int(step)]
        else:
            return depth
    return len(path)


def as_yaml(layers: Sequence[Layer]) -> str:
    """The configuration that ran, in YAML, below a comment that says how it was given; plug-ins are beside it."""
    comment = "# The configuration that ran, as it was given by:\n"
    for name, content, _ in layers:
        entries = [f" {key}={json.dumps(value)}" for key, value in content.items()] if name == COMMAND_LINE else [""]
        comment += "".join(f"#   {name}{entry}\n" for entry in entries)
    whole, beside = merged(layers), [path.name for path in plugin_files(layers)]
    same = not beside or whole["plugins"] == beside
    if len(layers) == 1 and layers[0].text and same:
        return comment + layers[0].text
    return comment + yamlfile.dump(whole if same else {**whole, "plugins": beside})

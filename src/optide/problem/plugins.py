"""Optimizers and objectives from outside: files that a configuration names, and packages that are installed.

A plug-in is a Python module.  What it defines, subclasses of `Optimizer` and instances of `Objective`, can be named in
a configuration like what is built in.  Its digest, which goes with every trace that uses it, is over the module and the
files of data that its objectives name.
"""

import hashlib
import importlib.machinery
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, TypeGuard

import numpy as np

from optide.base.errors import ConfigError, OptideError
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OBJECTIVES, OPTIMIZERS

GROUP = "optide.plugins"
"""The group of entry points that installed packages use."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_METHODS = {"step": ("k", "theta", "g", "state"), "memories": (), "velocity": ("u", "theta", "g", "state")}


class Plugin(NamedTuple):
    """A plug-in that was loaded.

    Attributes:
        path: of its file.
        files: it and its data.
        names: of its optimizers and objectives.
        digest: SHA-256 over all its files.
    """

    path: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]
    digest: str


PLUGINS: dict[Path, Plugin] = {}
"""Those loaded in this process, by their files."""


def load(paths: Iterable[str | Path]) -> None:
    """Load plug-ins by their files, and those of installed packages; what is loaded already, once.

    Raises:
        ConfigError: a file cannot be read or run, or what it defines lacks something; names file and line.
    """
    for path in map(Path, paths):
        if path.resolve() not in PLUGINS:
            _add(path, _run(path))
    for entry in entry_points(group=GROUP):
        module = entry.load()
        path = Path(module.__file__)
        if path.resolve() not in PLUGINS:
            _add(path, module)


def unload(path: str | Path) -> None:
    """Forget a plug-in and all that it defines."""
    for name in PLUGINS.pop(Path(path).resolve()).names:
        OPTIMIZERS.pop(name, None)
        OBJECTIVES.pop(name, None)


def used(*names: str) -> dict[str, str]:
    """The digests of the plug-ins that define any of these optimizers and objectives, by the names of their files."""
    return {plugin.path.name: plugin.digest for plugin in PLUGINS.values() if {*names} & {*plugin.names}}


def _run(path: Path) -> ModuleType:
    try:
        path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; a plug-in is a Python file") from None
    # a name of its own, as two plug-ins may have files of one name
    name = f"optide_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec  # as there is a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with blamed([path]):
            loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _add(path: Path, module: ModuleType) -> None:
    """Check all that a module defines, and let it be named."""
    own = [value for value in vars(module).values() if _defined_by(module, value)]
    if not own:
        raise ConfigError(f"{path}: defines no subclass of Optimizer and no Objective")
    for value in own:
        place = _place(path, value)
        if not _NAME.fullmatch(value.name):
            raise ConfigError(
                f"{place}: name {value.name!r}: must be a letter, then letters, digits and _, in lower case"
            )
        if value.name in OPTIMIZERS or value.name in OBJECTIVES:
            raise ConfigError(f"{place}: there is a {value.name} already")
        if isinstance(value, Objective):
            _check_objective(place, path, value)
        else:
            _check_optimizer(place, path, value)
    files = (path, *(path.parent / name for value in own if isinstance(value, Objective) for name in value.data))
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for value in own:
        (OBJECTIVES if isinstance(value, Objective) else OPTIMIZERS)[value.name] = value
    PLUGINS[path.resolve()] = Plugin(path, files, tuple(value.name for value in own), digest.hexdigest())


def _defined_by(module: ModuleType, value: object) -> TypeGuard[type[Optimizer] | Objective]:
    if isinstance(value, Objective):
        return not any(value is built_in for built_in in OBJECTIVES.values())
    return isinstance(value, type) and issubclass(value, Optimizer) and value.__module__ == module.__name__


def _place(path: Path, value: type[Optimizer] | Objective) -> str:
    """Where a class or an objective is defined."""
    kind, subject = ("class", value) if isinstance(value, type) else ("objective", value.loss)
    name = value.__name__ if isinstance(value, type) else value.name
    try:
        line = inspect.getsourcelines(subject)[1]
    except (OSError, TypeError):
        return f"{path}: {kind} {name}"
    return f"{path}, line {line}: {kind} {name}"


def _check_objective(place: str, path: Path, objective: Objective) -> None:
    if len({np.shape(minimum) for minimum in objective.minima}) > 1:
        raise ConfigError(f"{place}: minima {objective.minima}: all must have as many numbers")
    for name in objective.data:
        if not (path.parent / name).is_file():
            raise ConfigError(f"{place}: data {name!r}: there is no such file beside {path.name}")


def _check_optimizer(place: str, path: Path, optimizer: type[Optimizer]) -> None:
    missing = [name for name in _METHODS if getattr(optimizer, name) is getattr(Optimizer, name)]
    missing += [] if optimizer.states else ["states"]
    if missing:
        raise ConfigError(f"{place} lacks {', '.join(missing)}")
    for name, arguments in _METHODS.items():
        given = [*inspect.signature(getattr(optimizer, name)).parameters][1:]
        if len(given) != len(arguments):
            wanted = ", ".join(("self", *arguments))
            raise ConfigError(f"{place}: {name}({', '.join(['self', *given])}): must be {name}({wanted})")
    for name, told in optimizer.vocabulary().items():
        default = getattr(optimizer, name, None)
        if default is not None and not np.all(told.range.contains(np.asarray(default, float))):
            raise ConfigError(f"{place}: {name} = {default}: the default must be {told.range.allowed}")
    with blamed([path]):
        powers = optimizer.powers()
    if list(powers) != list(optimizer.states):
        raise ConfigError(
            f"{place}: memories {', '.join(powers)}: must be those of states, {', '.join(optimizer.states)}"
        )


@contextmanager
def blamed(paths: Iterable[Path] | None = None) -> Iterator[None]:
    """Turn whatever goes wrong in the code of a plug-in into one line that names its file and line.

    Args:
        paths: of the files; those of all plug-ins if not given.

    Raises:
        ConfigError: something did.
    """
    try:
        yield
    except OptideError:
        raise
    except Exception as error:
        own = {str(path) for path in (PLUGINS if paths is None else paths)} | {str(p.path) for p in PLUGINS.values()}
        if isinstance(error, SyntaxError) and error.filename in own:
            raise ConfigError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
        if not lines:
            raise
        text = " ".join(str(error).split())
        raise ConfigError(f"{lines[-1].filename}, line {lines[-1].lineno}: {type(error).__name__}: {text}") from None

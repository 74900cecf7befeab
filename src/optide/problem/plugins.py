"""Optimizers and objectives from outside: files that a configuration names, and packages that are installed.

A plug-in is a Python module.  What it defines, subclasses of `Optimizer` and instances of `Objective`, can be named in
a configuration like what is built in.  Its digest, which goes with every trace that uses it, is over the module and the
files of data that its objectives name.
"""

import hashlib
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, TypeGuard

from optide.base.errors import ConfigError, OptideError
from optide.base.words import shown
from optide.problem import definitions
from optide.problem.definitions import Definition
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OBJECTIVES, OPTIMIZERS

GROUP = "optide.plugins"
"""The group of entry points that installed packages use."""


class Plugin(NamedTuple):
    """A plug-in that was loaded.

    Attributes:
        name: of its file; of an installed module that of the module.
        path: of its file.
        files: it and its data, by names that tell them from those of all others.
        names: of its optimizers and objectives.
        digest: SHA-256 over all its files.
    """

    name: str
    path: Path
    files: Mapping[str, Path]
    names: tuple[str, ...]
    digest: str


PLUGINS: dict[Path, Plugin] = {}
"""Those loaded in this process, by their files."""


def load(paths: Iterable[str | Path]) -> None:
    """Load plug-ins by their files, and those of installed packages; what is loaded already, once.

    Args:
        paths: of Python files, from the working directory.

    Raises:
        ConfigError: a file cannot be read or run, or what it defines lacks something; names file and line.
    """
    for path in paths:
        add(Path(path))
    for entry in installed():
        add(entry)


def installed() -> Iterable[EntryPoint]:
    """What names the plug-ins of installed packages."""
    return entry_points(group=GROUP)


def add(one: Path | EntryPoint) -> None:
    """Load a plug-in, by its file or what names it; see `load`."""
    if isinstance(one, Path):
        if "\0" in str(one):
            raise ConfigError(f"{shown(str(one))}: no file has such a name; a plug-in is a Python file")
        if one.resolve() not in PLUGINS:
            _add(one.name, one, _run(one))
        return
    with blamed(Path(f"{GROUP}: {one.name} = {one.value}")):
        module = importlib.import_module(one.value)
        path = Path(module.__file__ or "")
    if path.resolve() not in PLUGINS:
        # by that of the module, as files of several packages may be called __init__.py
        _add(f"{module.__name__}.py", path, module)


def unload(path: str | Path) -> None:
    """Forget a plug-in and all that it defines."""
    _forget(PLUGINS.pop(Path(path).resolve()).names)


def _forget(names: Iterable[str]) -> None:
    for name in names:
        OPTIMIZERS.pop(name, None)
        OBJECTIVES.pop(name, None)


def used(*names: str) -> dict[str, str]:
    """The digests of the plug-ins that define any of these optimizers and objectives, by their names."""
    return {plugin.name: plugin.digest for plugin in PLUGINS.values() if {*names} & {*plugin.names}}


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
        with blamed(path):
            loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _add(name: str, path: Path, module: ModuleType) -> None:
    """Check all that a module defines, and let it be named."""
    # once each, as a thing may have two names in a module
    own = [*{id(value): value for value in vars(module).values() if _defined_by(module, value)}.values()]
    if not own:
        raise ConfigError(f"{path}: defines no subclass of Optimizer and no Objective")
    known: list[Definition] = []
    try:
        with blamed(path):
            for value in own:
                definitions.check(path, value)
                (OBJECTIVES if isinstance(value, Objective) else OPTIMIZERS)[value.name] = value
                known.append(value)
            data = [name for value in own if isinstance(value, Objective) for name in value.data]
            files = _files(name, path, data)
    except BaseException:
        _forget(value.name for value in known)
        raise
    digest = hashlib.sha256()
    for file in files.values():
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    PLUGINS[path.resolve()] = Plugin(name, path, files, tuple(value.name for value in own), digest.hexdigest())


def _files(name: str, path: Path, data: Iterable[str]) -> dict[str, Path]:
    """A plug-in and its data, by names that no other file has: traces and the RO-Crate go by them."""
    known = {name: file for plugin in PLUGINS.values() for name, file in plugin.files.items()}
    files: dict[str, Path] = {}
    for called, file in [(name, path), *(((path.parent / one).name, path.parent / one) for one in data)]:
        other = (known | files).get(called, file)
        if other.resolve() != file.resolve():
            raise ConfigError(f"{file}: must have another name than {other}, as results go by the names of files")
        files[called] = file
    return files


def _defined_by(module: ModuleType, value: object) -> TypeGuard[Definition]:
    if isinstance(value, Objective):
        return not any(value is built_in for built_in in OBJECTIVES.values())
    return isinstance(value, type) and issubclass(value, Optimizer) and value.__module__ == module.__name__


@contextmanager
def blamed(path: Path | None = None) -> Iterator[None]:
    """Turn whatever goes wrong in the code of a plug-in into one line that names its file and line.

    Args:
        path: of the file that is to blame for whatever happens; if not given, all plug-ins are, for what they do.

    Raises:
        ConfigError: something did.
    """
    try:
        yield
    except (OptideError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit, or another that is no Exception
        text = f"{type(error).__name__}: {_text(error)}"
        own = {str(plugin.path) for plugin in PLUGINS.values()} | ({str(path)} if path else set())
        if isinstance(error, SyntaxError) and error.filename in own:
            raise ConfigError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
        if lines := [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]:
            raise ConfigError(f"{lines[-1].filename}, line {lines[-1].lineno}: {text}") from None
        if path:
            raise ConfigError(f"{path}: {text}") from None
        raise


def _text(error: BaseException) -> str:
    """What an error says, in one line; whoever wrote its class may have made a mistake there, too."""
    try:
        return " ".join(str(error).split())
    except Exception:
        return "(and it cannot say why)"

"""Which files of the library a script depends on, worked out from the import statements, and a digest of them.

The digest stands for the code in what a job depends on.  It has no path and no time in it, so that it is the same in
every copy of the project, and an edit of a file changes it for the scripts that import the file and for no others.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def digest(script: Path, library: Path, data: Iterable[Path] = ()) -> str:
    """A digest of a script, of all that it imports from a package, and of its data.

    Args:
        script: a Python file.
        library: the folder of the package; what lies beside it, where packages are installed, is no part of this.
        data: what else the script reads, in the package.
    """
    needed = {*closure(script, library), *data} - {script}
    names = {path.relative_to(library.parent).as_posix(): path for path in needed}
    return of_contents({script.name: _read(script), **{name: _read(path) for name, path in names.items()}})


def of_contents(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, in whatever order they come."""
    found = hashlib.sha256()
    for name, content in sorted(contents.items()):
        found.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return found.hexdigest()


def closure(script: Path, library: Path) -> set[Path]:
    """A script, and the modules of a package that it imports, directly or through others.

    Imports within functions count.  Those under `if TYPE_CHECKING` count where a name is taken from the package that
    has them and is no module of it: that is how a package loads on first use.
    """
    found: set[Path] = set()
    ahead = {script}
    while ahead:
        path = ahead.pop()
        found.add(path)
        now, _ = _imports(path)
        for name in now:
            modules = _modules(name, library)
            ahead.update(modules)
            if modules and modules[-1] != _module(name, library):
                ahead.update(late for other in _imports(modules[-1])[1] for late in _modules(other, library))
        ahead -= found
    return found


@functools.cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


@functools.cache
def _imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The dotted names that a file imports, and those that it imports for type checkers only."""
    now: set[str] = set()
    for_types: set[str] = set()
    for statement, typing in _statements(ast.parse(_read(path), str(path)), False):
        match statement:
            case ast.Import(names):
                (for_types if typing else now).update(name.name for name in names)
            case ast.ImportFrom(module, names, level):
                if level:
                    raise ValueError(f"{path}: relative import in line {statement.lineno}; absolute ones are followed")
                (for_types if typing else now).update(f"{module}.{name.name}" for name in names)
    return frozenset(now), frozenset(for_types)


def _statements(node: ast.AST, typing: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """All statements below a node, and whether they are for type checkers only."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = part == "body" and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        below = getattr(node, part, ())
        for statement in below if isinstance(below, list) else ():
            yield statement, typing or inside
            yield from _statements(statement, typing or inside)


@functools.cache
def _modules(name: str, library: Path) -> list[Path]:
    """The files that an import of a dotted name runs, of the package from the top and of the module."""
    parts = name.split(".")
    found = (_module(".".join(parts[:end]), library) for end in range(1, len(parts) + 1))
    return [path for path in found if path]


@functools.cache
def _module(name: str, library: Path) -> Path | None:
    """The file of a module or package, if it is of the library."""
    top, *below = name.split(".")
    if top != library.name:
        return None
    path = library.joinpath(*below)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)

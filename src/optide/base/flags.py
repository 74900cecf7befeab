"""Flags of XLA that the installed jaxlib has: of one that it has not, it ends the process, or refuses to compile."""

import functools
import mmap
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")

TRIED = "0.10.2"
"""The version of jaxlib in `requirements.lock`, which has all flags that are used: there none is looked for."""


def known(flags: Mapping[str, Value]) -> dict[str, Value]:
    """Those of some flags, by their names, that the installed jaxlib has."""
    return dict(flags) if version("jaxlib") == TRIED else {name: flags[name] for name in flags if _named(name)}


@functools.cache
def _named(name: str) -> bool:
    """Whether a flag's name is among the texts of jaxlib's library, which has no other list of them."""
    # found, not imported: whoever only plans, or draws, needs no JAX
    folder = Path(str(find_spec("jaxlib").origin)).parent  # type: ignore[union-attr]  # a package that optide needs
    library = max(folder.rglob("*"), key=lambda path: path.stat().st_size)
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"\0" + name.encode() + b"\0") >= 0

"""Values in few words, for errors and for whoever prints a result."""

import difflib
from collections.abc import Iterable
from typing import Any

_WIDTH = 60


def shown(value: Any) -> str:
    """A value in one line of at most 60 characters; an array that would take more as its type and shape."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()  # the number, and not what NumPy calls it
    text = " ".join(repr(value).split())
    if len(text) <= _WIDTH:
        return text
    return _kind(value) or f"{text[: _WIDTH - 3]}..."


def nearest(name: Any, names: Iterable[str]) -> str:
    """The end of an error about a name: "; did you mean 'adam'?", or nothing if no name is close."""
    close = difflib.get_close_matches(str(name), [*names], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def counted(number: int, one: str) -> str:
    """So many of something: "1 step", "2 steps"."""
    return f"{number} {one}{'' if number == 1 else 's'}"


def outline(result: Any) -> str:
    """A dataclass in a line or two, however large it is: all its arrays as their type and shape, and no None."""
    values = {name: value for name, value in vars(result).items() if value is not None}
    return f"{type(result).__name__}({_fields(values)})"


def _fields(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_outlined(value)}" for name, value in values.items())


def _outlined(value: Any) -> str:
    return f"{{{_fields(value)}}}" if isinstance(value, dict) else _kind(value) or shown(value)


def _kind(value: Any) -> str:
    """The type and shape of an array, as "float64[100,2]"; nothing for anything else, a number among them."""
    shape, dtype = getattr(value, "shape", ()), getattr(value, "dtype", None)
    masked = "masked " if type(value).__name__ == "MaskedArray" else ""  # what imports this need not wait for NumPy
    return f"{masked}{dtype}[{','.join(map(str, shape))}]" if shape and dtype is not None else ""

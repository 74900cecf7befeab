"""The names that have an entry on the page of the API, and what their docstrings say, section by section."""

import importlib
import inspect
import re
import textwrap

from conftest import ROOT

API = (ROOT / "docs/api.rst").read_text(encoding="utf-8")


def names():
    """In full."""
    module = ""
    for directive, name, members in re.findall(
        r"(?m)^\.\. (currentmodule|auto\w+|py:data):: ([\w.]+).*\n(?: +:members:(.*\n(?: +.*\n)*))?", API
    ):
        if directive == "currentmodule":
            module = name
        elif directive == "automodule":
            yield from (f"{name}.{member}" for member in re.findall(r"\w+Error", members))
        else:
            yield name if "." in name else f"{module}.{name}"


def found(name):
    """What has this full name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


ENTRIES = {name: found(name) for name in names()}


def section(documentation, title):
    """The text of a section of a docstring; empty if there is none."""
    text = inspect.cleandoc(documentation or "") + "\n"
    match = re.search(rf"^{title}:\n((?: +.*\n|\n)+)", text, re.MULTILINE)
    return textwrap.dedent(match[1]) if match else ""


def told(documentation, title):
    """What a section has entries for: one, or several with commas between them."""
    entries = re.findall(r"^(\*{0,2}\w+(?:,\s\w+)*):", section(documentation, title), re.MULTILINE)
    return {name for entry in entries for name in re.split(r",\s", entry.lstrip("*"))}

"""The rooms of the library: what they may import, and how large their parts may grow."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

LIBRARY = ROOT / "src" / "optide"
MODULES = sorted(LIBRARY.rglob("*.py"))
LONGEST = 300
"""Lines of a file; a longer one has more than one idea in it."""


def name(path):
    return str(path.relative_to(LIBRARY))


def test_imports_go_down():
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "1 kept, 0 broken" in run.stdout


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_file_is_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*/**/__init__.py")), ids=name)
def test_a_package_has_names_and_no_logic(path):
    docstring, *rest = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    for statement in rest:
        assert isinstance(statement, ast.ImportFrom) or ast.unparse(statement).startswith("__all__ = ")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_is_private_stays_in_its_module(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optide"):
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_errors_are_those_that_a_caller_tells_apart(path):
    defined = [
        node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)
    ]
    errors = [name for name in defined if name.endswith("Error")]
    assert not errors or name(path) == "base/errors.py"
    assert len(errors) <= 10


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_command_line_knows_its_library_and_none_snakemake(path):
    found = {
        imported.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for imported in ([n.name for n in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert "snakemake" not in found
    assert "click" not in found or path.parent.name == "command"


SOLVING = {"ide", "problem", "studies"}
"""Rooms with modules that solve, and import JAX."""


def test_whatever_solves_nothing_is_imported_without_jax(without_jax):
    modules = [".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts) for path in MODULES]
    chosen = [module for module in modules if module.split(".")[1] not in SOLVING and not module.endswith("__init__")]
    assert {"optide.show.plotting", "optide.record.verify", "optide.planning.job"} <= set(chosen)
    command = [sys.executable, "-c", f"import {', '.join(chosen)}"]
    run = subprocess.run(command, env={**os.environ, **without_jax}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_picture_of_the_rooms_is_up_to_date():
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    architecture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(architecture)
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert architecture.page(text) == text, "run `make docs`"
    assert "record --> show" in text

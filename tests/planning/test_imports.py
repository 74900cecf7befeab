"""What a script depends on: told by its imports, held against what Python itself loads, and the same in every copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from optide.planning import imports

SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
SOURCES = ROOT / "src"


@pytest.fixture
def package(tmp_path):
    """A package that loads `late` on first use, and scripts that import from it."""
    files = {
        "p/__init__.py": "import typing, p.always\nif typing.TYPE_CHECKING:\n    from p.late import f",
        "p/always.py": "import json, q.far",
        "p/late.py": "from p import later",
        "p/later.py": "",
        "p/within.py": "def f():\n    try:\n        pass\n    finally:\n        from p import deep\n",
        "p/deep.py": "",
        "p/other.py": "",
        "plain.py": "from p import within",
        "by_name.py": "from p import f",
        "by_module.py": "import p.late",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("script", "needed"),
    [
        ("plain.py", {"p/within.py", "p/deep.py"}),
        ("by_name.py", {"p/late.py", "p/later.py"}),
        ("by_module.py", {"p/late.py", "p/later.py"}),
    ],
)
def test_what_is_imported_within_a_function_or_on_first_use_counts(package, script, needed):
    found = imports.closure(package / script, package)
    assert {path.relative_to(package).as_posix() for path in found} == {
        *(script, "p/__init__.py", "p/always.py"),
        *needed,
    }


def test_a_relative_import_is_refused_since_it_would_be_missed(package):
    (package / "p/always.py").write_text("from . import other")
    with pytest.raises(ValueError, match=r"always\.py: relative import in line 1"):
        imports.closure(package / "plain.py", package)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_whatever_python_loads_for_a_script_is_among_what_it_depends_on(script):
    """Run to the end of its imports, with Snakemake's object missing."""
    code = (
        "import runpy, sys\n"
        "try:\n    runpy.run_path(sys.argv[1])\n"
        "except NameError as error:\n    assert error.name == 'snakemake', error\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.partition('.')[0] == 'optide'), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    run = subprocess.run(
        [sys.executable, "-c", code, script], capture_output=True, text=True, check=True, env=environment
    )
    loaded = {Path(line) for line in run.stdout.splitlines()}
    assert loaded
    assert loaded <= imports.closure(script, SOURCES)


def test_drawing_is_no_part_of_solving_and_the_other_way_round():
    def names(script):
        return {path.stem for path in imports.closure(ROOT / "workflow" / "scripts" / script, SOURCES)}

    assert {"march", "picard", "discrete", "optimizers", "objectives", "arithmetic"} <= names("trace.py")
    assert not {"plotting", "tables", "metrics", "provenance", "crate", "explorer"} & names("trace.py")
    assert {"plotting", "logscale", "provenance", "traces"} <= names("figure.py")
    assert not {"march", "picard", "discrete", "optimizers"} & names("figure.py")


def test_a_digest_is_that_of_content_and_not_of_place_or_time(package, tmp_path):
    data = package / "p" / "page.html"
    data.write_text("<p>")
    first = imports.digest(package / "plain.py", package, [data])
    copied = shutil.copytree(package, tmp_path / "elsewhere")
    os.utime(copied / "p" / "deep.py", (0, 0))
    assert imports.digest(copied / "plain.py", copied, [copied / "p" / "page.html"]) == first
    found = {first}
    for name in ("plain.py", "p/deep.py", "p/page.html"):
        # another folder each, since files are read once
        edited = shutil.copytree(package, tmp_path / f"edited {Path(name).name}")
        (edited / name).write_text((edited / name).read_text() + "\n# edited")
        found.add(imports.digest(edited / "plain.py", edited, [edited / "p" / "page.html"]))
    assert len(found) == 4
    foreign = shutil.copytree(package, tmp_path / "foreign")
    (foreign / "p" / "other.py").write_text("# edited")
    assert imports.digest(foreign / "plain.py", foreign, [foreign / "p" / "page.html"]) == first

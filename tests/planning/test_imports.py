"""What a script depends on: told by its imports, held against what Python itself loads, and the same in every copy."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from optide.planning import imports
from pipeline import CLAIMED, REDUCED, planned

SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
SOURCES = ROOT / "src"


@pytest.fixture
def package(tmp_path):
    """A package that loads `late` on first use, and scripts that import from it."""
    files = {
        "p/__init__.py": "import typing, p.always\nif typing.TYPE_CHECKING:\n    from p.late import f",
        "p/always.py": "import json, q.far",
        # of another package, installed beside it
        "q/far.py": "from . import near",
        "q/near.py": "",
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
    found = imports.closure(package / script, package / "p")
    assert {path.relative_to(package).as_posix() for path in found} == {
        *(script, "p/__init__.py", "p/always.py"),
        *needed,
    }


def test_a_relative_import_is_refused_since_it_would_be_missed(package):
    (package / "p/always.py").write_text("from . import other")
    with pytest.raises(ValueError, match=r"always\.py: relative import in line 1"):
        imports.closure(package / "plain.py", package / "p")


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
    assert loaded <= imports.closure(script, SOURCES / "optide")


NAMES = "definitions finite kernels objectives optimizer optimizers plugins registry vocabulary"
EVERY = f"base planning/job.py data/seal.py {' '.join(f'problem/{name}.py' for name in NAMES.split())}"
SOLVING = "base problem ide planning/job.py settings/config.py data/seal.py"
READING = (
    f"{EVERY} settings/config.py numerics/elementary.py data/columns.py data/layout.py data/traces.py data/digests.py "
    "data/provenance.py"
)
SHOWING = f"{READING} settings/schemes.py"
FIGURE = (
    f"{SHOWING} data/fingerprints.py data/tolerances.py show/drawn.py show/logscale.py show/plotting.py show/style.py"
)
TABLE = f"{READING} numerics/metrics.py data/frames.py show/tables.py"
RECORD = (
    f"{SHOWING} data/fingerprints.py data/tolerances.py data/frames.py show/drawn.py show/explorer.py "
    "show/page.py record/contents.py record/manifest.py record/pages.py record/pictures.py"
)
ATLAS = (
    f"{EVERY} settings/atlas.py settings/axes.py settings/config.py numerics/elementary.py data/results.py "
    "studies/atlas.py"
)
PLANES = "settings/atlas.py settings/axes.py settings/planes.py numerics data/results.py studies/atlas.py "
PLANES += "studies/atlas_measures.py studies/atlas_planes.py show/atlas_axes.py show/atlas_colours.py"
ROOMS = {
    "trace": f"{SOLVING} settings/schemes.py data/columns.py data/layout.py data/traces.py studies/experiments.py",
    "audit": f"{SOLVING} data/columns.py data/layout.py data/traces.py data/results.py studies/audit.py "
    "studies/audit_solve.py",
    "rates": f"{SOLVING} numerics data/results.py studies/rates.py studies/rates_solve.py",
    "figure": FIGURE,
    "gallery": f"{EVERY} data/columns.py data/digests.py data/provenance.py show/gallery.py",
    "explorer": f"{SHOWING} show/explorer.py show/page.py",
    "audit_figure": f"{FIGURE} numerics/metrics.py data/results.py studies/audit.py show/audit_figure.py",
    "rates_figure": f"{FIGURE} numerics/metrics.py data/results.py studies/rates.py studies/linearisation.py "
    "show/rates_figure.py",
    "table": f"{TABLE} settings/schemes.py studies/comparison.py show/table1.py",
    "table2": f"{TABLE} numerics/richardson.py data/results.py studies/audit.py studies/decomposition.py "
    "show/table2.py",
    # some claims are about the published scheme itself
    "claims": f"{TABLE} settings/schemes.py problem ide claims/criteria.py claims/equation.py claims/judge.py "
    "claims/measures.py claims/selection.py show/claims.py",
    "beyond_trace": f"{SOLVING} numerics/elementary.py numerics/metrics.py data/columns.py data/layout.py "
    "data/traces.py data/results.py studies/beyond.py studies/beyond_problems.py studies/beyond_solve.py",
    "beyond_figure": f"{FIGURE} numerics/metrics.py data/results.py studies/beyond.py studies/beyond_orders.py "
    "show/beyond_figures.py",
    "beyond_table": f"{TABLE} data/results.py studies/beyond.py studies/beyond_orders.py show/beyond_tables.py",
    "atlas_shard": f"{SOLVING} settings/atlas.py settings/axes.py numerics/elementary.py numerics/metrics.py "
    "data/columns.py data/layout.py data/results.py settings/schemes.py studies/experiments.py studies/atlas.py "
    "studies/atlas_measures.py studies/atlas_solve.py",
    "atlas_data": ATLAS,
    "atlas_curves": ATLAS,
    "atlas_claims": f"{ATLAS} {TABLE} claims/criteria.py claims/regions.py claims/shares.py studies/atlas_measures.py "
    "show/shares.py",
    "atlas_maps": f"{FIGURE} {PLANES} data/frames.py studies/atlas_seen.py show/atlas_maps.py show/atlas_panels.py "
    "show/tables.py",
    "atlas_page": f"{EVERY} {PLANES} settings/config.py data/columns.py data/digests.py data/provenance.py "
    "show/style.py show/page.py show/atlas_explorer.py",
    "times": f"{EVERY} settings/config.py data/columns.py data/layout.py data/traces.py data/digests.py "
    "data/provenance.py data/frames.py show/tables.py show/times.py",
    "check": f"{RECORD} record/compare.py",
    # CITATION.cff is YAML
    "crate": f"{RECORD} settings/yamlfile.py record/crate.py",
    "mend": f"{READING} numerics/metrics.py settings/atlas.py settings/axes.py settings/figures.py data/current.py "
    "data/results.py studies/atlas.py studies/audit.py studies/beyond.py studies/rates.py record/mend.py",
}
"""What scripts depend on, rooms and single files: a solve on nothing that draws, and no job on what reads YAML."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_depends_on_these_rooms_and_files_and_on_nothing_else(script):
    found = {path.relative_to(SOURCES / "optide") for path in imports.closure(script, SOURCES / "optide") - {script}}
    allowed = [Path(name) for name in ROOMS[script.stem].split()]
    needed = {path for path in found if path.name != "__init__.py"}
    strangers = {path for path in needed if not any(path.is_relative_to(room) for room in allowed)}
    assert strangers == set()
    idle = {room for room in allowed if not any(path.is_relative_to(room) for path in needed)}
    assert idle == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_pins_the_arithmetic_before_it_imports_what_may_import_jax(script):
    """Its process is started by the workflow of somebody else, perhaps, who has settings of their own."""
    _, *statements = ast.parse(script.read_text(encoding="utf-8")).body
    (pinned,) = (
        place for place, statement in enumerate(statements) if ast.unparse(statement).startswith("optide.pin(")
    )
    before = [ast.unparse(statement) for statement in statements[:pinned]]
    assert before[-1] == "import optide"
    assert not [line for line in before[:-1] if "optide" in line]


def test_planning_imports_no_jax(tmp_path):
    """A module in its place fails whoever imports it."""
    (tmp_path / "jax.py").write_text('raise ImportError("no JAX here")\n')
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, tmp_path)
    # with all that a configuration can ask for
    assert planned(tmp_path, PYTHONPATH=f"{tmp_path}:{SOURCES}") >= {"figures/claims.csv", "figures/table2.csv"}


def test_a_digest_is_that_of_content_and_not_of_place_or_time(package, tmp_path):
    data = package / "p" / "page.html"
    data.write_text("<p>")
    first = imports.digest(package / "plain.py", package / "p", [data])
    copied = shutil.copytree(package, tmp_path / "elsewhere")
    os.utime(copied / "p" / "deep.py", (0, 0))
    assert imports.digest(copied / "plain.py", copied / "p", [copied / "p" / "page.html"]) == first
    found = {first}
    for name in ("plain.py", "p/deep.py", "p/page.html"):
        # another folder each, since files are read once
        edited = shutil.copytree(package, tmp_path / f"edited {Path(name).name}")
        (edited / name).write_text((edited / name).read_text() + "\n# edited")
        found.add(imports.digest(edited / "plain.py", edited / "p", [edited / "p" / "page.html"]))
    assert len(found) == 4
    foreign = shutil.copytree(package, tmp_path / "foreign")
    (foreign / "p" / "other.py").write_text("# edited")
    assert imports.digest(foreign / "plain.py", foreign / "p", [foreign / "p" / "page.html"]) == first

"""The wheel, installed apart from the sources: the library, the command line, and the workflow in an empty folder."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib
import pytest

import optide
from conftest import ROOT
from optide import Adam, solve_ide
from optide.problem.objectives import double_well
from optide.settings import yamlfile

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILT = ("src", "workflow", "reproducibility", "Snakefile", "config.yaml", "claims.yaml", "pyproject.toml", "setup.py")
OF_WORKFLOW = ("jinja2", "jsonschema", "plotly", "pypdf", "yaml", "rocrate", "tabulate", "snakemake", "pygments")
"""What the packages of the extra are imported as; Pillow is one of matplotlib's own, too."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that the wheel was installed to, built from a copy of what it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*BUILT, "README.md", "LICENSE", "CITATION.cff", "requirements.lock"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "sources" / name, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            shutil.copy(ROOT / name, folder / "sources" / name)
    build = "from setuptools import build_meta; build_meta.build_wheel('../dist')"
    run(folder / "sources", [sys.executable, "-c", build])
    (wheel,) = (folder / "dist").iterdir()
    assert wheel.name.startswith(f"optide-{PROJECT['version']}-py3")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    run(folder, [*pip, "--target", "site", wheel], PIP_DISABLE_PIP_VERSION_CHECK="1")
    shutil.rmtree(folder / "sources")
    # not alone there, as in any environment
    (folder / "site" / "matplotlib").symlink_to(Path(matplotlib.__file__).parent)
    return folder / "site"


def run(folder, command, **variables):
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def command(site, tmp_path):
    """The command of the wheel, in an empty folder."""
    return lambda *arguments, **variables: run(
        tmp_path, [site / "bin" / "optide", *arguments], **{"PYTHONPATH": str(site), **variables}
    )


def test_the_wheel_has_what_the_repository_has_of_the_workflow_and_says_it_once(site):
    kept = site / "optide" / "project"
    of_workflow = {p.relative_to(ROOT) for p in (ROOT / "workflow").rglob("*") if p.is_file()}
    of_workflow = {path for path in of_workflow if "__pycache__" not in path.parts}
    assert {p.relative_to(kept) for p in (kept / "workflow").rglob("*") if p.is_file()} == of_workflow
    for path in (*of_workflow, "Snakefile", "config.yaml", "claims.yaml", "reproducibility/manifest.json"):
        assert (kept / path).read_bytes() == (ROOT / path).read_bytes()
    assert (site / "optide" / "py.typed").exists()
    assert (site / "optide" / "show" / "templates" / "explorer.js").exists()
    modules = {p.relative_to(site / "optide") for p in (site / "optide").rglob("*.py")}
    beside = {path for path in modules if path.parts[0] == "project"}
    library = ROOT / "src" / "optide"
    assert modules - beside == {p.relative_to(library) for p in library.rglob("*.py")}
    assert len(beside) == len([*(ROOT / "workflow" / "scripts").glob("*.py")])


def test_the_library_and_its_commands_need_no_package_of_the_workflow(site, command, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in OF_WORKFLOW:
        (hidden / f"{name}.py").write_text(f'raise ImportError("no {name} here")\n')
    without = {"PYTHONPATH": f"{hidden}:{site}"}
    asked = ("--optimizer", "adam", "--learning-rate", "0.1", "--objective", "double_well", "--theta0", "0.1")
    found = json.loads(
        command("solve", *asked, "--steps", "12", "--json", "--plot", "x.png", "--parquet", "x.parquet", **without)
    )
    assert found["points"]["theta"] == solve_ide(Adam(0.1), double_well, 0.1, 12).theta.tolist()
    script = "from optide import *; from optide.objectives import *; s = solve_ide(AdaGrad(0.1), quadratic, 1.0, 9)\n"
    script += "s.to_pandas(), s._repr_html_(); import optide; print(optide.__file__)"
    assert run(tmp_path, [sys.executable, "-c", script], **without).strip() == str(site / "optide" / "__init__.py")


def test_in_an_empty_folder_a_check_has_what_was_accepted_of_the_papers_configuration(command, tmp_path):
    assert "rule check" in command("check", "--dry-run", "--cores", "1")
    assert not (tmp_path / "reproducibility").exists()


def test_in_an_empty_folder_the_workflow_is_written_and_planned(site, command, tmp_path):
    assert command("--version").strip() == PROJECT["version"]
    assert "solve" in command("--help")
    assert command("init").count("wrote ") == 4
    output = command("run", "--dry-run", "fig03", "--cores", "1", "--", "--quiet", "rules")
    assert "no rule" not in output
    planned = command("run", "--dry-run", "--cores", "1")
    for name in ("figures/converged/fig15.png", "figures/claims.csv", "ro-crate-metadata.json"):
        assert f"output: {name}" in planned or f", {name}" in planned
    assert not (tmp_path / "results").exists()


def test_a_job_runs_from_the_wheel(site, command, tmp_path):
    command("init")
    trace = "results/traces/discrete/quadratic-adagrad/lr0.1.parquet"
    command("run", trace, "--cores", "1")
    assert (tmp_path / trace).exists()
    assert [path.name for path in site.rglob("*.parquet*")] == ["reference.parquet"]  # all results are here


def test_the_version_is_said_once_and_what_repeats_it_agrees():
    citation = yamlfile.read(ROOT / "CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (first, *_) = re.findall(r"^## (\S+) - (\d{4}-\d\d-\d\d)$", changes, flags=re.MULTILINE)
    assert first == (PROJECT["version"], citation["date-released"])
    # and all that the recipe for a release names
    named = re.findall("`(.+?)`", changes.partition("\n## ")[0])
    assert {"CITATION.cff", ".zenodo.json", "workflow/profiles/kubernetes/config.yaml"} < {*named}
    said = rf"(?<![\w.]){re.escape(PROJECT['version'])}(?![\w.])"
    assert all(re.search(said, (ROOT / path).read_text(encoding="utf-8")) for path in named)


def test_python_is_told_the_version():
    assert optide.__version__ == importlib.metadata.version("optide")


def test_the_library_alone_asks_for_few_packages():
    named = {re.split(r"[^\w-]", name)[0] for name in PROJECT["dependencies"]}
    assert named == {"click", "jax", "jaxtyping", "matplotlib", "numpy", "pandas", "pyarrow"}

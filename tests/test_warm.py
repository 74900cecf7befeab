"""The warm Python does what a process of its own does, and tells when it cannot."""

import os
import signal
import site
import subprocess
import sys

import psutil
import pytest

import warm
from conftest import ROOT

pytestmark = pytest.mark.skipif(not warm.possible(), reason="each program has a process of its own on this system")


@pytest.fixture(scope="module", autouse=True)
def _main():
    return warm.server_for("main", dict(os.environ))


SHOWN = """
import os, sys, warnings
print(sys.argv, sys.path[0], os.getcwd(), sorted(os.environ.items()), sys.stdin.read(), __name__)
print("Größe", file=sys.stderr)
warnings.warn("seen", stacklevel=1)
sys.exit(3)
"""


@pytest.mark.parametrize("variables", [{"OPTIDE_X": "ö"}, {"PYTHONWARNINGS": "ignore"}, {"OPTIDE_X": "", "LANG": "C"}])
@pytest.mark.parametrize("how", ["-c", "-m", "script"])
def test_a_program_finds_and_does_what_it_does_in_a_process_of_its_own(tmp_path, how, variables):
    (tmp_path / "shown.py").write_text(SHOWN)
    arguments = [*{"-c": ("-c", SHOWN), "-m": ("-m", "shown"), "script": (tmp_path / "shown.py",)}[how], "a b", "-c"]
    environment = {**os.environ, **variables}
    own = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    found = warm.run(arguments, kind="main", cwd=tmp_path, env=environment)
    assert own.returncode == 3
    assert (found.returncode, found.stdout, found.stderr) == (own.returncode, own.stdout, own.stderr)
    # the last environment is not the server's
    assert (warm.server_for("main", environment) is None) == ("LANG" in variables)


def test_what_a_library_sets_here_has_a_server_of_its_own(monkeypatch):
    before = warm.server_for("main", dict(os.environ))
    monkeypatch.setenv("SOME_LIBRARY", "1")
    after = warm.server_for("main", dict(os.environ))
    assert before is not after
    program = "import os, sys; sys.exit('snakemake' in sys.modules and os.environ['SOME_LIBRARY'])"
    assert warm.run(["-c", program], kind="main").stderr == "1\n"


def test_what_ends_it_and_what_it_raises_are_told():
    def code(program):
        return warm.run(["-c", program], kind="main").returncode

    assert code("pass") == 0
    assert code("import os; os.kill(os.getpid(), 9)") == -signal.SIGKILL
    assert code("import os; os.abort()") == -signal.SIGABRT
    assert code("import os; os._exit(7)") == 7
    for given, told in {"": 0, "258": 2, "-1": 255, "'why'": 1, "True": 1}.items():
        assert code(f"import sys; sys.exit({given})") == told
    assert code("raise KeyboardInterrupt") == -signal.SIGINT
    assert code("import threading, os; threading.Timer(0.2, os._exit, [9]).start()") == 9
    found = warm.run(["-c", "import atexit; atexit.register(print, 'the end'); 1 / 0"], kind="main")
    assert (found.returncode, found.stdout) == (1, "the end\n")
    assert found.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_one_program_leaves_nothing_to_another_and_there_is_no_jax():
    program = "import sys, os, json; sys.mine = json.mine = os.environ['OPTIDE_Y'] = 'x'"
    assert warm.run(["-c", program], kind="main").returncode == 0
    program = (
        "import sys, os, json; sys.exit(any((hasattr(sys, 'mine'), hasattr(json, 'mine'), 'OPTIDE_Y' in os.environ)))"
    )
    assert warm.run(["-c", program], kind="main").returncode == 0
    assert (
        warm.run(
            ["-c", "import sys; sys.exit('snakemake' not in sys.modules or 'jax' in sys.modules)"], kind="main"
        ).returncode
        == 0
    )


LIBRARY = "import snakemake, optide, sys; print(optide.__file__, sys.path[1:])"


@pytest.mark.parametrize("first", ["none", "the library's", "another"])
def test_what_a_program_can_import_does_not_depend_on_which_the_server_was_started_for(tmp_path, first):
    another = os.pathsep.join((str(tmp_path), *site.getsitepackages()))
    paths = {"none": "", "the library's": str(ROOT / "src"), "another": another}
    server = warm.Server("main", {**os.environ, "PYTHONPATH": paths[first]})
    try:
        for path in paths.values():
            environment = {**os.environ, "PYTHONPATH": path}
            own, found = (
                subprocess.run([python, "-c", LIBRARY], capture_output=True, text=True, check=False, env=environment)
                for python in (sys.executable, server.python)
            )
            assert (found.stdout, found.stderr, found.returncode) == (own.stdout, own.stderr, own.returncode)
    finally:
        server.end()


def test_another_library_is_imported_anew(tmp_path):
    (tmp_path / "optide").mkdir()
    (tmp_path / "optide" / "__init__.py").write_text("mine = 3")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = warm.run(["-c", "import optide; print(optide.mine)"], kind="main", env=environment)
    assert (found.returncode, found.stdout) == (0, "3\n")


def test_what_takes_the_place_of_python_passes_on_how_a_program_ends(tmp_path):
    python = warm.server_for("main", dict(os.environ)).python
    ends = {"import sys; print(sys.argv[1], input()); sys.exit(5)": 5, "import os; os.kill(os.getpid(), 15)": -15}
    for program, code in ends.items():
        for variables in ({}, {"LANG": "C"}):  # by the server, and by a process of its own
            run = subprocess.run(
                [python, "-c", program, "a b"],
                input="given\n",
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env={**os.environ, **variables},
            )
            assert (run.returncode, run.stderr, run.stdout) == (code, "", "a b given\n" if code == 5 else "")


@pytest.fixture
def another():
    server = warm.Server("main", dict(os.environ))
    yield server
    server.end()


SLEEPING = "import time; print('begun', flush=True); time.sleep(600)"


def asleep(server):
    """A program that a server runs, as its client and as its own process."""
    client = subprocess.Popen(
        [server.python, "-c", SLEEPING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert client.stdout.readline() == "begun\n"
    (waiting,) = psutil.Process(server.process.pid).children()
    (program,) = waiting.children()
    return client, program


def test_a_program_ends_with_who_asked_for_it(another):
    client, program = asleep(another)
    with client:
        client.terminate()
    psutil.wait_procs([program], timeout=20)
    assert not program.is_running()


def test_a_program_ends_with_the_server_which_leaves_no_process(another):
    client, program = asleep(another)
    another.end()
    assert not program.is_running()
    with client:
        assert client.wait() == -signal.SIGKILL
    assert not os.path.exists(another.address)


def test_a_server_that_has_died_is_told(another):
    client, program = asleep(another)
    for process in (*psutil.Process(another.process.pid).children(), another.process):
        process.kill()
    with client:
        assert client.wait() == 1
        program.kill()  # which has the files of its client
        assert "ConnectionError: the warm Python has ended, and with it ['-c'" in client.stderr.read()
    with pytest.raises(ConnectionError, match="no warm Python answers"):
        warm.ask(another.address, [0, 1, 2], arguments=["-c", ""], cwd="/", environment={})

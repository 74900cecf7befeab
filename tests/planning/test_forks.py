"""Scripts as forks of a Python that has imported what they import."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from conftest import taken_by_children
from optide.base.errors import INTERRUPTED
from optide.planning import forks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="this system's libraries cannot be forked")

STARTED = """
import contextlib, os, signal, sys
from optide.planning import forks

# whoever runs the tests may ignore interrupts
signal.signal(signal.SIGINT, signal.default_int_handler if os.environ["HEARS"] else signal.SIG_IGN)
# no `if __name__ == "__main__"`: a fork does not run it again
print("started", flush=True)
code = forks.run(sys.argv[1], [], {}, contextlib.nullcontext)
sys.exit("none" if code is None else code % 256)
"""


def run(script, watched=contextlib.nullcontext):
    return forks.run(str(script), [], {}, watched)


@pytest.fixture
def script(tmp_path):
    """Make a script of what it does."""

    def write(text, name="script.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def process(script):
    """Start a process that runs a script as a fork."""
    started = []

    def start(text, **variables):
        command = [sys.executable, script(STARTED, "started.py"), script(text)]
        pipe = subprocess.PIPE
        environment = {**os.environ, "HEARS": "yes", **variables}
        started.append(
            subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, env=environment)
        )
        return started[-1]

    yield start
    for one in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def test_a_script_finds_what_a_new_python_finds_and_what_was_imported(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = script(
        "import json, os, sys\n"
        'imported = [name in sys.modules for name in ("jax", "matplotlib.figure", "optide.studies.audit")]\n'
        "import beside\nfrom optide.base.arithmetic import arithmetic\n"
        "found = [__name__, sys.argv, sys.path[0], os.getcwd(), beside.X, imported, arithmetic()]\n"
        'with open("told.json", "w") as file:\n'
        "    json.dump(found, file)\n",
        "scripts/script.py",
    )
    script("X = 7", "scripts/beside.py")
    assert run(told) == 0
    found = ["__main__", [str(told)], str(told.parent), str(tmp_path), 7, [True] * 3, "pinned"]
    assert json.loads((tmp_path / "told.json").read_text()) == found


def test_one_leaves_nothing_to_another(script):
    changes = "import json, os, sys\nassert not hasattr(json, 'mine') and 'OPTIDE_X' not in os.environ\n"
    changes += "json.mine = os.environ['OPTIDE_X'] = 'x'"
    assert [run(script(changes)), run(script(changes))] == [0, 0]


def test_what_it_is_given_is_in_its_environment_and_chance_is_its_own(script, tmp_path):
    text = (
        "import json, os, random, sys, tempfile\nimport numpy as np\n"
        "with open(sys.argv[0] + os.environ['OPTIDE_X'], 'w') as file:\n"
        "    json.dump([tempfile.gettempdir(), random.random(), np.random.rand()], file)\n"
    )
    for i in range(3):
        folder = tmp_path / str(i)
        folder.mkdir()
        given = {"OPTIDE_X": str(i), "TMPDIR": str(folder)}
        assert forks.run(str(script(text)), [], given, contextlib.nullcontext) == 0
    found = [json.loads((tmp_path / f"script.py{i}").read_text()) for i in range(3)]
    assert [folder for folder, *_ in found] == [str(tmp_path / str(i)) for i in range(3)]
    assert len({number for _, *drawn in found for number in drawn}) == 6


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pass", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('why')", 1),
        ("1 / 0", 1),
        ("no Python", 1),
        ("raise KeyboardInterrupt", INTERRUPTED),
        ("import os\nos.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os\nos.abort()", -signal.SIGABRT),
    ],
)
def test_how_it_ends_is_told(script, text, code):
    assert run(script(text)) == code


def test_each_of_many_at_once_is_told_its_own_code_and_watched_by_its_own_process(script, tmp_path):
    codes = range(60)
    scripts = [
        script(
            f"import os\nopen({str(tmp_path / str(i))!r}, 'w').write(str(os.getpid()))\nraise SystemExit({i})",
            f"{i}.py",
        )
        for i in codes
    ]
    watched = {}

    def one(i):
        @contextlib.contextmanager
        def watch(process):
            watched[i] = str(process)
            yield

        return run(scripts[i], watch)

    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(one, codes)] == [*codes]
    assert watched == {i: (tmp_path / str(i)).read_text() for i in codes}


def test_what_it_prints_is_printed_and_what_it_raises_is_told(process):
    out, err = process("import sys\nprint('here')\nprint('there', file=sys.stderr)\nsys.exit('why')").communicate()
    assert (out, err) == ("started\nhere\n", "there\nwhy\n")
    assert process("{}['key']").communicate()[1].endswith("KeyError: 'key'\n")


def server_of(started, wanted=lambda: True):
    """That of a process, once there is one, and what is wanted."""
    started.stdout.readline()
    while True:
        for child in psutil.Process(started.pid).children():
            if "forkserver" in " ".join(child.cmdline()) and wanted():
                return child
        time.sleep(0.01)


def test_an_interrupt_ends_it_without_a_word(process, tmp_path):
    """Of the whole group, as a terminal sends it: while the server imports, and while the script runs."""
    for wait in (False, True):
        begun = tmp_path / f"begun-{wait}"
        started = process(f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)")
        server_of(started, lambda begun=begun, wait=wait: not wait or begun.exists())
        os.killpg(started.pid, signal.SIGINT)
        err = started.communicate(timeout=60)[1]  # which all have that are there
        # of the process that asks, which a test interrupts: Snakemake's has a handler of its own
        assert started.returncode in (-signal.SIGINT, 1)
        assert err.count("Traceback") == 1
        assert "forks.run" in err


def test_an_interrupt_that_is_ignored_ends_nothing(process):
    """As where the whole runs in the background."""
    started = process("print('here')", HEARS="")
    server_of(started)
    os.killpg(started.pid, signal.SIGINT)
    assert started.communicate(timeout=60) == ("here\n", "")
    assert started.returncode == 0


def test_there_is_none_where_its_socket_would_have_too_long_a_name(process, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    one = process("print('here')", TMPDIR=str(folder))
    assert one.communicate() == ("started\n", "none\n")


def test_who_asks_has_waited_for_all_in_the_end(process):
    """So that the processor time of forks is that of its children."""
    took = []
    for spent in (0, 2):
        before = taken_by_children()
        one = process(f"import time\nwhile time.process_time() < {spent}: sum(range(100_000))")
        one.communicate()
        assert one.returncode == 0
        took.append(taken_by_children() - before)
    # two seconds, or none if nobody waits; what is imported takes two as well, and now some tenths more, now less
    assert took[1] - took[0] > 1


def test_a_server_that_was_killed_is_started_anew(script):
    assert run(script("pass")) == 0
    for child in psutil.Process().children():
        if "forkserver" in " ".join(child.cmdline()):
            child.kill()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert run(script("raise SystemExit(4)")) == 4

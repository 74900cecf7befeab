"""A Python that has imported what programs import; for each request it forks, and the fork becomes that program.

`server.py KIND SOCKET` ends, and what it runs with it, when the other end of its standard input is closed.
"""

import atexit
import contextlib
import gc
import importlib
import marshal
import os
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import types
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT / "tests")

from warm.client import LENGTH, fixed  # noqa: E402

OF_SNAKEMAKE = ["cli", "report.html_reporter", "profiles", "storage"]
OF_OTHERS = ["smart_open", "nbformat", "encodings.idna", "pandas", "pyarrow.parquet"]
IMPORT = re.compile(r"^(?:import|from) optide.*$", re.MULTILINE)


def asked_for(environment):
    """The folders to import from that an environment names."""
    return [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]


def by_itself():
    """The folders in which Python finds modules when it is asked for none: it leaves out there what it is asked for."""
    command = [sys.executable, "-Ec", r"import sys; print(*sys.path[1:], sep='\0', end='')"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")


def warm(kind):
    """Import what a program of a kind does: for Snakemake no JAX, which the tests of planning do not let it have."""
    for name in [*(f"snakemake.{name}" for name in OF_SNAKEMAKE), *OF_OTHERS]:
        importlib.import_module(name)
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        exec("\n".join(IMPORT.findall(path.read_text(encoding="utf-8"))), {})
    if kind == "job":
        importlib.import_module("optide.planning.ahead")
    gc.freeze()  # a collection in a fork would write to, and so copy, all that there is


def serve(listening, kind, own):
    """Answer requests for ever; returns in the forks that become programs, with what is asked of each."""
    signal.signal(signal.SIGCHLD, reap)
    while True:
        ready, _, _ = select.select([listening, 0], [], [])
        if 0 in ready:
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()
            os._exit(0)
        connection, _ = listening.accept()
        with connection:
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                return answer(connection, kind, own)


def reap(*_):
    """Take notice of forks that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def answer(connection, kind, own):
    """Tell how the program ends that is asked for, and end it if who asks is gone; returns in that program alone."""
    start, files, *_ = socket.recv_fds(connection, LENGTH, 3)
    with connection.makefile("rb") as stream:
        request = marshal.loads(stream.read(int.from_bytes(start, "big")))
    if fixed(request["environment"], kind) != own:
        connection.sendall(marshal.dumps(None))
        os._exit(0)
    pid = os.fork()
    with contextlib.suppress(PermissionError):  # whoever comes first: it may have begun
        os.setpgid(pid, pid)
    if pid == 0:
        for file, place in zip(files, range(3), strict=True):
            os.dup2(file, place)
            os.close(file)
        return request
    process = os.pidfd_open(pid)
    ready, _, _ = select.select([process, connection, 0], [], [])
    if process not in ready:
        os.killpg(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(marshal.dumps(code))
    os._exit(0)


def prepare(own, cwd, environment, launcher):
    """Be in the place that a new process would be in, which has imported what this one has."""
    os.chdir(cwd)
    set_by_imports = {name: value for name, value in os.environ.items() if name not in own}
    os.environ.clear()
    os.environ.update(set_by_imports | environment)
    before, after = asked_for(own), asked_for(environment)
    sys.path[1:] = dict.fromkeys([*after, *sys.path[1 + len(before) :]])
    if after != before:  # the library may be another
        for name in [name for name in sys.modules if name.partition(".")[0] == "optide"]:
            del sys.modules[name]
    importlib.invalidate_caches()
    tempfile.tempdir = None
    if launcher:
        through(launcher)


def through(launcher):
    """Let Snakemake start its scripts by what takes the place of Python, all of them."""
    from snakemake.script import ScriptBase  # noqa: PLC0415

    from optide.planning import forks  # noqa: PLC0415

    forks.run = lambda *_: None
    execute = ScriptBase._execute_cmd

    def started(self, command, **values):
        python = {"py_exec": launcher} if values.get("py_exec") == sys.executable else {}
        return execute(self, command, **{**values, **python})

    ScriptBase._execute_cmd = started


def become(first, *rest):
    """Run what Python runs with these arguments: a module, code, or a script."""
    if first == "-m":
        name, *sys.argv[1:] = rest
        sys.path[0] = os.getcwd()
        if not hasattr(sys.modules.get(name), "__path__"):  # of a package it is another module that runs
            sys.modules.pop(name, None)
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif first == "-c":
        code, *sys.argv[1:] = rest
        sys.path[0], sys.argv[0] = "", "-c"
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), module.__dict__)
    else:
        sys.argv[:] = first, *rest
        sys.path[0] = os.path.dirname(os.path.realpath(first))
        runpy.run_path(first, run_name="__main__")


def leave():
    """End at once when all else is done: to take apart what was imported would be to copy it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _, kind, number = sys.argv
    own = dict(os.environ)
    status = 1
    sys.path[1:] = asked_for(own) + by_itself()
    atexit.register(leave)  # the first is called last
    warm(kind)
    with socket.socket(fileno=int(number)) as listening:
        request = serve(listening, kind, fixed(own, kind))
    prepare(own, request["cwd"], request["environment"], request.get("launcher"))
    try:
        become(*request["arguments"])
        status = 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            status = (end.code or 0) & 0xFF
        raise
    except KeyboardInterrupt:
        atexit.unregister(leave)  # it ends by the signal
        raise

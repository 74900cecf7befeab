"""Python programs, run by a Python that has imported before what they import (`warm.server`), and so for less time.

For programs that the tests start again and again and that are not about how a process starts.  What a process reads at
its start a server has read before: so it runs only what has the variables of the tests, beside those that nothing has
read by then.  The seed of hashes is the same in all forks of a server.  True processes, as a user starts them, are in
tests/workflow/test_workflow.py, which runs the whole reduced pipeline, and wherever a test is about a process: its
start, its imports, what kills it.
"""

import atexit
import functools
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from warm.client import ask, fixed

HERE = Path(__file__).parent
ASKED_FOR = "PYTHONWARNINGS"
"""For each value of this variable there is a server; where any other is not as it is here, a process is a true one."""


class Server:
    """A Python of a kind: "main" for Snakemake itself, "job" for what needs the library and JAX."""

    def __init__(self, kind, environment):
        self.folder = tempfile.TemporaryDirectory(prefix="optide-warm-")
        self.address = os.path.join(self.folder.name, "socket")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.address)
            listening.listen(64)
            self.process = subprocess.Popen(
                [sys.executable, HERE / "server.py", kind, str(listening.fileno())],
                stdin=subprocess.PIPE,
                env=environment,
                pass_fds=[listening.fileno()],
                start_new_session=True,  # an interrupt is for who asks
            )
        self.python = os.path.join(self.folder.name, "python")
        """What takes the place of Python."""
        client = shlex.join([sys.executable, "-ISE", str(HERE / "client.py"), self.address, sys.executable])
        Path(self.python).write_text(f'#!/bin/sh\nexec {client} "$@"\n')
        os.chmod(self.python, 0o700)
        atexit.register(self.end)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


_servers = {}


@functools.cache
def possible():
    """Whether this system can have servers: Linux can."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def server_for(kind, environment):
    """The one of a kind for an environment, started when it is first needed; None where there can be none."""
    # here as it is now: a library may set what it needs once a test imports it
    given, here = (fixed(variables, kind) for variables in (environment, os.environ))
    key = kind, frozenset(given.items())
    for variables in (given, here):
        variables.pop(ASKED_FOR, None)
    if given != here or not possible():
        return None
    if key not in _servers:
        _servers[key] = Server(kind, environment)
    return _servers[key]


def run(arguments, *, kind, scripts=False, python=None, cwd=None, env=None):
    """What `subprocess.run([sys.executable, *arguments], capture_output=True, text=True)` does.

    Args:
        arguments: of Python.
        kind: of the server.
        scripts: whether the scripts that Snakemake starts are run by a server too.
        python: whose process it is to be, if it must be a true one.
        cwd: the folder, if not this one.
        env: the environment, if not this one.
    """
    environment, arguments = dict(os.environ if env is None else env), [*map(str, arguments)]
    found = None if python else server_for(kind, environment)
    if not found:
        command = [python or sys.executable, *arguments]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    # a library or JAX of its own a job has to import
    jobs = (server_for("job", environment) or found) if scripts else None
    with open(os.devnull) as nothing, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = ask(
            found.address,
            [file.fileno() for file in (nothing, out, err)],
            arguments=arguments,
            cwd=str(cwd or Path.cwd()),
            environment=environment,
            launcher=jobs and jobs.python,
        )
        assert code is not None, "the environment of the server is not the one it was started with"
        printed = [file.seek(0) or file.read() for file in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *printed)

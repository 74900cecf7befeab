"""Scripts as forks of one Python that has imported what they all import, so that they need not.

Of 96 jobs of the workflow each imports for 0.5 to 0.8 s, a third of what they all take.  A fork is a process of its
own as any other: what one does no other sees.
"""

import functools
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import wait
from types import ModuleType

import numpy as np

from optide.base.errors import INTERRUPTED

_PATH = [path for path in sys.path if path]
_INTERRUPT = [signal.SIGINT]
_ONE_AT_A_TIME = threading.Lock()
"""Whoever starts a process asks for the codes of all others, which two threads must not do at once."""


@functools.cache
def _ended_with_this() -> None:
    """Have this process, in the end, wait for the server: what that took is then part of what this one took."""
    stop = forkserver._forkserver._stop  # type: ignore[attr-defined]  # which has no public name
    # after what waits for the scripts (0), before what removes the folder of the socket (-100)
    util.Finalize(None, stop, exitpriority=-1)


def run(
    script: str,
    modules: Sequence[str],
    environment: Mapping[str, str],
    watched: Callable[[int], AbstractContextManager[object]],
) -> int | None:
    """Run a Python script as a fork; what it is a fork of is started with the first.

    Args:
        script: its path.
        modules: beside `optide.planning.ahead`, what has been imported for it.
        environment: what it has beside what this process has.
        watched: given the id of the process, what is open while it runs.

    Returns:
        Its exit code; negative for the signal that ended it.  None if there are no forks, and it does not run:
        elsewhere than on Linux, where some libraries cannot be forked once they are imported; or where what forks
        cannot be reached, as where the name of the folder for temporary files is too long for a socket.
    """
    if sys.platform != "linux":
        return None
    _ended_with_this()
    process = multiprocessing.get_context("forkserver").Process(target=_become, args=[script, environment])
    try:
        with _starting():
            forkserver.set_forkserver_preload(["optide.planning.ahead", *modules])
            process.start()
    except (OSError, EOFError):
        return None
    assert process.pid is not None
    with watched(process.pid):
        wait([process.sentinel])
    with _ONE_AT_A_TIME:
        process.join()
    return process.exitcode


@contextmanager
def _starting() -> Iterator[None]:
    """While a process is started, which is to know nothing of what this one has run, and holds up what signals this one
    does: Ctrl-C is for what scripts do, and not for what is imported before."""
    with _ONE_AT_A_TIME:
        resource_tracker.ensure_running()  # which would let signals through once it has started
        main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)  # which may raise what was held up


def _become(script: str, environment: Mapping[str, str]) -> None:
    """Do what a new Python does that runs a script."""
    os.environ.update(environment)
    tempfile.tempdir = None
    np.random.seed()  # noqa: NPY002  (what was imported has a seed, of which all forks would draw the same)
    sys.path[:] = [os.path.dirname(script), *_PATH]
    sys.argv[:] = [script]
    from optide.planning import ahead  # noqa: PLC0415  (here it has been imported; elsewhere it shall not be)

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)
        if ahead.STOPPED:
            raise KeyboardInterrupt
        runpy.run_path(script, run_name="__main__")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

"""Scripts as forks of one Python that has imported what they all import, so that they need not.

Of 96 jobs of the workflow each imports for 0.5 to 0.8 s, a third of what they all take.  A fork is a process of its
own as any other: what one does no other sees.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait

from optide.base.errors import INTERRUPTED

_PATH = [path for path in sys.path if path]
_INTERRUPT = [signal.SIGINT]
_ONE_AT_A_TIME = threading.Lock()
"""Whoever starts a process asks for the codes of all others, which two threads must not do at once."""


def ready(modules: Sequence[str]) -> bool:
    """Whether this process has the Python that scripts are forks of; it is started when that is asked first.

    There is none elsewhere than on Linux, where some libraries cannot be forked once they are imported; nor where it
    cannot be reached, as where the name of the folder for temporary files is too long for a socket.

    Args:
        modules: beside `optide.planning.ahead`, what it imports.
    """
    if sys.platform != "linux":
        return False
    with _starting():
        forkserver.set_forkserver_preload(["optide.planning.ahead", *modules])
        try:
            forkserver.ensure_running()
        except OSError:
            return False
    return True


def run(script: str, watched: Callable[[int], AbstractContextManager[object]]) -> int:
    """Run a Python script as a fork.

    Args:
        script: its path.
        watched: given the id of the process, what is open while it runs.

    Returns:
        Its exit code; negative for the signal that ended it.
    """
    process = multiprocessing.get_context("forkserver").Process(target=_become, args=[script])
    with _starting():
        process.start()
    assert process.pid is not None
    with watched(process.pid):
        wait([process.sentinel])
    with _ONE_AT_A_TIME:
        process.join()
    assert process.exitcode is not None
    return process.exitcode


@contextmanager
def _starting() -> Iterator[None]:
    """While a process is started, which holds up what signals this one does: Ctrl-C is for what scripts do, and not
    for what is imported before."""
    with _ONE_AT_A_TIME:
        resource_tracker.ensure_running()  # which would let them through once it has started
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)


def _become(script: str) -> None:
    """Do what a new Python does that runs a script."""
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

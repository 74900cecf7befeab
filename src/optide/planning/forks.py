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
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait

from optide.base.errors import INTERRUPTED

POSSIBLE = sys.platform == "linux"
"""Whether what has been imported can be forked: of other systems' libraries some cannot."""
_PATH = [path for path in sys.path if path]
_ONE_AT_A_TIME = threading.Lock()
_INTERRUPT = [signal.SIGINT]


def run(script: str, modules: Sequence[str], watched: Callable[[int], AbstractContextManager[object]]) -> int:
    """Run a Python script as a fork of the one server of this process, which is started when it is first needed.

    Args:
        script: its path.
        modules: beside `optide.planning.ahead`, what the server imports when it is started.
        watched: given the id of the process, what is open while it runs.

    Returns:
        Its exit code; negative for the signal that ended it.
    """
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_become, args=[script])
    # Starting one asks for the codes of all others, which two threads must not do at once.
    with _ONE_AT_A_TIME:
        context.set_forkserver_preload(["optide.planning.ahead", *modules])
        resource_tracker.ensure_running()  # which lets through again what is held up here, once it has started
        # what signals the server holds up it has from here: Ctrl-C is for the scripts, and not for what it imports
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)
    assert process.pid is not None
    with watched(process.pid):
        wait([process.sentinel])
    with _ONE_AT_A_TIME:
        process.join()
    assert process.exitcode is not None
    return process.exitcode


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

"""How long a solve has been going on, for whoever waits for it at a terminal, and that Ctrl-C ends it.

A fraction would be a guess: how many iterations a window of time takes is known when it is solved, and all of that runs
in compiled programs, which would be slower if they reported.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

FIRST, EVERY = 2.0, 1.0
"""Seconds until the first line, and from one to the next."""
_CLEAR = "\r\x1b[2K"


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say on stderr, if that is a terminal, how long what is done inside has taken; nothing is left of it there.

    Ctrl-C ends the process at once: Python would not hear of it before a compiled program is done.
    """
    with _deadly():
        if sys.stderr and sys.stderr.isatty():
            with _telling(what):
                yield
        else:
            yield


@contextmanager
def _deadly() -> Iterator[None]:
    """Leave an interrupt to the system, unless it is ignored, or somebody else's, as in a thread."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _in_main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _telling(what: str) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_tell, args=(what, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _tell(what: str, done: threading.Event) -> None:
    start = time.monotonic()
    if done.wait(FIRST):
        return
    while True:
        print(f"{_CLEAR}{what}: {time.monotonic() - start:.0f} s", end="", file=sys.stderr, flush=True)
        if done.wait(EVERY):
            break
    print(_CLEAR, end="", file=sys.stderr, flush=True)

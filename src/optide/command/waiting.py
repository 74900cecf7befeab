"""How far a solve has come, and how long it has been going on, for whoever waits for it at a terminal; and that Ctrl-C
ends it.

Until the program is compiled, and where all is one iteration after another, as in `picard`, nobody knows how far it is.
"""

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from optide.base import progress

FIRST, EVERY = 2.0, 1.0
"""Seconds until the first line, and from one to the next."""
WIDTH = 30
"""Characters of a whole bar."""
_CLEAR = "\r\x1b[2K"


@contextmanager
def told(what: str) -> Iterator[None]:
    """Show on stderr, if that is a terminal, a bar of how much of what is done inside is done, and for how long it has
    been going on; nothing is left of it there.

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
    done, shares = threading.Event(), deque([0.0], maxlen=1)
    thread = threading.Thread(target=_tell, args=(what, shares, done), daemon=True)
    thread.start()
    try:
        with progress.heard(shares.append):
            yield
    finally:
        done.set()
        thread.join()


def _tell(what: str, shares: deque[float], done: threading.Event) -> None:
    start = time.monotonic()
    if done.wait(FIRST):
        return
    while True:
        bar = f"[{'#' * int(WIDTH * shares[-1]):{WIDTH}}] {shares[-1]:4.0%}" if shares[-1] else "..."
        print(f"{_CLEAR}{what} {bar} {time.monotonic() - start:.0f} s", end="", file=sys.stderr, flush=True)
        if done.wait(EVERY):
            break
    print(_CLEAR, end="", file=sys.stderr, flush=True)

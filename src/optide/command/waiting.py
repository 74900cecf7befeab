"""How long a solve has been going on, for whoever waits for it at a terminal.

A fraction would be a guess: how many iterations a window of time takes is known when it is solved, and all of that runs
in compiled programs, which would be slower if they reported.
"""

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
    """Say on stderr, if that is a terminal, how long what is done inside has taken; nothing is left of it there."""
    if not sys.stderr.isatty():
        yield
        return
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

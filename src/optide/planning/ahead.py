"""What scripts import, all of it: the Python that they are forks of (`optide.planning.forks`) imports this.

Unlike any other module this one does something when it is imported: it pins the arithmetic, as all scripts do.
"""

import gc
import importlib
import pkgutil
import signal
from contextlib import suppress

import optide

with suppress(Exception):  # the scripts, which import the same, tell what is wrong
    optide.pin()
    for module in pkgutil.walk_packages(optide.__path__, "optide."):
        importlib.import_module(module.name)
STOPPED = signal.SIGINT in signal.sigpending() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
"""Whether Ctrl-C, which the server holds up (`optide.planning.forks`), came by now: no script shall begin any more."""
# a collection of garbage in a fork would write to, and so copy, all that there is
gc.freeze()

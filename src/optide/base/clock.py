"""What a job takes, told by itself: processor time while it starts, compiles and runs, and the most memory.

Snakemake looks at a job's processor time from outside, every half second at first and then every 30 s, so that the last
part of a job is missing there.  The process knows, and JAX tells it when it compiles.
"""

import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from optide.base.errors import FileError
from optide.base.files import aside

_COMPILING = "/jax/core/compile/"
"""What JAX's events of tracing, lowering and compiling begin with."""


class Took(NamedTuple):
    """The record of a job; times are the processor's, in seconds, and their sum is what the process took.

    Attributes:
        rule: of the workflow.
        output: the files that the job made.
        starting: Python, imports, plug-ins: all before the job's own work, and JAX where that imports it; of a fork
            (`optide.planning.forks`) what it has imported itself.
        compiling: what JAX traces, lowers and compiles within the work.
        running: the rest of it.
        memory: the most that was resident, in 2^20 bytes.
    """

    rule: str
    output: list[str]
    starting: float
    compiling: float
    running: float
    memory: float


@contextmanager
def recorded(path: Path, rule: str, output: Sequence[str]) -> Iterator[None]:
    """Write what this process, which is for this job, has taken when the work inside ends, if that succeeds.

    No JAX is imported for it.

    Args:
        path: of the record, in JSON.
        rule: of the job.
        output: its files.

    Raises:
        FileError: the record cannot be written.
    """
    watch, before = _Watch(), time.process_time()
    if "jax" in sys.modules:
        watch.listen()
    else:
        sys.meta_path.insert(0, _Late(watch))
    yield
    starting, total = before + watch.importing, time.process_time()
    took = Took(rule, [*output], starting, watch.compiling, total - starting - watch.compiling, _memory())
    path.parent.mkdir(parents=True, exist_ok=True)
    with aside(path) as temporary:
        temporary.write_text(json.dumps(took._asdict()), encoding="utf-8")


def read(path: Path) -> Took:
    """A record.

    Raises:
        FileError: it is damaged.
    """
    try:
        return Took(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise FileError(f"{path}: not the record of a job; delete it, and the job is left out of the sum") from None


def _memory() -> float:
    """The most memory of this process, in 2^20 bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # the usage of resources below has that of the parent in it, where there is this
        return int(re.findall(r"^VmHWM:\s*(\d+) kB$", status.read_text(), flags=re.MULTILINE)[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class _Watch:
    """Processor time that JAX takes from now on, in seconds, to be imported and to compile."""

    def __init__(self) -> None:
        self.importing = self.compiling = 0.0
        self.begun: list[float] = []

    def begin(self, event: str, value: float, **_: object) -> None:
        if event.startswith(_COMPILING):
            self.begun.append(time.process_time())

    def end(self, event: str, duration_secs: float, **_: object) -> None:
        """What begins within another is part of that."""
        if event.startswith(_COMPILING):
            began = self.begun.pop()
            self.compiling += 0 if self.begun else time.process_time() - began

    def listen(self) -> None:
        from jax import monitoring  # noqa: PLC0415  (that has been imported)

        monitoring.register_scalar_listener(self.begin)
        monitoring.register_event_duration_secs_listener(self.end)


class _Late(MetaPathFinder):
    """Has JAX imported as it always is, and listened to from then on."""

    def __init__(self, watch: _Watch):
        self.watch = watch

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != "jax":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            setattr(spec.loader, "exec_module", self._timed(spec.loader.exec_module))  # noqa: B010  (not one of its class)
        return spec

    def _timed(self, run: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def timed(module: ModuleType) -> None:
            before = time.process_time()
            run(module)
            self.watch.importing += time.process_time() - before
            self.watch.listen()

        return timed

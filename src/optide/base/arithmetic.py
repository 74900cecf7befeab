"""The arithmetic of the workflow, the same on every machine; and float64 in a process whose arithmetic is its user's.

Importing optide changes nothing.  `pin` fixes the arithmetic for the process that calls it and all that it starts:
the jobs of the workflow, its tests and the benchmarks do so first of all.  `arithmetic` tells whether it is fixed, and
nothing that is compared bit by bit is written where it is not (`optide.data.seal`).

XLA compiles for the processor it finds, and where that has fused multiply-add its last bits are
others.  AVX without it is what every x86-64 machine that can load jaxlib has; it costs the marching
solver 0 to 15 % and the published scheme 20 to 35 % (docs/reproducibility.md).  One thread per process keeps
a job on the core that Snakemake gave it, and the order of every sum.

XLA compiles a loop into one function if a turn of it reads and writes few bytes; else it calls a function
for each operation, which costs ten times what a time step does.  By default 1 KiB are few.

Without YNN, a library that picks its sums and products by the processor; and without the newer of XLA's two
emitters of loops, whose code takes 1.6 times as long to compile and runs as fast.  Without an order of operations
made for several threads, as there is one.
"""

import functools
import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from optide.base.errors import ParameterError, PinError, TracedError
from optide.base.flags import known

FLAGS = {
    "xla_cpu_multi_thread_eigen": "false",
    "xla_cpu_enable_concurrency_optimized_scheduler": "false",
    "xla_cpu_experimental_ynn_fusion_type": "",
    "xla_cpu_use_fusion_emitters": "false",
    "xla_backend_extra_options": "xla_cpu_small_while_loop_byte_threshold=8192",
}
_X86 = platform.machine() in ("x86_64", "AMD64")
if _X86:
    FLAGS["xla_cpu_max_isa"] = "AVX"

_SINGLE = {
    "XLA_FLAGS": " ".join(f"--{name}={value}" for name, value in known(FLAGS).items()),
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "OMP_NUM_THREADS": "1",
}
THREADS = "PJRT_NPROC"
"""The variable that says how many calls JAX runs side by side on the processor; each of them has one thread."""

ENVIRONMENT = {**_SINGLE, THREADS: "1"}

GPU = {**_SINGLE, "JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""The same for a GPU, with the processor for what is hard: there the bits are those of its kind.  A job takes of its
memory what it needs, so that others have the rest."""

_CONFIGURATION = {
    "jax_disable_jit": False,
    "jax_default_matmul_precision": None,
}
"""Settings of JAX that change bits and that a program can make after its start.  Not float64: optide sees to that."""

WORTH_KEEPING = 0.1
"""Seconds that a program takes to compile, from which on it is kept; it takes a hundredth of a second to read."""

PINNED, ON_GPU = "pinned", "pinned, on a GPU"

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


def pin(processor: str = "cpu", threads: int = 1) -> None:
    """Fix instruction set, threads, platform and float64, through the environment; call it before JAX is imported.

    Whatever else the user has set for JAX or XLA is dropped: a flag can change the last bit.

    Args:
        processor: "cpu", or "gpu", whose last bits are others (`snakemake atlas`).
        threads: of the processor beside a GPU, for what is hard there; each lane is solved by one.

    Raises:
        ParameterError: there is no such processor, or number of threads.
        PinError: JAX was imported before, with other settings.
    """
    if processor not in ("cpu", "gpu"):
        raise ParameterError("processor", processor, "cpu or gpu")
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ParameterError("threads", threads, "an integer >= 1")
    environment = GPU if processor == "gpu" else ENVIRONMENT
    if "jax" in sys.modules and (others := _others(environment)):
        raise PinError(f"{', '.join(others)}: too late to pin, as JAX was imported before; call optide.pin() first")
    for name in _foreign(environment):
        del os.environ[name]
    os.environ.update({THREADS: str(threads), **environment})


def keep_programs(folder: Path) -> None:
    """Let JAX, where this process has imported it, take from a folder what was compiled before, and add what is new.

    A program is found by all that it was made of, flags and versions among it, so that it is the one that would be
    compiled.  Of one that cannot be read JAX warns, and compiles it.  Nothing is kept where `pin` does not fix the
    instructions: another machine of the cluster may have others.
    """
    jax = sys.modules.get("jax")
    if jax and _X86:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING)
        # of XLA's own, whose places would be among the flags
        jax.config.update("jax_persistent_cache_enable_xla_caches", "none")


def arithmetic() -> str:
    """Whose arithmetic this is: "pinned" for the workflow's, else which settings are others."""
    others = _others(_own())
    return f"not pinned: {', '.join(others)}" if others else ON_GPU if _own() is GPU else PINNED


def demand_pinned(what: str) -> None:
    """Make sure that the arithmetic is that of the workflow.

    Args:
        what: would else not have the workflow's bits, for the message.

    Raises:
        PinError: it is not; says which settings are others.
    """
    if others := _others(_own()):
        raise PinError(
            f"{what}: the arithmetic is not pinned ({', '.join(others)}); call optide.pin() before JAX is imported"
        )


def _foreign(environment: Mapping[str, str]) -> list[str]:
    return [name for name in os.environ if name.startswith(("JAX_", "XLA_")) and name not in environment]


def _own() -> dict[str, str]:
    """The environment of this process, if it is pinned."""
    return GPU if os.environ.get("JAX_PLATFORMS") == GPU["JAX_PLATFORMS"] else ENVIRONMENT


def _others(environment: Mapping[str, str]) -> list[str]:
    """The settings that are not those of `pin`: variables of the environment, and of JAX if it is there."""
    found = [name for name, value in environment.items() if os.environ.get(name) != value] + _foreign(environment)
    jax = sys.modules.get("jax")
    wanted = {"jax_platforms": environment["JAX_PLATFORMS"], **_CONFIGURATION}
    changed = [name for name, value in wanted.items() if jax and getattr(jax.config, name) != value]
    return found or changed


def traced(tree: Any) -> bool:
    """Whether JAX traces any leaf of a tree: `jit`, `vmap`, `grad` or the like is at work."""
    import jax  # noqa: PLC0415  (whoever only plans, or draws, needs no JAX)

    try:
        leaves = jax.tree.leaves(tree)
    except ValueError:  # names in a dictionary that have no order: whoever reads it tells of them
        return False
    return any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)


def in_float64(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Let a function compute in float64 whatever its caller has: nothing else of the caller's JAX changes.

    Nor does NumPy warn of an overflow or the like: what is not finite is told in the end, in one line.

    A call that JAX traces must be in float64 from outside, as what it is part of cannot be changed from here.
    Else it raises a TracedError.
    """

    @functools.wraps(function)
    def run(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Returned:
        import jax  # noqa: PLC0415  (likewise)
        import numpy as np  # noqa: PLC0415

        def refuse_traced(values: Any) -> None:
            if traced(values):
                raise TracedError(
                    f"{function.__name__}: jax.jit, jax.vmap, jax.grad and the like need float64, which this process "
                    'has off: jax.config.update("jax_enable_x64", True)'
                )

        if jax.numpy.result_type(float) == "float64":  # in the context that is entered, too
            with np.errstate(all="ignore"):
                return function(*arguments, **keywords)
        refuse_traced((arguments, keywords))
        with jax.enable_x64(True), np.errstate(all="ignore"):
            found = function(*arguments, **keywords)
        # under `jit` all is traced, from numbers that are known as well
        refuse_traced(found)
        return found

    return run

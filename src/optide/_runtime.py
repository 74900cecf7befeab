"""The arithmetic that every result depends on, fixed before JAX is imported.

This is the one place, whichever way a job starts: importing any part of optide comes here first.
XLA compiles for the processor it finds, and where that has fused multiply-add its last bits are
others.  AVX without it is what every x86-64 machine that can load jaxlib has; it costs the marching
solver 0 to 15 % and the published scheme 10 to 30 % (docs/reproducibility.md).  One thread per process keeps
a job on the core that Snakemake gave it, and the order of every sum.

XLA compiles a loop into one function if a turn of it reads and writes few bytes; else it calls a function
for each operation, which costs ten times what a time step does.  By default 1 KiB are few.

Without YNN, a library that picks its sums and products by the processor; and without the newer of XLA's two
emitters of loops, whose code takes 1.6 times as long to compile and runs as fast.  Without an order of operations
made for several threads, as there is one.
"""

import os
import platform
import sys

_FLAGS = [
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_enable_concurrency_optimized_scheduler=false",
    "--xla_cpu_experimental_ynn_fusion_type=",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=8192",
]
if platform.machine() in ("x86_64", "AMD64"):
    _FLAGS.append("--xla_cpu_max_isa=AVX")

ENVIRONMENT = {
    "XLA_FLAGS": " ".join(_FLAGS),
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "OMP_NUM_THREADS": "1",
    "PJRT_NPROC": "1",
}


def pin() -> None:
    """Fix instruction set, threads, platform and float64, through the environment.

    Whatever else the user has set for JAX or XLA is dropped: a flag can change the last bit.

    Raises:
        RuntimeError: JAX was imported before, with other settings.
    """
    foreign = [name for name in os.environ if name.startswith(("JAX_", "XLA_")) and name not in ENVIRONMENT]
    settled = not foreign and all(os.environ.get(name) == value for name, value in ENVIRONMENT.items())
    if "jax" in sys.modules and not settled:
        raise RuntimeError("import optide before jax: optide fixes the instruction set and float64")
    for name in foreign:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)

"""The arithmetic every result depends on, fixed before JAX is imported.

XLA compiles for the processor it finds, and a different instruction set gives different last
bits.  AVX2 with fused multiply-add is the widest set that every x86-64 machine of the last ten
years has.  One thread per process keeps the work of a job on the core that Snakemake gave it.
"""

import os
import platform
import sys

_FLAGS = ["--xla_cpu_multi_thread_eigen=false"]
if platform.machine() in ("x86_64", "AMD64"):
    _FLAGS.append("--xla_cpu_max_isa=AVX2")

ENVIRONMENT = {
    "XLA_FLAGS": " ".join(_FLAGS),
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "OMP_NUM_THREADS": "1",
}


def pin() -> None:
    """Fix instruction set, threads, platform and float64, through the environment.

    Raises:
        RuntimeError: JAX was imported before, with other settings.
    """
    settled = all(os.environ.get(name) == value for name, value in ENVIRONMENT.items())
    if "jax" in sys.modules and not settled:
        raise RuntimeError("import optide before jax: optide fixes the instruction set and float64")
    os.environ.update(ENVIRONMENT)

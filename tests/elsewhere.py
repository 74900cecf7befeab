"""Another machine: the same sources, compiled for other instructions."""

import os
import re
import shutil

from conftest import ROOT

WITH_FUSED = "AVX2"
"""Instructions with fused multiply-add, which changes last bits; AVX-512 changes them likewise."""

POORER = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL",
    "OPENBLAS_CORETYPE": "Prescott",
}
"""Without the better instructions, for the libraries that look for them."""

# what a process does to itself before it becomes another one
BECOME = "import ctypes, os, resource, sys; {}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
# a write beyond 500 bytes fails, as it does on a full disk
LIMITED = BECOME.format("resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))")
# permissions hold for root too: CAP_DAC_OVERRIDE leaves the bounding set (PR_CAPBSET_DROP)
POWERLESS = BECOME.format("ctypes.CDLL(None).prctl(24, 1)")


def built_with(instructions, folder):
    """The variables with which a process runs a copy of the library that is pinned to other instructions."""
    shutil.copytree(ROOT / "src", folder / "src")
    runtime = folder / "src" / "optide" / "base" / "arithmetic.py"
    text, changed = re.subn(r'(?<="xla_cpu_max_isa"\] = ")\w+', instructions, runtime.read_text())
    assert changed == 1
    runtime.write_text(text)
    return {**os.environ, "PYTHONPATH": str(folder / "src")}

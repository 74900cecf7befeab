"""Another machine: the same sources, compiled for other instructions."""

import os
import re
import shutil

from conftest import ROOT

WITH_FUSED = "AVX2"
"""Instructions with fused multiply-add, which changes last bits; AVX-512 changes them likewise."""


def built_with(instructions, folder):
    """The variables with which a process runs a copy of the library that is pinned to other instructions."""
    shutil.copytree(ROOT / "src", folder / "src")
    runtime = folder / "src" / "optide" / "_runtime.py"
    text, changed = re.subn(r"(?<=--xla_cpu_max_isa=)\w+", instructions, runtime.read_text())
    assert changed == 1
    runtime.write_text(text)
    return {**os.environ, "PYTHONPATH": str(folder / "src")}

"""What one process has compiled another takes from a folder: the same bits, and nothing is compiled."""

import json
import os
import platform
import subprocess
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="instructions are not fixed here")

CODE = """
import json, sys
from pathlib import Path
import optide
optide.pin()
import jax
import numpy as np
from optide.base.arithmetic import PINNED, arithmetic, keep_programs
from optide.problem.registry import OPTIMIZERS

found = []
jax.monitoring.register_event_listener(lambda name, **_: found.append(name.rpartition("/")[2]))
keep_programs(Path(sys.argv[1]))
adam = OPTIMIZERS["adam"](learning_rate=0.1, beta1=0.9, beta2=0.999)
solution = optide.solve_ide(adam, lambda theta: (theta**2 - 1) ** 2, 0.1, 60)
counts = [found.count(name) for name in ("cache_hits", "cache_misses")]
print(json.dumps([np.asarray(solution.theta).tobytes().hex(), *counts, arithmetic() == PINNED]))
"""


def solved(folder):
    """The bits of a solution, by a process of its own, what it found compiled and what not; whether it was pinned; and
    what it said."""
    command = [sys.executable, "-c", CODE, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return *json.loads(done.stdout), done.stderr


def test_what_was_compiled_is_found_wherever_it_is_and_gives_the_same_bits(tmp_path):
    folder = tmp_path / "programs"
    bits, hits, misses, pinned, _ = solved(folder)
    assert hits == 0
    assert misses > 0
    assert pinned
    moved = folder.rename(tmp_path / "moved")
    before = {path.name for path in moved.iterdir()}
    assert solved(moved) == (bits, misses, 0, True, "")
    assert {path.name for path in moved.iterdir()} == before


def test_what_cannot_be_read_is_compiled(tmp_path):
    bits, *_ = solved(tmp_path)
    for path in tmp_path.iterdir():
        # cut off, as by a job that was killed
        os.truncate(path, path.stat().st_size // 2)
    again, hits, _, pinned, said = solved(tmp_path)
    assert (again, hits, pinned) == (bits, 0, True)
    assert "Error reading persistent compilation cache entry" in said

"""What a job tells of itself, against the system's account of its process."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT, taken_by_children
from optide.base import clock

BURN = 0.2
"""Seconds of the processor that a script spends in one place."""

SCRIPT = """
import sys, time
from pathlib import Path
from optide.base import clock

def burn():
    begin = time.process_time()
    while time.process_time() - begin < {burn}:
        pass

burn()
{first}
with clock.recorded(Path(sys.argv[1]), "rule", ["a", "b"]):
    {work}
"""
COMPILES = """
    import jax
    inner = jax.jit(lambda x: (burn(), x + 1)[1])
    jax.jit(lambda x: (burn(), inner(x))[1])(1.0)
    burn()
"""


def record(path, work, first=""):
    """Run a script that works: its record, and the processor time of its process as the system has it."""
    before = taken_by_children()
    script = SCRIPT.format(burn=BURN, work=work, first=first)
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", script, path], check=True, env=variables)
    return clock.read(path), taken_by_children() - before


def test_the_parts_add_up_to_no_more_than_the_process_took_and_no_jax_is_imported(tmp_path):
    took, used = record(tmp_path / "a folder" / "record.json", "burn(); assert 'jax' not in sys.modules")
    assert (took.rule, took.output, took.compiling) == ("rule", ["a", "b"], 0)
    assert took.starting > BURN
    assert BURN < took.running < used - took.starting
    assert 1 < took.memory < 1000  # an interpreter, in MiB


@pytest.mark.parametrize("before", ["import jax", ""])
def test_compiling_is_apart_and_counted_once_whenever_jax_is_imported(tmp_path, before):
    took, used = record(tmp_path / "record.json", COMPILES, before)
    # the two functions are traced one within the other; were the inner counted twice, less than nothing would be left
    assert took.compiling > 2 * BURN
    assert BURN < took.running < used - took.starting - took.compiling


def test_importing_jax_within_the_work_is_starting(tmp_path):
    stand_in = tmp_path / "jax"
    stand_in.mkdir()
    (stand_in / "__init__.py").write_text(f"import time\nwhile time.process_time() < {10 * BURN}: pass\n")
    (stand_in / "monitoring.py").write_text("register_scalar_listener = register_event_duration_secs_listener = print")
    took, _ = record(tmp_path / "record.json", f"sys.path.insert(0, {str(tmp_path)!r}); import jax; jax.monitoring")
    assert took.starting + took.running > 10 * BURN
    assert took.running < BURN


def test_work_that_fails_leaves_no_record(tmp_path):
    with pytest.raises(ZeroDivisionError), clock.recorded(tmp_path / "record.json", "rule", []):
        raise ZeroDivisionError
    assert [*tmp_path.iterdir()] == []

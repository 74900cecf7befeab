"""What every job of the workflow does around its work."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from optide.base import arithmetic, clock
from optide.base.errors import one_line
from optide.problem import plugins

PROGRAMS = "OPTIDE_PROGRAMS"
"""The variable of the environment that names a folder of programs for several runs, in place of that in results."""


@contextmanager
def job(snakemake: Any) -> Iterator[Path]:
    """Load the plug-ins of the configuration; a job that fails ends with one line, in the log and on stderr.

    It fails, too, where a result that it takes was computed for another configuration.  What one compiles is kept for
    all.  One that succeeds leaves a record of what it took (`optide.base.clock`), beside Snakemake's benchmark of it.

    Args:
        snakemake: what Snakemake gives to a script.

    Yields:
        The folder of all results, from which provenance, manifest and RO-Crate name them: that of a module's prefix,
        or where the copies of an object store are.
    """
    place, _, name = snakemake.log[0].rpartition("results/logs/")
    root = Path(place)
    arithmetic.keep_programs(Path(os.environ.get(PROGRAMS, root / "results" / "programs")))
    record = (root / "results" / "benchmarks" / name).with_suffix(".json")
    with one_line(snakemake.log[0]), plugins.blamed():
        plugins.load(snakemake.config.get("plugins", ()))
        if results := [path for path in snakemake.input if path.endswith(".parquet")]:
            # not by `import`: no result depends on how this is done, so that an edit of it runs no job again
            import_module("optide.data.current").demand(results, snakemake.config)
        with clock.recorded(record, snakemake.rule, snakemake.output):
            yield root
        # a process that ends need not look for garbage
        gc.freeze()

"""What every job of the workflow does around its work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from optide.base.errors import one_line
from optide.problem import plugins


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Load the plug-ins of the configuration; a job that fails ends with one line, in the log and on stderr.

    Args:
        snakemake: what Snakemake gives to a script.
    """
    with one_line(snakemake.log[0]), plugins.blamed():
        plugins.load(snakemake.config.get("plugins", ()))
        yield

"""How far a long run is, told by what Snakemake logs: portions done, their size a second, and the time left."""

import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path

Job = tuple[str, ...]
"""The values of the wildcards of a job."""


class Progress(logging.Handler):
    """Hears when jobs of a rule start and end, and after each of them writes a line into a file.

    Args:
        path: of the file, to which a run adds its lines.
        rule: whose jobs are counted.
        sizes: the configurations of each job of it.
        shown: whether the lines are on the terminal, too.
    """

    def __init__(self, path: Path, rule: str, sizes: Mapping[Job, int], *, shown: bool) -> None:
        super().__init__(logging.INFO)
        self._path, self._rule, self._sizes, self._shown = path, rule, sizes, shown
        self._running: dict[int, int] = {}
        self._planned = self._finished = self._solved = 0
        self._since = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a record; most are of no concern."""
        told = vars(record)
        kind = getattr(told.get("event"), "name", "")
        if kind == "RUN_INFO":
            self._planned = told["stats"].get(self._rule, 0)
        elif kind == "JOB_INFO" and told["rule_name"] == self._rule and self._planned:
            self._since = self._since or time.monotonic()
            # a job that failed starts again under its number
            self._running[told["jobid"]] = self._sizes[tuple(told["wildcards"].values())]
        elif kind == "JOB_FINISHED" and told["job_id"] in self._running:
            self._finished += 1
            self._solved += self._running.pop(told["job_id"])
            self._tell()

    def _tell(self) -> None:
        seconds = time.monotonic() - self._since
        speed = self._solved / max(seconds, 1e-3)
        # the jobs that are left are as large as those of all on the average
        left = (self._planned - self._finished) * sum(self._sizes.values()) / len(self._sizes) / speed
        line = (
            f"atlas: {self._finished:,} of {self._planned:,} shards, {self._solved:,} configurations, "
            f"{speed:,.0f} a second, {_in_words(left)} left\n"
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as log:
            log.write(line)
        if self._shown:
            sys.stderr.write(line)


def _in_words(seconds: float) -> str:
    """A time of some length, roughly."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"

"""What is told of a long run, from records like those of Snakemake."""

import logging
from enum import Enum

import pytest

from optide.planning import progress

Event = Enum("Event", ["RUN_INFO", "JOB_INFO", "JOB_FINISHED"])
SIZES = {("a", "0"): 100, ("a", "100"): 100, ("b", "0"): 40}


def record(event, **told):
    made = logging.LogRecord("snakemake", logging.INFO, "", 0, None, (), None)
    vars(made).update(event=event, **told)
    return made


@pytest.fixture
def heard(tmp_path, monkeypatch, capsys):
    """What a run of all three shards tells, in the file and on the terminal; each takes two seconds."""

    def run(*, shown):
        now = iter(range(0, 100, 2))
        monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(now)))
        handler = progress.Progress(tmp_path / "logs" / "atlas.log", "shard", SIZES, shown=shown)
        handler.emit(record(None))
        handler.emit(record(Event.RUN_INFO, stats={"shard": 3, "other": 2, "total": 5}))
        handler.emit(record(Event.JOB_INFO, rule_name="other", jobid=9, wildcards={}))
        for number, wildcards in enumerate(SIZES):
            told = {"rule_name": "shard", "jobid": number, "wildcards": dict(zip("xy", wildcards, strict=True))}
            handler.emit(record(Event.JOB_INFO, **told))
            handler.emit(record(Event.JOB_INFO, **told))  # it failed, and starts again
            handler.emit(record(Event.JOB_FINISHED, job_id=number))
        handler.emit(record(Event.JOB_FINISHED, job_id=9))
        return (tmp_path / "logs" / "atlas.log").read_text(), capsys.readouterr().err

    return run


def test_after_each_job_it_tells_how_far_the_run_is(heard):
    written, printed = heard(shown=True)
    assert printed == written
    assert written.splitlines() == [
        # 80 configurations a job on the average, two jobs left, 50 a second
        "atlas: 1 of 3 shards, 100 configurations, 50 a second, 3 s left",
        "atlas: 2 of 3 shards, 200 configurations, 50 a second, 2 s left",
        "atlas: 3 of 3 shards, 240 configurations, 40 a second, 0 s left",
    ]


def test_where_it_is_to_be_quiet_it_only_writes(heard):
    written, printed = heard(shown=False)
    assert printed == ""
    assert written.count("\n") == 3


@pytest.mark.parametrize(("seconds", "words"), [(59.4, "59 s"), (600, "10 min"), (10800, "3 h")])
def test_times_in_words(seconds, words):
    assert progress._in_words(seconds) == words

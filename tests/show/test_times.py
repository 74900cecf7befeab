"""Where time goes: which records are summed, and what is said of those that are not there."""

import json
import re

import pytest

from optide.base.clock import Took
from optide.base.errors import FileError
from optide.show import times

NUMBERS = (0.5, 1.25, 2.0, 100.0)


def ran(folder, name, output, numbers=NUMBERS, waited="4.00"):
    """Leave what a job leaves."""
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(Took(name.split("/")[0], output, *numbers)._asdict()))
    if waited:
        path.with_suffix(".tsv").write_text(f"s\th:m:s\tmax_rss\n{waited}\t0:00:04\t90\n")


@pytest.fixture
def folder(tmp_path):
    ran(tmp_path, "trace/a", ["a.parquet"])
    ran(tmp_path, "trace/b.1", ["b.parquet"], (0.25, 0.0, 0.5, 300.0), "0.75")
    ran(tmp_path, "figure", ["f.png", "f.pdf"], (1.0, 0.0, 8.0, 200.0), "10.00")
    ran(tmp_path, "trace/removed", ["of another configuration.parquet"])
    ran(tmp_path, "check", [], waited=None)
    return tmp_path


def test_the_jobs_are_those_of_the_results(folder):
    jobs, missing = times.read(folder, ["a.parquet", "b.parquet", "f.png", "f.pdf"])
    assert [*jobs["job"]] == ["figure", "trace/a", "trace/b.1"]
    assert missing == []
    rules = times.by_rule(jobs)
    assert [*rules["rule"]] == ["figure", "trace", "all"]
    expected = {
        "jobs": [1, 2, 3],
        "waited": [10.0, 4.75, 14.75],
        "processor": [9.0, 4.5, 13.5],
        "starting": [1.0, 0.75, 1.75],
        "compiling": [0.0, 1.25, 1.25],
        "running": [8.0, 2.5, 10.5],
        "memory": [200.0, 300.0, 300.0],
    }
    assert {name: [*rules[name]] for name in expected} == expected


def test_what_has_no_record_is_named(folder, tmp_path):
    jobs, missing = times.read(folder, ["a.parquet", "c.parquet"])
    assert [*jobs["job"]] == ["trace/a"]
    assert missing == ["c.parquet"]
    page = tmp_path / "page.html"
    times.write(jobs, missing, page)
    assert "There is no record of 1 results, such as c.parquet." in page.read_text()
    times.write(*times.read(tmp_path / "nothing", ["c.parquet"]), page)
    assert re.findall("<td>(.*?)</td>", page.read_text())[:2] == ["all", "0"]


@pytest.mark.parametrize(
    ("name", "content"), [("figure.json", "{"), ("figure.json", "{}"), ("figure.json", "[]"), ("figure.tsv", "h\n1\n")]
)
def test_a_damaged_record_is_one_line(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(FileError, match=rf"{name}: not .*; delete it, and the job is left out of the sum"):
        times.read(folder, ["f.png"])

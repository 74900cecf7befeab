"""The project's Slurm profile on a real Slurm of two nodes: killed, lost and starved jobs, and no result missing."""

import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import slurm

from conftest import ROOT
from pipeline import PROGRAMS, edited, snakemake

pytestmark = pytest.mark.skipif(
    bool(slurm.missing()),
    reason=f"needs {', '.join(slurm.missing())}: as root, `python tests/cluster/slurm.py install`",
)

DRAWN = [
    *(("quadratic-adagrad", quantity, {}) for quantity in ("G", "theta", "loss")),
    *(
        ("double_well-adam", quantity, {"theta0": theta0})
        for quantity in ("m", "v", "theta", "loss")
        for theta0 in (0.1, 0.0)
    ),
    *(("regression-rmsprop", quantity, {"set": name}) for quantity in ("theta", "loss") for name in ("A", "B")),
]
"""What is drawn in as many figures as the paper has."""
FIGURES = {
    f"fig{number:02d}": {"quantity": quantity, "rows": [{"experiments": [experiment], **row}]}
    for number, (experiment, quantity, row) in enumerate(DRAWN, start=1)
}
MADE = {
    "trace": "results/traces/{scheme}/{experiment}/lr{learning_rate}.parquet",
    "figure": "figures/{continuous}/{figure}.png",
}
"""What a job of a rule makes, by its wildcards."""
HUNGRY, PATIENT = (f"results/traces/discrete/{name}-adagrad/lr0.05.parquet" for name in ("hungry", "patient"))
PUBLISHED = [f"results/traces/published/{run}/lr0.1.parquet" for run in ("quadratic-adagrad", "double_well-adam")]
PUBLISHED += ["results/traces/published/quadratic-adagrad/lr0.05.parquet"]
TARGETS = [*(f"figures/converged/{name}.png" for name in FIGURES), *PUBLISHED, HUNGRY]
"""What is asked for; with the traces of the figures twelve traces, three submissions of the profile."""
REDUCED_ATLAS = {"refine": 1, "shard": 5, "sample": 2, "processor": "cpu"}
ATLAS = [
    "results/atlas/data/region=quadratic-adam/rows-0000000000.parquet",
    "results/atlas/data/region=hungry-adagrad/rows-0000000000.parquet",
    "results/atlas/curves/quadratic-adam.parquet",
]
"""Of three shards, of which one is hungry."""
LOOKING_OFTEN = """
from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 3, lambda self, seconds: None)
main()
"""
"""Snakemake; its plugin waits ten seconds longer each time that it finds nothing finished."""
SILENT = "Status query returned 0 job IDs"
"""What Snakemake prints where Slurm gave no answer."""


def configured(folder):
    """A folder with a configuration of 15 figures, and of the objectives of guests.py."""

    def change(config):
        for name in ("hungry", "patient"):
            config["experiments"][f"{name}-adagrad"] = config["experiments"]["quadratic-adagrad"] | {"objective": name}
        config["plugins"] = ["guests.py"]
        config["figures"] = FIGURES
        adam = config["atlas"]["regions"]["quadratic-adam"]
        hungry = adam | {"objective": "hungry", "optimizer": "adagrad", "t_start": "origin", "hyperparameters": {}}
        config["atlas"] = {**REDUCED_ATLAS, "regions": {"quadratic-adam": adam, "hungry-adagrad": hungry}}
        del config["captions"]

    folder.mkdir()
    shutil.copy(Path(__file__).with_name("guests.py"), folder)
    edited(folder, change)
    return folder


def made(folder):
    """The bytes of all traces and figures, by name."""
    paths = [*(folder / "results/traces").rglob("*.parquet"), *(folder / "figures").rglob("*.p[nd][gf]")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@contextmanager
def submitting(cluster, folder, *arguments):
    """Snakemake with the project's profile, which prints into a file; only how often it looks is another."""
    command = [sys.executable, "-c", LOOKING_OFTEN, "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--profile", ROOT / "workflow" / "profiles" / "slurm", "--verbose", "--latency-wait", "5", *arguments]
    with (folder / "printed").open("w") as printed:
        environment = {**cluster.environment, "OPTIDE_PROGRAMS": PROGRAMS.name}
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, env=environment)

    def until(what, condition):
        """Wait for something that happens while it runs."""
        found = slurm.until(what, lambda: condition() or process.poll() is not None)
        assert process.poll() is None, (folder / "printed").read_text()
        return found

    try:
        yield process, until
    finally:
        process.kill()
        process.wait()


def members(cluster, job):
    """What a submission makes, by the script that Slurm has of it."""
    (targets,) = re.findall("--target-jobs (.*?) --", cluster("scontrol", "write", "batch_script", job, "-"))
    found = [re.fullmatch("(.*?):(.*)", target).groups() for target in shlex.split(targets)]
    return {MADE[rule].format(**dict(w.split("=") for w in wildcards.split(","))) for rule, wildcards in found}


class Run(NamedTuple):
    """A run that is over: its folder, exit code and output; the submissions that were cancelled and lost, and what all
    submissions make, by their ids."""

    folder: Path
    code: int
    printed: str
    cancelled: str
    lost: str
    members: dict[str, set[str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm.started(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = configured(tmp_path_factory.mktemp("local") / "run")
    code, output = snakemake(folder, *TARGETS)
    assert code == 0, output
    return folder


@pytest.fixture(scope="module")
def disturbed(cluster, tmp_path_factory):
    """Everything; one submission is cancelled, one is lost with its node, one takes too much memory."""
    folder, before = configured(tmp_path_factory.mktemp("submitted") / "run"), {job for job, _ in cluster.jobs()}

    def at_work(*but):
        """A submission that is none of those, in the middle of its work, without the hungry job: its id and node."""
        for job, node in cluster.jobs("RUNNING"):
            mine, there = members(cluster, job), {*made(folder)}
            if job not in but and HUNGRY not in mine and mine & there and len(mine - there) > 1:
                return job, node
        return None

    with submitting(cluster, folder, *TARGETS) as (process, until):
        cancelled, _ = until("a submission to cancel", at_work)
        cluster("scancel", cancelled)
        lost, node = until("a submission to lose", lambda: at_work(cancelled))
        cluster("scontrol", "update", f"NodeName={node}", "State=down", "Reason=test")
        until("its end", lambda: lost not in [job for job, _ in cluster.jobs("RUNNING")])
        cluster("scontrol", "update", f"NodeName={node}", "State=resume")
        code = process.wait(5 * slurm.PATIENCE)
    submitted = {job: members(cluster, job) for job, _ in cluster.jobs() if job not in before}
    return Run(folder, code, (folder / "printed").read_text(), cancelled, lost, submitted)


def failed(printed):
    """The submissions of which Snakemake says that they failed."""
    return re.findall(r"log: \S+/(\d+)\.log \(check log file", printed)


def ends(cluster, job):
    """The states that a submission ended in; more than one where Slurm itself started it again."""
    return [one["JobState"] for one in cluster.completed() if one["JobId"] == job]


def memory(cluster, job):
    """The megabytes that a submission asks for."""
    (found,) = re.findall(r"MinMemoryNode=(\d+)M", cluster("scontrol", "show", "job", job))
    return int(found)


def test_all_is_made_with_the_same_bits_as_locally(local, disturbed):
    assert disturbed.code == 0, disturbed.printed
    assert made(disturbed.folder) == made(local)
    assert {*TARGETS} <= made(local).keys()


def test_nothing_is_lost_or_done_twice(cluster, local, disturbed):
    """Each job is a member of one submission that was completed, and none of two."""
    completed = [one["JobId"] for one in cluster.completed() if one["JobState"] == "COMPLETED"]
    done = Counter(name for job in completed for name in disturbed.members.get(job, ()))
    assert {*done} == {name for name in made(local) if not name.endswith(".pdf")}
    assert {*done.values()} == {1}


def test_what_was_cancelled_is_submitted_anew(cluster, disturbed):
    assert ends(cluster, disturbed.cancelled) == ["CANCELLED"]
    again = [job for job, names in disturbed.members.items() if names == disturbed.members[disturbed.cancelled]]
    assert [ends(cluster, job)[-1] for job in sorted(again, key=int)] == ["CANCELLED", "COMPLETED"]
    assert disturbed.cancelled in failed(disturbed.printed)


def test_what_a_lost_node_had_is_started_again_by_slurm(cluster, disturbed):
    assert ends(cluster, disturbed.lost) == ["NODE_FAIL", "COMPLETED"]


def test_what_took_too_much_memory_gets_more(cluster, disturbed):
    starved, fed = sorted((job for job, names in disturbed.members.items() if HUNGRY in names), key=int)
    assert [*ends(cluster, starved), *ends(cluster, fed)] == ["FAILED", "COMPLETED"]
    assert "exceeded memory limit" in disturbed.printed
    assert memory(cluster, fed) == 2 * memory(cluster, starved)


def test_an_atlas_has_the_same_bits_as_locally_and_a_shard_that_takes_too_much_memory_gets_more(cluster, tmp_path):
    local, there = configured(tmp_path / "local"), configured(tmp_path / "submitted")
    before = {job for job, _ in cluster.jobs()}
    with submitting(cluster, there, *ATLAS) as (process, _):
        # meanwhile
        code, output = snakemake(local, *ATLAS)
        assert code == 0, output
        code = process.wait(3 * slurm.PATIENCE)
    printed = (there / "printed").read_text()
    assert code == 0, printed
    assert [(there / name).read_bytes() for name in ATLAS] == [(local / name).read_bytes() for name in ATLAS]
    # three shards, three files, and one shard once more
    new = sorted({job for job, _ in cluster.jobs()} - before, key=int)
    states = [ends(cluster, job) for job in new]
    assert sorted(states) == [["COMPLETED"]] * 6 + [["FAILED"]]
    (starved,) = (job for job, state in zip(new, states, strict=True) if state == ["FAILED"])
    asked = [memory(cluster, job) for job in new]
    assert sorted(asked)[-1] == 2 * memory(cluster, starved)
    assert "atlas: 3 of 3 shards, 15 configurations, " in printed


def test_a_silent_controller_ends_no_run_and_what_fails_to_the_last_is_named_and_the_rest_is_done(cluster, tmp_path):
    """Snakemake's plugin alone forgets what it asked about in vain, and waits for ever (workflow/rules/slurm.smk)."""
    folder = configured(tmp_path / "run")
    (folder / "wait").touch()
    # each in a submission of its own
    arguments = (HUNGRY, PATIENT, "--retries", "0", "--group-components", "traces=1")
    with submitting(cluster, folder, *arguments) as (process, until):
        until("two jobs at work", lambda: len([*folder.glob("*.working")]) == 2)
        cluster.stop("slurmctld")
        until("a question that is not answered", lambda: SILENT in (folder / "printed").read_text())
        cluster.start_controller()
        until("its answers", cluster.nodes)
        (folder / "wait").unlink()
        code = process.wait(slurm.PATIENCE)
    printed = (folder / "printed").read_text()
    assert code == 1
    assert made(folder).keys() == {PATIENT}
    (named,) = {*failed(printed)}
    assert members(cluster, named) == {HUNGRY}
    assert ends(cluster, named) == ["FAILED"]
    assert f"output: {HUNGRY}" in printed.rpartition(f"/{named}.log (check")[2]

"""Kills, full disks, folders that cannot be written, runs that fail: nothing lost, nothing half-written."""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from conftest import ROOT
from elsewhere import LIMITED, POWERLESS
from optide.base.errors import FileError
from optide.base.files import aside
from pipeline import REDUCED, edited, snakemake

KILLS = int(os.environ.get("KILLS", "4"))  # `make faults`: 50
TARGETS = [f"figures/converged/fig01.{suffix}" for suffix in ("png", "pdf")]
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2"]


def outputs(folder):
    """The bytes of all traces and figures in a folder, from which Snakemake may take files and folders meanwhile."""
    found = {}
    for parent, _, names in [*os.walk(folder / "results" / "traces"), *os.walk(folder / "figures")]:
        for path in (Path(parent, name) for name in names if name.endswith((".parquet", ".png", ".pdf"))):
            with suppress(FileNotFoundError):
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


class Reader(threading.Thread):
    """Reads all outputs, all the time, and remembers those that are not whole."""

    def __init__(self, folder, whole):
        super().__init__()
        self.folder, self.whole, self.torn, self.rounds, self.stopped = folder, whole, set(), 0, False

    def run(self):
        while not self.stopped:
            self.torn |= {name for name, content in outputs(self.folder).items() if content != self.whole[name]}
            self.rounds += 1
            time.sleep(0.005)


def kill(main, victims):
    """SIGKILL to Snakemake, to its jobs or to both; returns the jobs that live on."""
    jobs = psutil.Process(main.pid).children(recursive=True)
    if victims != "snakemake":
        for job in jobs:
            job.kill()
    if victims != "jobs" or not jobs:
        main.kill()
    main.wait()
    return jobs


def test_killed_at_random_moments_and_started_again_it_ends_with_the_same_bits(tmp_path):
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
        shutil.copy(REDUCED, folder)
    code, output = snakemake(once, *TARGETS, python=sys.executable)
    assert code == 0, output
    whole = outputs(once)

    choose = random.Random(0)
    reader = Reader(again, whole)
    reader.start()
    orphans, kills, explained = [], 0, False
    # until one of them has come while the folder was locked
    while kills < KILLS or (not explained and kills < 5 * KILLS):
        main = subprocess.Popen([*COMMAND, *TARGETS], cwd=again, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(choose.uniform(0.2, 7))
        if main.poll() is not None:  # done: start from nothing, again
            assert main.returncode == 0
            assert outputs(again) == whole
            shutil.rmtree(again / "results")
            shutil.rmtree(again / "figures")
            continue
        orphans += kill(main, choose.choice(["jobs", "snakemake", "both"]))
        kills += 1
        if any((again / ".snakemake" / "locks").glob("*")):
            if not explained:
                code, output = snakemake(again, *TARGETS, python=sys.executable)
                assert code != 0
                assert "--unlock" in output
                explained = True
            assert snakemake(again, "--unlock", python=sys.executable)[0] == 0
    psutil.wait_procs(orphans)
    code, output = snakemake(again, *TARGETS, python=sys.executable)
    assert code == 0, output
    reader.stopped = True
    reader.join()
    assert outputs(again) == whole
    assert not reader.torn
    assert reader.rounds > KILLS
    assert explained


WRITE = """
import sys
from optide.data import frames, traces
from optide.settings import config, yamlfile
from optide.show import plotting, table1
from optide.studies import comparison, experiments
from optide.base.errors import one_line
from optide.objectives import OBJECTIVES

record = {"configuration": {}, "traces": {}}
with one_line("log"):
    if sys.argv[1] == "x.parquet":
        part = config.experiment_slice(yamlfile.read(sys.argv[2]), "quadratic-adagrad", 0.05)
        traces.write(sys.argv[1], *experiments.run({**part, "theta0": [float(i) for i in range(9)]}, "discrete"))
    elif sys.argv[1] == "x.csv":
        columns = comparison.columns([{"optimizer": "adam", "hyperparameters": {"beta1": 0.9}, "theta0": 1.0}], ["m"])
        rows = [{**dict.fromkeys(columns, 1 / 3), "optimizer": "adam", "experiment": "x", "set": ""}] * 9
        table1.write(frames.frame(rows, columns), sys.argv[1], record)
    else:
        plotting.save(plotting.Figure(), sys.argv[1], record)
"""


@pytest.mark.parametrize("prepare", [LIMITED, POWERLESS], ids=["limited", "powerless"])
@pytest.mark.parametrize("name", ["x.parquet", "x.png", "x.pdf", "x.csv"])
def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path, name, prepare):
    if prepare is POWERLESS:
        tmp_path.chmod(0o555)
    run = subprocess.run(
        [sys.executable, "-c", prepare, "-c", WRITE, name, REDUCED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    reason = {LIMITED: "File too large", POWERLESS: "Permission denied"}[prepare]
    assert (run.returncode, run.stderr) == (1, f"optide: error: {name}: cannot be written: {reason}\n")
    assert {path.name for path in tmp_path.iterdir()} <= {"log"}


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """16 kB for all results; needs a mount of one's own, which some machines forbid."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here: no small disk can be mounted; only the test above was run")
    edited(tmp_path, lambda config: config["experiments"]["quadratic-adagrad"]["sets"][0].update(steps=[20, 5000]))
    (tmp_path / "results").mkdir()
    script = 'mount -t tmpfs -o size=16k none results && "$@"; find results -size +0'
    target = "results/traces/discrete/quadratic-adagrad/lr0.05.parquet"
    run = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *COMMAND, target],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "lr0.05.parquet: cannot be written: No space left on device" in run.stderr
    assert "Traceback" not in run.stderr
    assert ".parquet" not in run.stdout


def test_an_error_that_is_not_of_the_file_system_leaves_nothing_either(tmp_path):
    with pytest.raises(TypeError), aside(tmp_path / "x") as temporary:
        temporary.write_bytes(b"half") and temporary.write_bytes(None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileError, match="No such file"), aside(tmp_path / "x"):
        pass


def test_a_link_stays_and_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    with aside(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").readlink() == Path("file")
    assert (tmp_path / "file").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    before = {path: path.lstat() for path in tmp_path.iterdir()}
    for name in ("pipe", "loop", "."):
        with pytest.raises(FileError, match="cannot be written: "), aside(tmp_path / name):
            pass
    assert {path: path.lstat() for path in tmp_path.iterdir()} == before


def test_a_name_may_be_as_long_as_a_name_can_be(tmp_path):
    for length in (255, 256):
        with suppress(FileError), aside(tmp_path / ("x" * length)) as temporary:
            temporary.write_text("")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


def overflow(config):
    """With no memory at t = 0 the first step is g / eps, where the gradient is beyond the largest float."""
    changes = {"objective": "double_well", "theta0": [1e50], "t_start": "zero"}
    config["experiments"]["quadratic-adagrad"].update(changes)


def test_keep_going_finishes_all_else_and_names_what_failed_and_why(tmp_path):
    edited(tmp_path, overflow)
    failing = "traces/converged/quadratic-adagrad/lr0.1"
    code, output = snakemake(
        tmp_path,
        "--keep-going",
        f"results/{failing}.parquet",
        "results/traces/discrete/quadratic-adagrad/lr0.1.parquet",
    )
    assert code != 0
    summary = [line for line in output.splitlines() if line.startswith("failed: ")]
    assert len(summary) == 1
    assert summary[0].startswith(
        f"failed: results/logs/{failing.replace('traces', 'trace')}.log: optide: error: "
        "AdaGrad(learning_rate=0.1, eps=1e-08) on double_well from theta0 = 1e+50 by march: "
    )
    assert "Traceback" not in output
    built = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")]
    assert built == ["results/traces/discrete/quadratic-adagrad/lr0.1.parquet"]


def test_a_damaged_trace_is_named_by_its_reader_and_mended_on_request(tmp_path):
    shutil.copy(REDUCED, tmp_path)
    code, output = snakemake(tmp_path, *TARGETS)
    assert code == 0, output
    whole = outputs(tmp_path)
    name = "results/traces/converged/quadratic-adagrad/lr0.1.parquet"
    (tmp_path / name).write_bytes(whole[name][:-1])
    left = tmp_path / "figures" / "converged" / ".fig01.png.1.part"
    left.write_bytes(b"")
    (tmp_path / TARGETS[0]).unlink()
    code, output = snakemake(tmp_path, *TARGETS)
    assert code != 0
    assert f"failed: results/logs/figure/converged/fig01.log: optide: error: {name}: damaged" in output
    code, output = snakemake(tmp_path, "mend")
    assert code == 0, output
    assert "2 files deleted" in output
    assert not left.exists()
    code, output = snakemake(tmp_path, *TARGETS)
    assert code == 0, output
    assert outputs(tmp_path) == whole

"""`optide run`, `check` and `init`, what Snakemake is given."""

import errno
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from optide.base import home as base_home
from optide.command import workflow
from optide.command.main import main
from optide.data import seal
from optide.record import manifest


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What would be started instead of this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    commands = []
    monkeypatch.setattr(os, "execv", lambda path, command: commands.append(command))
    return commands


SNAKEMAKE = [
    *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores"),
    *("all", "--workflow-profile", str(ROOT / "workflow" / "profiles" / "default")),
]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["run"], []),
        (["run", "table1", "results/rates.parquet"], ["table1", "results/rates.parquet"]),
        (["run", "fig05"], [f"figures/{s}/fig05.{end}" for s in ("published", "converged") for end in ("png", "pdf")]),
        (["run", "-n", "claims", "--", "--keep-going"], ["--dry-run", "claims", "--keep-going"]),
        (["check"], ["check"]),
    ],
)
def test_snakemake_is_given_the_targets_and_what_follows(started, arguments, given):
    assert main(arguments) == 0
    assert started == [[*SNAKEMAKE, *given]]


def test_figures_are_those_of_the_configuration_here(started, tmp_path):
    (tmp_path / "config.yaml").write_text("figures: {mine: {}}\n")
    assert main(["run", "mine", "fig05", "--cores", "3"]) == 0
    (command,) = started
    assert command[-5:] == [
        *(f"figures/{scheme}/mine.{end}" for scheme in ("published", "converged") for end in ("png", "pdf")),
        "fig05",
    ]
    assert command[command.index("--cores") + 1] == "3"


def test_a_path_from_the_root_is_one_from_here(started, tmp_path):
    assert main(["run", str(tmp_path / "figures" / "table1.md"), "--", "--configfile", "/elsewhere/x.yaml"]) == 0
    assert started == [[*SNAKEMAKE, "figures/table1.md", "--configfile", "/elsewhere/x.yaml"]]


def test_a_folder_that_is_there_no_more_is_one_line(started, tmp_path, capsys):
    tmp_path.rmdir()
    assert main(["run", "-n"]) == 1
    assert capsys.readouterr().err == "optide: error: the working directory: No such file or directory\n"
    assert not started


def test_without_the_packages_of_the_workflow_one_line_names_them(started, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["run", "fig05"]) == 1
    assert (
        capsys.readouterr().err == "optide: error: the workflow needs more packages: pip install 'optide[workflow]'\n"
    )
    assert not started


def test_a_folder_that_cannot_be_written_to_is_told_before_snakemake_starts(started, monkeypatch, capsys):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert main(["run", "fig05"]) == 1
    assert capsys.readouterr().err.endswith(": nothing can be written to this folder, where results would be\n")
    assert not started


def test_what_was_misread_is_told_before_snakemake_starts(started, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("figures: [\n")
    assert main(["run", "fig05"]) == 2
    assert capsys.readouterr().err.startswith("optide: error: config.yaml: line 2, column 1: ")
    assert not started


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([""], "'' is no target: none at all is everything. (`optide run --help`)"),
        (["table1", ""], "'' is no target: none at all is everything. (`optide run --help`)"),
        *(
            (["--cores", cores], f"Invalid value for '--cores': '{cores}' is neither 'all' nor an integer >= 1.")
            for cores in ("0", "-1", "many", "")
        ),
    ],
)
def test_a_mistake_is_told_before_snakemake_starts(started, capsys, wrong, told):
    assert main(["run", *wrong]) == 2
    assert capsys.readouterr().err.startswith(f"optide: error: {told}")
    assert not started


def test_init_writes_the_configuration_of_the_paper_and_overwrites_nothing(tmp_path, capsys):
    assert main(["init", str(tmp_path / "new")]) == 0
    for name in workflow.WRITTEN:
        assert (tmp_path / "new" / name).read_bytes() == (ROOT / name).read_bytes()
    assert capsys.readouterr().out.count("wrote ") == len(workflow.WRITTEN)
    claims = tmp_path / "new" / "claims.yaml"
    claims.write_text("mine")
    shutil.rmtree(tmp_path / "new" / "reproducibility")
    (tmp_path / "new" / "config.yaml").unlink()
    assert main(["init", str(tmp_path / "new")]) == 1
    assert capsys.readouterr().err == (
        f"optide: error: {claims}: is there already, and is left as it is; nothing was written\n"
    )
    assert claims.read_text() == "mine"
    assert [*(tmp_path / "new").iterdir()] == [claims]


@pytest.mark.parametrize("full", range(len(workflow.WRITTEN)))
def test_init_writes_all_or_nothing(tmp_path, capsys, monkeypatch, full):
    """As a disk does that is full after so many files."""
    (tmp_path / "there").mkdir()
    written = []
    write = Path.write_bytes

    def fill(path, content):
        written.append(path)
        if len(written) > full:
            write(path, content[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        for folder in ("new/deep", "there"):
            written.clear()
            assert main(["init", str(tmp_path / folder)]) == 1
            assert len(written) == full + 1
            path = tmp_path / folder / workflow.WRITTEN[full]
            assert capsys.readouterr() == ("", f"optide: error: {path}: cannot be written: No space left on device\n")
    assert [*tmp_path.rglob("*")] == [tmp_path / "there"]


def test_what_is_there_stays_where_init_fails(tmp_path, capsys):
    mine = [tmp_path / "reproducibility", tmp_path / "notes"]
    for path in mine:
        path.write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("manifest.json: cannot be written: Not a directory\n")
    assert {*tmp_path.iterdir()} == {*mine}


@pytest.mark.parametrize("advice", [seal.REMEDY, manifest.RENEWAL])
def test_what_messages_advise_can_be_done_from_an_installed_package(started, advice):
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    asked = re.findall("`(.+?)`", advice)
    assert asked
    for command in asked:
        program, *arguments = command.split()
        assert program == "optide"
        assert main(arguments) == 0
        assert started.pop() == [*SNAKEMAKE, *arguments[1:]]
        # as `rule mend:`, or in the list of those that differ in their name
        assert all(re.search(rf'^rule {target}:$|"{target}"', rules, re.MULTILINE) for target in arguments[1:])


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file" / "new")]) == 1
    assert capsys.readouterr().err.endswith("config.yaml: cannot be written: Not a directory\n")


def test_init_takes_a_link_that_leads_nowhere_for_no_folder_and_no_free_name(tmp_path, capsys):
    (tmp_path / "link").symlink_to("nowhere")
    assert main(["init", str(tmp_path / "link")]) == 1
    assert capsys.readouterr().err.endswith(f"cannot be written: {tmp_path / 'link'} is a link that leads nowhere\n")
    (tmp_path / "config.yaml").symlink_to("nowhere")
    assert main(["init", str(tmp_path)]) == 1
    assert "config.yaml: is there already" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"link", "config.yaml"}


def test_a_package_without_its_workflow_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(base_home, "__file__", str(tmp_path / "lib" / "python" / "optide" / "base" / "home.py"))
    assert main(["check"]) == 1
    assert capsys.readouterr().err.endswith("install the package again\n")

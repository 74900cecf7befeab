"""What a user may type on Snakemake's command line, right and wrong."""

import os
import shutil

import pytest
import yaml

import warm
from conftest import ROOT
from optide.command.workflow import RULES
from pipeline import CLAIMED, PREFIX, REDUCED, error, planned, snakemake


@pytest.fixture
def reduced(tmp_path):
    shutil.copy(REDUCED, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "name", "near"),
    [
        (["figures/converged/fig1.png"], "figures/converged/fig1.png", "figures/converged/fig01.png"),
        (["--", "chekc"], "chekc", "check"),
        (["figures/gallery.png", "--until", "tracee"], "tracee", "trace"),
        (["--forcerun", "tabel1"], "tabel1", "table1"),
        (["--omit-from", "rate"], "rate", "rates"),
        # the name of a rate that another experiment has
        (
            ["results/traces/discrete/double_well-adam/lr0.05.parquet"],
            "results/traces/discrete/double_well-adam/lr0.05.parquet",
            "results/traces/discrete/double_well-adam/lr0.1.parquet",
        ),
    ],
)
def test_a_misspelt_target_is_one_line_with_the_nearest_name(reduced, arguments, name, near):
    line = error(reduced, *arguments)
    assert line.startswith(f"{name}: no rule makes this; there are ")
    assert line.endswith(f"; did you mean {near!r}?")


def test_a_rule_that_makes_any_of_many_files_is_no_target(reduced):
    assert error(reduced, "figure") == "figure: this rule makes any of many files; name those that are wanted"
    assert error(reduced, "fig1").endswith("fig01.png'?")


def test_a_file_that_no_rule_makes_is_an_error_even_where_it_is_there(reduced):
    assert error(reduced, "config.yaml").startswith("config.yaml: no rule makes this; there are the rules gallery, ")


def test_whatever_a_rule_makes_can_be_asked_for(reduced):
    files = ("./figures/converged/fig01.png", "figures/../figures/gallery.png", "results/inputs")
    assert planned(reduced, "table1", *files, "results/logs/crate.log", "results/benchmarks/table1.tsv")


def test_the_rules_that_a_shell_offers_are_those_that_can_be_named(tmp_path):
    code, output = snakemake(tmp_path, "--list-target-rules", PYTHONWARNINGS="ignore")
    assert code == 0
    # whatever else is said is a sentence
    assert sorted(RULES) == sorted(line for line in output.splitlines() if " " not in line)


def test_a_check_without_anything_to_compare_with_ends_before_anything_is_solved(reduced):
    told = "{}/{}: there is none, so nothing to compare with; `optide run accept` writes it"
    assert error(reduced, "check") == told.format("reproducibility", "manifest.json")
    assert error(reduced, "--dry-run", "table1", "check") == told.format("reproducibility", "manifest.json")
    (reduced / "reproducibility").mkdir()
    shutil.copy(ROOT / "reproducibility" / "manifest.json", reduced / "reproducibility")
    assert error(reduced, "check") == told.format("reproducibility", "reference.parquet")
    shutil.copy(ROOT / "reproducibility" / "reference.parquet", reduced / "reproducibility")
    (reduced / "reproducibility" / "manifest.json").write_text("{}")
    assert "reproducibility: not a manifest of this version of optide" in error(reduced, "check")
    assert "figures/table1.md" in planned(reduced, "accept")


@pytest.mark.parametrize("text", [None, "# in another layout\n"])
def test_the_papers_configuration_is_compared_with_what_was_accepted_of_it(tmp_path, text):
    if text:
        (tmp_path / "config.yaml").write_text(text + (ROOT / "config.yaml").read_text())
    code, output = snakemake(tmp_path, "--dry-run", "check")
    assert code == 0, output
    # what was accepted here is nearer
    (tmp_path / "reproducibility").mkdir()
    (tmp_path / "reproducibility" / "manifest.json").write_text("{}")
    for arguments, lacking in ((), "reference.parquet"), (("--config", "audit=null"), "manifest.json"):
        code, output = snakemake(tmp_path, "check", *arguments)
        assert code != 0
        assert f"{PREFIX}reproducibility/{lacking}: there is none" in output
        (tmp_path / "reproducibility" / "manifest.json").unlink(missing_ok=True)


@pytest.mark.parametrize(("option", "value"), [("--cores", "0"), ("--jobs", "-1")])
def test_no_cores_are_one_line_and_not_a_wait_for_ever(reduced, option, value):
    # the last of two equal options is what counts
    assert error(reduced, option, value) == f"{option} {value}: must be at least 1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "audit={order: two}"], "--config: audit.order = 'two': must be an integer >= 1 and <= 2"),
        (["--config", "audti=null"], "--config: audti: unknown key; allowed: {}; did you mean 'audit'?"),
        (
            ["--configfile", "small.yaml", "--config", "rates=null"],
            "small.yaml: figures.fig02.rows[1].insets[0].learning_rate = 0.1: {} has [0.2] (set in config.yaml)",
        ),
        (["--configfile", "twice.yaml", "--config", "audit=3"], "twice.yaml: line 2, column 1: key 'rates' is given"),
    ],
)
def test_a_mistake_names_the_file_or_the_option_it_came_with(reduced, monkeypatch, arguments, message):
    monkeypatch.chdir(reduced)
    (reduced / "small.yaml").write_text("experiments: {double_well-adam: {learning_rates: [0.2]}}\n")
    (reduced / "twice.yaml").write_text("rates: null\nrates: null\n")
    line = error(reduced, *arguments)
    before, *after = message.split("{}")
    assert line.startswith(before)
    assert all(part in line for part in after)


def test_a_part_that_the_file_switches_off_is_off(tmp_path):
    shutil.copy(REDUCED, tmp_path)
    without = yaml.safe_load(REDUCED.read_text())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**without, "audit": None, "rates": False}))
    code, output = snakemake(tmp_path, "--dry-run")
    assert code == 0
    assert "warning: config.yaml: audit is off: no results/audit, table 2 and figures/audit" in output
    expected = planned(tmp_path)
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({name: part for name, part in without.items() if name not in ("audit", "rates")})
    )
    assert planned(tmp_path) == expected
    code, output = snakemake(tmp_path, "--dry-run")
    assert "is off" not in output


def started_in(folder, *arguments):
    """Snakemake with a Snakefile elsewhere: exit code and everything it printed."""
    run = warm.run(["-m", "snakemake", "--dry-run", "--snakefile", *arguments], kind="main", cwd=folder)
    return run.returncode, run.stdout + run.stderr


def test_started_elsewhere_it_has_the_configuration_and_claims_beside_the_snakefile(tmp_path):
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    for name in ("src", "workflow"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Snakefile", home)
    code, output = started_in(here, home / "Snakefile")
    assert code != 0
    assert f"config.yaml: neither here nor beside the Snakefile ({home}); --configfile names another" in output
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, home)
    for folder, name in {here: f"{home}/config.yaml", tmp_path: "home/config.yaml"}.items():
        code, output = started_in(folder, home / "Snakefile")
        assert code == 0, output
        assert f"warning: config.yaml: there is none here; {name} is used" in output
    assert "output: figures/converged/fig01.png" in output
    assert "output: figures/claims.csv" in output
    # its own comes first, and a folder with a configuration and no claims judges none
    shutil.copy(REDUCED, here)
    code, output = started_in(here, home / "Snakefile")
    assert code == 0, output
    assert "there is none here" not in output
    assert "figures/claims.csv" not in output


def test_snakemake_has_no_remark_on_the_workflow(reduced):
    code, output = snakemake(reduced, "--lint")
    assert code == 0, output


def test_the_environment_of_conda_has_the_locked_packages():
    """The path to the lock file is right from here and from where Snakemake puts a copy; nothing is installed."""
    file = ROOT / "workflow" / "envs" / "optide.yaml"
    *_, pip = yaml.safe_load(file.read_text())["dependencies"]
    (line,) = pip["pip"]
    option, path = line.split()
    assert option == "--requirement"
    for place in (file.parent, ROOT / ".snakemake" / "conda"):
        assert os.path.normpath(place / path) == str(ROOT / "requirements.lock")

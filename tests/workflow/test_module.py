"""The workflow as a part of another one (`module optide: ...` in its Snakefile), and started from other folders."""

import os
import re
import shutil
import sys
import zipfile

import pyarrow.parquet as pq
import pytest
import yaml
from rocrate.rocrate import ROCrate

import warm
from conftest import ROOT
from optide.data import traces
from optide.record import verify
from pipeline import REDUCED

PREFIX = "vendor/the paper"
FOREIGN = "--xla_cpu_enable_fast_math=true"
"""Arithmetic of the host's own, which is not that of the workflow."""

HOST = """
configfile: "config.yaml"

report: "report.rst"

wildcard_constraints:
    figure="own",

module optide:
    snakefile: "code/Snakefile"
    {config}
    prefix: "{prefix}"

use rule * from optide as optide_*

rule all:
    default_target: True
    input:
        rules.optide_all.input,
        "own.check",

rule check:
    input:
        rules.optide_table1.output[0],
    output:
        "{{figure}}.check",
    params:
        answer=config["answer"],
        interpreter=sys.executable,
    conda:
        "host.yaml"
    log:
        "{{figure}}.log",
    shell:
        "echo {{params.answer}} {{params.interpreter:q}} $XLA_FLAGS > {{output}} 2> {{log}}"

onerror:
    print("the host's own end")
"""
CONFIG = "config: config['optide']"


@pytest.fixture(scope="module")
def small():
    """One experiment of the reduced configuration at one rate, its figure and no more."""
    whole = yaml.safe_load(REDUCED.read_text())
    experiment = {**whole["experiments"]["quadratic-adagrad"], "learning_rates": [0.1]}
    experiment["sets"] = [{"hyperparameters": {}, "steps": [20]}]
    return {"experiments": {"quadratic-adagrad": experiment}, "figures": {"fig01": whole["figures"]["fig01"]}}


def write(folder, config, given=CONFIG, prefix=PREFIX):
    folder.mkdir()
    (folder / "code").symlink_to(ROOT)
    (folder / "Snakefile").write_text(HOST.format(config=given, prefix=prefix))
    (folder / "config.yaml").write_text(yaml.safe_dump({"answer": 42, "optide": config}, sort_keys=False))
    (folder / "host.yaml").write_text("dependencies: [python]\n")
    (folder / "report.rst").write_text("The host's own front page.\n")
    return folder


def run(folder, *arguments, python=None, **variables):
    """Snakemake, started in a folder: exit code and everything it printed."""
    started = ["-m", "snakemake", "--cores", "1", *arguments]
    environment = {**os.environ, "XLA_FLAGS": FOREIGN, **variables}
    done = warm.run(started, kind="main", scripts=True, python=python, cwd=folder, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of this environment by a path that a shell takes for several words."""
    environment = tmp_path_factory.mktemp("environments") / "an environment"
    environment.symlink_to(sys.prefix)
    return environment / "bin" / "python"


@pytest.fixture(scope="module")
def host(small, python, tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("of others") / "the host", small)
    code, output = run(folder, python=python)
    assert code == 0, output
    return folder


@pytest.fixture
def copy(host, tmp_path):
    """The finished run, to be changed."""
    return shutil.copytree(host, tmp_path / "a copy", symlinks=True)


@pytest.fixture(scope="module")
def plain(small, tmp_path_factory):
    """The same configuration in a run of its own: one figure, and what it needs."""
    folder = project(tmp_path_factory.mktemp("plain") / "the project", small)
    code, output = run(folder, "figures/converged/fig01.png")
    assert code == 0, output
    return folder


def project(folder, config):
    """This project with another configuration."""
    folder.mkdir()
    for name in ("src", "workflow", "profiles", "Snakefile"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return folder


def test_all_results_are_below_the_prefix_and_nothing_else_of_the_host_is_touched(host, python):
    given = {"Snakefile", "code", "config.yaml", "host.yaml", "report.rst"}
    assert {path.name for path in host.iterdir()} == given | {"own.check", "own.log", "vendor", ".snakemake"}
    results = host / PREFIX
    assert {path.name for path in results.iterdir()} == {"figures", "results", "ro-crate-metadata.json"}
    assert (results / "results/logs/trace/published/quadratic-adagrad/lr0.1.log").exists()
    assert (results / "results/benchmarks/table1.tsv").exists()
    assert (host / "own.check").read_text() == f"42 {python} {FOREIGN}\n"


def test_the_bits_are_those_of_a_plain_run(host, plain):
    built = [path.relative_to(plain) for path in plain.rglob("*") if path.suffix in (".parquet", ".png", ".pdf")]
    assert len(built) == 4
    for path in built:
        assert (host / PREFIX / path).read_bytes() == (plain / path).read_bytes(), path


def test_provenance_and_crate_hold_below_the_prefix(host, capsys):
    results = host / PREFIX
    drawn = sorted(str(path) for path in (results / "figures").rglob("*.*"))
    assert verify.main([*drawn, "--directory", str(results)]) == 0
    assert " 0 verified" not in capsys.readouterr().out
    described = {entity.id for entity in ROCrate(results).data_entities}
    assert {"figures/converged/fig01.png", "results/traces/discrete/quadratic-adagrad/lr0.1.parquet"} <= described
    ran = (results / "results/inputs/config.yaml").read_text()
    assert ran.startswith("# The configuration that ran, as it was given by:\n#   config of module optide\n")
    assert yaml.safe_load(ran) == yaml.safe_load((host / "config.yaml").read_text())["optide"]


def test_a_second_run_does_nothing(host, python):
    code, output = run(host, "--dry-run", python=python)
    assert code == 0
    assert "Nothing to be done" in output
    assert "warning" not in output


def test_check_names_what_was_accepted_as_a_plain_run_does_and_needs_no_jax(copy, without_jax):
    code, output = run(copy, "optide_accept", **without_jax)
    assert code == 0, output
    assert re.search(r"^new +figures/converged/fig01\.pdf$", output, flags=re.MULTILINE)
    assert (copy / PREFIX / "reproducibility" / "manifest.json").exists()
    code, output = run(copy, "optide_check", "--forcerun", "optide_gallery", "optide_crate", **without_jax)
    assert code == 0, output
    assert "every bit is as accepted" in output


def test_a_damaged_trace_is_named_where_it_lies_and_mended(copy, without_jax):
    trace = f"{PREFIX}/results/traces/discrete/quadratic-adagrad/lr0.1.parquet"
    (copy / trace).write_bytes((copy / trace).read_bytes()[:-1])
    code, output = run(copy, f"{PREFIX}/figures/converged/fig01.png", "--force")
    assert code != 0
    assert f"optide: error: {trace}: damaged" in output
    assert "Traceback" not in output
    assert output.count("the host's own end") == 1
    assert "failed:" not in output
    code, output = run(copy, "optide_mend", **without_jax)
    assert code == 0, output
    assert f"deleted {trace}: damaged" in output
    assert not (copy / trace).exists()


def test_the_report_of_the_host_has_its_own_front_page_and_our_captions(host, tmp_path):
    code, output = run(host, "--report", tmp_path / "report.zip")
    assert code == 0, output
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        (page,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("report.html"))
    assert "own front page." in page
    assert "how far the markers are from the lines." in page


def test_lint_is_clean_in_the_host(host):
    code, output = run(host, "--lint")
    assert code == 0, output


def test_without_a_configuration_of_the_host_it_is_that_beside_the_snakefile(tmp_path):
    host = write(tmp_path / "host", {}, given="")
    code, output = run(host, "--dry-run", "--quiet", "rules")
    assert code == 0, output
    code, output = run(host, "--dry-run")
    for name in ("converged/fig15.png", "claims.csv", "rates.png", "table2.csv"):
        assert f"output: {PREFIX}/figures/{name}" in output


TWICE = """
module again:
    snakefile: "code/Snakefile"
    config: config["optide"] | {"figures": {"fig02": config["optide"]["figures"]["fig01"]}}
    prefix: "again"

use rule * from again exclude check as again_*
"""


def test_a_host_can_have_it_twice_and_leave_rules_out(small, tmp_path):
    host = write(tmp_path / "host", small)
    with (host / "Snakefile").open("a") as file:
        file.write(TWICE)
    code, output = run(host, "--dry-run", "all", "again_all")
    assert code == 0, output
    assert f"output: {PREFIX}/figures/converged/fig01.png" in output
    assert "output: again/figures/converged/fig02.png" in output
    assert "again/figures/converged/fig01.png" not in output


def test_without_a_prefix_results_lie_beside_those_of_the_host_and_none_of_its_files_is_a_stranger(small, tmp_path):
    host = write(tmp_path / "host", small, prefix="")
    (host / "figures").mkdir()
    (host / "figures" / "own.png").write_bytes(b"")
    code, output = run(host, "--dry-run")
    assert code == 0, output
    assert "output: figures/converged/fig01.png" in output
    assert "no rule produces" not in output
    below = write(tmp_path / "below", small)
    stray = below / PREFIX / "figures" / "fig99.png"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"")
    code, output = run(below, "--dry-run")
    assert output.count(f"warning: module optide: {PREFIX}/figures/fig99.png: no rule produces this file") == 1


PLUGIN = """
from optide.extend import Objective, jnp

bowl = Objective("bowl", lambda theta: jnp.sum(theta**2))
"""


def test_plugins_of_a_host_lie_below_its_working_directory(small, tmp_path):
    experiment = {**small["experiments"]["quadratic-adagrad"], "objective": "bowl"}
    host = write(
        tmp_path / "host",
        {
            **small,
            "plugins": ["ideas/bowl.py"],
            "experiments": {"bowl-adagrad": experiment},
            "figures": {"f": {"quantity": "G", "rows": [{"experiments": ["bowl-adagrad"]}]}},
        },
    )
    path, trace = host / "ideas" / "bowl.py", f"{PREFIX}/results/traces/discrete/bowl-adagrad/lr0.1.parquet"
    code, output = run(host, "--dry-run", trace)
    assert code != 0
    assert "plugins: ideas/bowl.py: there is no such Python file" in output
    path.parent.mkdir()
    path.write_text(PLUGIN)
    # from elsewhere, as entries of the host's configuration that are paths are, too
    code, output = run(tmp_path, "--snakefile", host / "Snakefile", "--directory", host, trace)
    assert code == 0, output
    assert [*traces.metadata(host / trace)["configuration"]["plugins"]] == ["bowl.py"]
    code, output = run(host, "--dry-run", trace)
    assert "Nothing to be done" in output
    path.write_text(PLUGIN.replace("theta**2", "theta**4"))
    code, output = run(host, "--dry-run", trace)
    assert f"output: {trace}" in output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"optimizer": "adma"},
            "config of module optide: experiments.quadratic-adagrad.optimizer = 'adma': must be one of adagrad, ",
        ),
        (None, "config of module optide: experiments: missing; needed: "),
    ],
)
def test_a_mistake_in_the_configuration_names_the_module(small, tmp_path, change, message):
    experiment = small["experiments"]["quadratic-adagrad"]
    wrong = {**small, "experiments": {"quadratic-adagrad": {**experiment, **change}}} if change else {}
    code, output = run(write(tmp_path / "host", wrong), "--dry-run")
    assert code != 0
    assert [line for line in output.splitlines() if line.startswith(f"optide: error: {message}")]
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("here", "arguments"),
    [
        ("there", ["-s", "../project/Snakefile"]),
        ("project", ["--directory", "../there"]),
        (".", ["-s", "project/Snakefile", "--directory", "there"]),
    ],
)
def test_from_another_folder_the_bits_are_the_same(small, plain, tmp_path, here, arguments):
    home = project(tmp_path / "project", small)
    (tmp_path / "there").mkdir()
    trace = "results/traces/discrete/quadratic-adagrad/lr0.1.parquet"
    code, output = run(tmp_path / here, *arguments, trace)
    assert code == 0, output
    assert re.search(r"warning: config\.yaml: there is none here; .*project/config\.yaml is used", output)
    assert (tmp_path / "there" / trace).read_bytes() == (plain / trace).read_bytes()
    assert not (home / "results").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"project", "there"}


def test_the_page_about_it_has_a_snakefile_that_works(small, tmp_path):
    page = (ROOT / "docs" / "part-of-another-workflow.md").read_text(encoding="utf-8")
    (snakefile,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "Snakefile").write_text(snakefile)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"optide": small}))
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "optide").symlink_to(ROOT)
    targets = re.findall(r"^snakemake --cores 4 ([\w./]+) +#", page, flags=re.MULTILINE)
    assert len(targets) == 2
    code, output = run(tmp_path, "--dry-run", "all", *targets)
    assert code == 0, output


def test_values_are_those_of_the_configuration(host):
    table = pq.read_table(host / PREFIX / "results/traces/published/quadratic-adagrad/lr0.1.parquet")
    assert set(table["steps"].to_pylist()) == {20}

"""Snakemake on a reduced configuration, as a user would run it."""

import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from rocrate.rocrate import ROCrate
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import wrong
from browser import barriers, chromium, complaints, in_all_looks, needs_axe, needs_chromium, requests
from conftest import ROOT, taken_by_children
from elsewhere import POORER, WITH_FUSED, built_with
from optide.base import clock
from optide.data import current
from optide.data import traces as optide_traces
from optide.record import archive, compare, manifest, verify
from optide.settings import yamlfile
from pipeline import CLAIMED, REDUCED, edited, error, planned, snakemake


def traces(experiment, rate, *schemes):
    return {f"results/traces/{s}/{experiment}/lr{rate}.parquet" for s in schemes}


def figures(*names):
    return {f"figures/{s}/{n}.{e}" for n in names for s in ("published", "converged") for e in ("png", "pdf")}


TABLE = {f"figures/table1.{suffix}" for suffix in ("csv", "csv-metadata.json", "md", "tex", "html")}
CLAIMS = {name.replace("table1", "claims") for name in TABLE}
RATES = {"results/rates.parquet", "figures/rates.png", "figures/rates.pdf"}
TABLE2 = {name.replace("table1", "table2") for name in TABLE}
AUDIT = {"figures/audit.png", "figures/audit.pdf"}
AUDITED = {"results/audit/adam.parquet"}
GALLERY, EXPLORER = {"figures/gallery.png"}, {"figures/explorer.html"}
TIMES = {"results/times.html", "results/times.csv"}
END = {"ro-crate-metadata.json", "results/inputs"} | TIMES
ALL = ("discrete", "published", "converged")
REDUCED_RUNS = [
    *(("quadratic-adagrad", rate) for rate in ("0.1", "0.05")),
    *((name, "0.1") for name in ("double_well-adam", "regression-rmsprop")),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a reduced run")
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, folder)
    # all of it as a user does, by processes of its own
    code, output = snakemake(folder, python=sys.executable)
    assert code == 0, output
    return folder


@pytest.fixture
def folder(built):
    """The finished run, whose configuration and claims are put back afterwards."""
    yield built
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, built)


def test_everything_is_built_with_logs_and_benchmarks(built):
    files = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    assert figures("fig01", "fig02", "fig03") | TABLE | CLAIMS | RATES | GALLERY | EXPLORER <= files
    assert files >= TABLE2 | AUDIT | AUDITED
    assert traces("quadratic-adagrad", "0.05", *ALL) <= files
    drawn = {f"figure/{scheme}/{name}" for scheme in ALL[1:] for name in ("fig01", "fig02", "fig03")}
    solved = {name[len("results/traces/") : -len(".parquet")] for name in files if name.startswith("results/traces/")}
    single = {"table1", "claims", "rates", "rates_figure", "crate", "gallery", "explorer"}
    single |= {"table2", "audit_figure", "audit/adam"}
    jobs = {*single, *drawn, *(f"trace/{name}" for name in solved)}
    for kind, suffix in {"logs": "log", "benchmarks": "tsv"}.items():
        assert {f"results/{kind}/{job}.{suffix}" for job in jobs} <= files
    assert "converged after" in (built / "results/logs/trace/published/quadratic-adagrad/lr0.1.log").read_text()
    assert not [name for name in files if "/." in name and "snakemake" not in name]
    frame = pd.read_parquet(built / "results/traces")
    assert set(frame["scheme"]) == set(ALL)


def test_every_figure_and_table_carries_its_provenance_and_is_in_the_crate(built, capsys):
    drawn = sorted(str(path.relative_to(built)) for path in (built / "figures").rglob("*.*"))
    assert len(drawn) == 12 + 5 + 2 + len(CLAIMS) + 2 + len(TABLE2) + 2
    assert verify.main([*(str(built / path) for path in drawn), "--directory", str(built)]) == 0
    assert " 0 verified" not in capsys.readouterr().out
    parts = {entity.id for entity in ROCrate(built).data_entities}
    solved = {str(path.relative_to(built)) for path in (built / "results/traces").rglob("*.parquet")}
    inputs = {f"results/inputs/{name}" for name in ("config.yaml", "claims.yaml", "Snakefile")}
    assert {*drawn, *solved, *RATES, *AUDIT, *AUDITED, *inputs} <= parts


def test_a_second_run_does_nothing(built):
    assert planned(built) == set()


def test_without_the_records_of_what_jobs_took_nothing_runs_again(built, tmp_path):
    other = shutil.copytree(built, tmp_path / "other")
    shutil.rmtree(other / "results" / "benchmarks")
    assert planned(other) == set()


def parquet(folder):
    """All results."""
    return {str(path.relative_to(folder)) for path in (folder / "results").rglob("*.parquet")}


def test_an_archive_of_a_run_gives_its_results_back_and_nothing_is_solved_again(built, tmp_path, monkeypatch):
    assert archive.pack(built, tmp_path / "run.tar") > 50
    new = tmp_path / "new"
    new.mkdir()
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, new)
    monkeypatch.chdir(new)
    count = archive.restore(tmp_path / "run.tar", new, archive.sources(new))
    back = parquet(new)
    assert back == parquet(built)
    assert len(back) == count
    assert planned(new) & back == set()


def changed_theta0(config):
    config["experiments"]["quadratic-adagrad"]["theta0"] = [1.25]


def test_results_that_were_copied_are_not_taken_for_those_of_another_configuration(built, tmp_path):
    """Of which Snakemake has no record."""
    shutil.copytree(built / "results", tmp_path / "results")
    edited(tmp_path, changed_theta0)
    code, output = snakemake(tmp_path, "figures/converged/fig01.png")
    assert code != 0
    (line,) = {line for line in output.splitlines() if line.startswith("failed: ")}
    assert re.search(r"results/traces/\w+/quadratic-adagrad/lr0.1.parquet: computed for another configuration, ", line)
    assert ", which differs in theta0; `optide run mend` removes" in line
    assert not (tmp_path / "figures").exists() or not any((tmp_path / "figures").rglob("*.png"))
    code, output = snakemake(tmp_path, "mend")
    assert code == 0, output
    outdated = traces("quadratic-adagrad", "0.1", *ALL) | traces("quadratic-adagrad", "0.05", *ALL)
    assert parquet(tmp_path) == parquet(built) - outdated
    assert traces("quadratic-adagrad", "0.1", "discrete", "converged") <= planned(
        tmp_path, "figures/converged/fig01.png"
    )


def test_a_trace_of_another_scheme_is_not_taken(built, tmp_path):
    config = yamlfile.read(REDUCED)
    names = [f"results/traces/{scheme}/quadratic-adagrad/lr0.1.parquet" for scheme in ("published", "converged")]
    assert [current.difference(built / name, config) for name in names] == [None, None]
    taken = tmp_path / names[1]
    taken.parent.mkdir(parents=True)
    shutil.copy(built / names[0], taken)
    assert current.difference(taken, config) == "computed for another configuration, which differs in scheme"


def test_the_page_of_times_is_the_sum_of_what_the_jobs_took(built):
    records = [clock.read(path) for path in (built / "results/benchmarks").rglob("*.json")]
    own = [took for took in records if took.rule == "times"]
    took = [took for took in records if took.rule not in {"times", "check", "accept"}]
    assert len(own) == 1
    assert {*(one.rule for one in took)} >= {"trace", "figure", "audit", "rates", "claims", "table1", "crate"}
    page = (built / "results/times.html").read_text()
    rows = [re.findall("<td>(.*?)</td>", row) for row in re.findall("<tr>.*?</tr>", page, flags=re.DOTALL)]
    shown = {rule: [float(cell) for cell in cells] for rule, *cells in filter(None, rows)}
    for rule in {one.rule for one in took} | {"all"}:
        jobs, _, *seconds, memory = shown.pop(rule)
        mine = [one for one in took if rule in (one.rule, "all")]
        parts = [sum(getattr(one, part) for one in mine) for part in ("starting", "compiling", "running")]
        assert jobs == len(mine)
        # as they are printed, to a tenth and to one
        assert seconds == pytest.approx([sum(parts), *parts], abs=0.051)
        assert memory == pytest.approx(max(one.memory for one in mine), abs=0.51)
        assert rule == "all" or (parts[1] > 0) == (rule in {"trace", "audit", "rates", "claims"})
    assert shown == {}
    assert len(pd.read_csv(built / "results/times.csv")) == len(took)
    assert "There is no record" not in page


def test_a_job_takes_no_more_than_the_system_says(folder):
    record = folder / "results/benchmarks/figure/published/fig01.json"
    of_the_build = record.read_bytes()
    before = taken_by_children()
    code, output = snakemake(folder, "--force", "figures/published/fig01.png", python=sys.executable)
    assert code == 0, output
    used = taken_by_children() - before
    took = clock.read(record)
    record.write_bytes(of_the_build)  # of which the page of times tells, whatever the order of tests is
    assert 0 < took.starting + took.running < used


def test_the_longest_jobs_begin_first(built):
    log = min((built / ".snakemake" / "log").glob("*.log"))  # named by their times: the first is that of the build
    begun = re.findall(r"^(?:local)?rule (\w+):$", log.read_text(), flags=re.MULTILINE)
    assert {*begun[:2]} == {"audit", "rates"}
    assert begun[2] == "trace"


@pytest.fixture(scope="module")
def moved(built, tmp_path_factory):
    """The project and the finished run in one folder, copied without its times, as from one disk to another."""
    folder = tmp_path_factory.mktemp("moved") / "the project"
    shutil.copytree(built, folder, copy_function=shutil.copyfile)
    for name in ("src", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "pyproject.toml", "requirements.lock", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / "profiles").symlink_to("workflow/profiles")
    return folder


def planned_there(folder):
    return planned(folder, home=folder, PYTHONPATH=str(folder / "src"))


def test_a_finished_run_in_another_place_with_new_times_is_finished(moved):
    assert planned_there(moved) == set()
    for path in [
        path for name in ("src", "workflow", "Snakefile") for path in (moved / name, *moved.rglob(f"{name}/**/*"))
    ]:
        path.touch()
    assert planned_there(moved) == set()


DRAWN = figures("fig01", "fig02", "fig03") | GALLERY | AUDIT | RATES - {"results/rates.parquet"}
SOLVED = (
    {path for name, rate in REDUCED_RUNS for path in traces(name, rate, *ALL)} | AUDITED | {"results/rates.parquet"}
)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("src/optide/ide/march.py", SOLVED | DRAWN | TABLE | TABLE2 | CLAIMS | EXPLORER),
        ("src/optide/show/plotting.py", DRAWN),
        ("src/optide/show/rates_figure.py", RATES - {"results/rates.parquet"}),
        ("src/optide/numerics/richardson.py", TABLE2),
        ("src/optide/show/templates/explorer.js", EXPLORER),
        ("src/optide/studies/rates_solve.py", RATES),
        ("src/optide/record/mend.py", set()),
        ("src/optide/settings/yamlfile.py", set()),
        ("src/optide/settings/schema.py", set()),
        ("src/optide/claims/check.py", set()),
        ("workflow/scripts/claims.py", CLAIMS),
    ],
)
def test_an_edit_of_the_code_reruns_what_depends_on_it_and_nothing_else(moved, file, expected):
    before = (moved / file).read_bytes()
    (moved / file).write_bytes(before + b"\n// edited" if file.endswith(".js") else before + b"\n# edited")
    found = planned_there(moved)
    (moved / file).write_bytes(before)
    assert found == expected | END


def test_another_library_than_that_of_the_copy_is_a_warning(moved):
    code, output = snakemake(moved, "--dry-run", home=moved, PYTHONPATH=str(ROOT / "src"))
    assert code == 0
    assert f"warning: the library is imported from {ROOT}/src/optide, and not from the copy in {moved}" in output


def test_the_crate_has_the_configuration_that_ran_and_how_it_was_given(built, tmp_path):
    inputs = built / "results" / "inputs"
    assert (inputs / "config.yaml").read_text().endswith(f":\n#   config.yaml\n{REDUCED.read_text()}")
    assert (inputs / "claims.yaml").read_bytes() == CLAIMED.read_bytes()

    folder = shutil.copytree(built, tmp_path / "other")
    (folder / "off.yaml").write_text("rates: null\n")
    (folder / "config.yaml").rename(folder / "another.yaml")
    given = ["--configfile", folder / "another.yaml", folder / "off.yaml", "--config", "audit=false"]
    code, output = snakemake(folder, *given)
    assert code == 0, output
    assert output.count("warning: --config: audit is off: no results/audit, table 2 and figures/audit") == 1
    assert output.count("warning: off.yaml: rates is off: no results/rates.parquet and figures/rates") == 1
    ran = folder / "results" / "inputs" / "config.yaml"
    expected = {**yaml.safe_load(REDUCED.read_text()), "rates": None, "audit": False}
    assert yamlfile.read(ran) == yaml.safe_load(ran.read_text()) == expected
    lines = ("another.yaml", "off.yaml", "--config audit=false")
    assert ran.read_text().startswith(
        "# The configuration that ran, as it was given by:\n" + "".join(f"#   {line}\n" for line in lines)
    )
    described = {path.id for path in ROCrate(folder).data_entities}
    assert not described & (RATES | AUDIT | AUDITED | TABLE2)
    assert planned(folder, *given) == set()
    drawn = folder / "figures" / "converged" / "fig01.png"
    assert verify.main([str(drawn), "--directory", str(folder)]) == 0
    # the same again from what was recorded: as another way to give it, that is another record, and nothing else
    assert planned(folder, "--configfile", ran) == END


@pytest.mark.parametrize(
    ("part", "off", "without"),
    [("audit", "null", TABLE2 | AUDIT | AUDITED), ("audit", "", TABLE2 | AUDIT | AUDITED), ("rates", "false", RATES)],
)
def test_a_part_can_be_switched_off_from_the_command_line(tmp_path, part, off, without):
    shutil.copy(REDUCED, tmp_path)
    everything = SOLVED | DRAWN | TABLE | TABLE2 | EXPLORER | END
    assert planned(tmp_path, "--config", f"{part}={off}") == everything - without


def test_numbers_on_the_command_line_are_numbers(folder):
    sets = "experiments={quadratic-adagrad: {sets: [{hyperparameters: {}, steps: [20, 31]}]}}"
    expected = traces("quadratic-adagrad", "0.05", *ALL) | figures("fig01")
    assert planned(folder, "--config", sets) == expected | TABLE | CLAIMS | GALLERY | EXPLORER | END


def test_a_single_figure_needs_only_its_own_traces(tmp_path):
    shutil.copy(REDUCED, tmp_path / "config.yaml")
    needed = {f"figures/converged/fig01.{suffix}" for suffix in ("png", "pdf")}
    for rate in ("0.1", "0.05"):
        needed |= traces("quadratic-adagrad", rate, "discrete", "converged")
    assert planned(tmp_path, "figures/converged/fig01.png") == needed


def test_changing_a_beta_reruns_what_depends_on_it_only(folder):
    def change(config):
        config["experiments"]["double_well-adam"]["sets"][0]["hyperparameters"]["beta2"] = [0.9, 0.95]

    edited(folder, change)
    needed = traces("double_well-adam", "0.1", *ALL) | figures("fig02") | TABLE2 | AUDIT | AUDITED
    assert planned(folder) == needed | TABLE | CLAIMS | GALLERY | EXPLORER | END
    code, output = snakemake(folder, "--dry-run")
    assert code == 0
    assert re.search(
        r"warning: claims\.yaml: claims\.memory\.traces\[0\] = .* has no such configuration; the claim is", output
    )


def test_changing_the_steps_at_one_learning_rate_leaves_the_other(folder):
    edited(folder, lambda config: config["experiments"]["quadratic-adagrad"]["sets"][0].update(steps=[20, 31]))
    needed = traces("quadratic-adagrad", "0.05", *ALL) | figures("fig01")
    assert planned(folder) == needed | TABLE | CLAIMS | GALLERY | EXPLORER | END


def test_changing_a_claim_judges_again_and_nothing_else(folder):
    (folder / "claims.yaml").write_text(CLAIMED.read_text().replace("below: 1.0e-6", "below: 1.0e-5"))
    assert planned(folder) == CLAIMS | END


def test_changing_the_rates_leaves_all_else(folder):
    edited(folder, lambda config: config["rates"]["adagrad"].update(values=5))
    assert planned(folder) == RATES | END


def test_changing_the_audit_leaves_all_else(folder):
    edited(folder, lambda config: config["audit"]["substeps"].update(limit=[2, 4, 8]))
    assert planned(folder) == AUDITED | TABLE2 | END
    edited(folder, lambda config: config["audit"]["example"].update(first=5))
    assert planned(folder) == AUDIT | TABLE2 | END


def test_without_claims_rates_and_audit_there_is_no_rule_for_them(tmp_path):
    edited(tmp_path, lambda config: [config.pop("rates"), config.pop("audit")])
    assert not planned(tmp_path) & (CLAIMS | RATES | TABLE2 | AUDIT | AUDITED)
    for target in ("claims", "figures/claims.csv", "figures/rates.png", "figures/table2.csv", "figures/audit.png"):
        assert error(tmp_path, "--dry-run", target).startswith(f"{target}: no rule makes this; there are ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "experiment: double_well-adam",
            "experiment: double_well-adma",
            "claims.memory.traces[0].experiment = 'double_well-adma': no such experiment; there are quadratic-adagrad, "
            "double_well-adam, regression-rmsprop; did you mean 'double_well-adam'?",
        ),
        ("claims:", "claim:", "claim: unknown key; allowed: claims, atlas_claims; did you mean 'claims'?"),
        (
            "above: 20",
            "above: __import__('os')",
            "claims.slow.criterion.above = \"__import__('os')\": must be a number",
        ),
        ("  alike:", "  slow:", "line 10, column 3: key 'slow' is given twice"),
    ],
)
def test_bad_claims_are_one_line(tmp_path, old, new, message):
    shutil.copy(REDUCED, tmp_path)
    content = CLAIMED.read_text()
    assert old in content
    (tmp_path / "claims.yaml").write_text(content.replace(old, new, 1))
    assert error(tmp_path).startswith(f"claims.yaml: {message}")


def test_changing_a_figure_solves_nothing(folder):
    edited(folder, lambda config: config["figures"]["fig01"].update(quantity="theta"))
    assert planned(folder) == figures("fig01") | GALLERY | END


def test_changing_a_caption_draws_nothing(folder):
    edited(folder, lambda config: config["captions"]["fig01"].update(look="at the end"))
    assert planned(folder) == END


def test_an_experiment_that_no_figure_uses_is_a_warning(folder):
    edited(folder, lambda config: config["figures"].pop("fig01"))
    code, output = snakemake(folder, "--dry-run")
    assert code == 0
    assert "warning: config.yaml: experiments.quadratic-adagrad: no figure uses it" in output
    assert "warning: figures/published/fig01.png: no rule produces this file" in output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "experiments: [quadratic-adagrad]",
            "experiments: [quadratic-adagard]",
            "figures.fig01.rows[0].experiments[0] = 'quadratic-adagard': no such experiment; there are "
            "quadratic-adagrad, double_well-adam, regression-rmsprop; did you mean 'quadratic-adagrad'?",
        ),
        (
            "optimizer: adam",
            "optimiser: adam",
            "experiments.double_well-adam.optimiser: unknown key; allowed: objective, optimizer, theta0, t_start, "
            "learning_rates, sets; did you mean 'optimizer'?",
        ),
        (
            "beta1: [0.5]",
            "beta1: [.nan]",
            "experiments.double_well-adam.sets[0].hyperparameters.beta1[0] = nan: must be a number >= 0 and < 1",
        ),
        ("  regression-rmsprop:", "  double_well-adam:", "line 19, column 3: key 'double_well-adam' is given twice"),
        (
            "in a few steps",
            "in einigen Schritten (f\xfcr Tests)",
            "line 1: byte 0xfc is not UTF-8; the file must be UTF-8",
        ),
        (
            "experiments:",
            "__use_yte__: true\n__definitions__: [\"open('evaluated', 'w')\"]\nexperiments:",
            "__use_yte__: unknown key; allowed: plugins, experiments, figures, rates, audit, beyond, atlas, captions",
        ),
    ],
)
def test_a_bad_configuration_is_one_line(tmp_path, old, new, message):
    content = REDUCED.read_text()
    assert old in content
    (tmp_path / "config.yaml").write_bytes(content.replace(old, new, 1).encode("latin-1"))
    assert error(tmp_path).startswith(f"config.yaml: {message}")
    assert not (tmp_path / "evaluated").exists()


def test_the_command_line_goes_before_the_file(tmp_path):
    other = tmp_path / "another configuration.yaml"
    shutil.copy(REDUCED, other)
    needed = planned(tmp_path, "--configfile", other)
    shutil.copy(REDUCED, tmp_path / "config.yaml")
    assert needed == planned(tmp_path)
    figure = '{"fig04": {"quantity": "loss", "rows": [{"experiments": ["quadratic-adagrad"]}]}}'
    assert planned(tmp_path, "--config", f"figures={figure}") == needed | figures("fig04")


def test_a_file_that_no_rule_produces_is_a_warning(folder):
    stray = folder / "figures" / "converged" / "fig99.png"
    stray.write_bytes(b"")
    code, output = snakemake(folder, "--dry-run")
    stray.unlink()
    assert code == 0
    assert "warning: figures/converged/fig99.png: no rule produces this file" in output


@pytest.fixture(scope="module")
def accepted(built):
    """The finished run, accepted."""
    code, output = snakemake(built, "accept")
    assert code == 0, output
    assert "accepted 47 artefacts, 47 of them changed" in output
    return built


def test_planning_drawing_tables_and_checking_need_no_jax(accepted, without_jax):
    drawn = ("figure", "rates_figure", "audit_figure", "gallery", "explorer", "table1", "table2", "crate")
    code, output = snakemake(accepted, "all", "check", "--forcerun", *drawn, **without_jax)
    assert code == 0, output
    assert all(re.search(rf"^(local)?rule {rule}:$", output, flags=re.MULTILINE) for rule in drawn)
    assert "47 artefacts: 47 identical" in output


def test_reading_a_trace_imports_no_pandas(built):
    code = (
        "import sys; from optide.data import provenance, traces; "
        "assert traces.lanes(sys.argv[1])[0].theta.size; "
        "assert provenance.describe([sys.argv[1]], {})['traces']; assert 'pandas' not in sys.modules"
    )
    path = built / traces("quadratic-adagrad", "0.1", "published").pop()
    subprocess.run([sys.executable, "-c", code, path.relative_to(built)], cwd=built, check=True)


def another(accepted, folder):
    """A folder with nothing but the configuration and what was accepted."""
    shutil.copytree(accepted / "reproducibility", folder / "reproducibility")
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, folder)
    return folder


def test_another_folder_user_and_environment_give_the_same_bits(accepted, tmp_path):
    built, other = accepted, another(accepted, tmp_path / "ein anderer Ördner")
    (other / "matplotlibrc").write_text("font.size: 23\nfont.family: monospace\naxes.facecolor: red\nsavefig.dpi: 31\n")
    code, output = snakemake(
        other,
        "all",
        "check",
        cores=1,
        TZ="Asia/Kathmandu",
        LANG="tr_TR.UTF-8",
        LC_ALL="C",
        PYTHONHASHSEED="7",
        XLA_FLAGS="--xla_cpu_max_isa=AVX2 --xla_cpu_enable_fast_math=true",
        JAX_ENABLE_X64="0",
        OMP_NUM_THREADS="2",
        MATPLOTLIBRC=str(other / "matplotlibrc"),
        HOME=str(tmp_path),
        **POORER,
    )
    assert code == 0, output
    assert "47 artefacts: 47 identical" in output
    assert "every bit is as accepted" in output
    assert (other / "ro-crate-metadata.json").read_bytes() == (built / "ro-crate-metadata.json").read_bytes()

    (other / "figures" / "table1.md").write_text("another number")
    code, output = snakemake(other, "check", "--rerun-triggers", "input")
    assert code != 0
    assert re.search(r"different +figures/table1.md: carries no provenance", output)
    assert "CHECK FAILED: 1 artefacts are not as accepted" in output
    code, output = snakemake(other, "mend")
    assert code == 0, output
    assert "deleted figures/table1.md: not the bytes that the last whole run recorded\n1 file deleted" in output
    code, output = snakemake(other, "check")
    assert code == 0, output
    assert "47 artefacts: 47 identical" in output


def test_with_other_instructions_everything_agrees_but_one_wrong_value(accepted, tmp_path):
    other = another(accepted, tmp_path / "elsewhere")
    variables = built_with(WITH_FUSED, tmp_path)
    code, output = snakemake(other, "check", **variables)
    assert code == 0, output
    (summary,) = re.findall("^47 artefacts: (.*)$", output, flags=re.MULTILINE)
    counts = {level: int(count) for count, level in (part.split(" ", 1) for part in summary.split(", "))}
    # nothing is fused where LLVM does not optimise, as in short runs of the march
    assert {*counts} == {"identical", "equal within tolerance"}
    assert counts["equal within tolerance"] > 30
    assert "not the accepted environment: XLA_FLAGS " in output
    assert "all values agree within their tolerances" in output

    # figures and tables are made from it again
    path = other / "results/traces/converged/double_well-adam/lr0.1.parquet"
    table, described = optide_traces.read(path), optide_traces.metadata(path)
    theta = table["theta"].to_pylist()
    theta[4] *= 1 + 1e-5
    place = table.schema.get_field_index("theta")
    optide_traces.write(path, table.set_column(place, table.schema.field(place), pa.array(theta)), described)
    code, output = snakemake(other, "check", "--rerun-triggers", "mtime", **variables)
    assert code != 0
    assert re.search(
        r"different +results/traces/converged/double_well-adam/lr0.1.parquet: "
        r"largest relative difference (1.0e-05|9.[0-9]e-06), theta of .* in row 4: ",
        output,
    )
    for drawn in ("converged/fig02.png", "converged/fig02.pdf", "explorer.html"):
        assert re.search(rf"different +figures/{drawn}: ", output)
    assert re.search(r"equal within tolerance figures/published/fig01.png", output)


WRONG = (
    (64, "results/**/*.parquet", wrong.in_parquet),
    (16, "results/traces/**/*.parquet", wrong.in_metadata),
    (24, "figures/*.csv", wrong.in_csv),
    (12, "figures/*.md", wrong.in_page),
    (12, "figures/*.tex", wrong.in_page),
    (12, "figures/*[0-9s].html", wrong.in_page),
    (4, "figures/*.csv-metadata.json", wrong.in_csv_metadata),
    (12, "figures/explorer.html", wrong.in_explorer),
    (4, "figures/explorer.html", wrong.in_words_of_explorer),
    (12, "figures/**/*.png", wrong.in_drawing),
    (12, "figures/**/*.pdf", wrong.in_drawing),
    (4, "figures/*/*.p*", wrong.exchanged),
    (12, "figures/**/*[0-9s].png", wrong.in_pixels),
)
"""How many wrong values in which files."""


def test_each_of_200_wrong_values_is_found_on_another_machine(accepted, monkeypatch):
    """Residuals below 1e-9 are left out, which are rounding, as are the pixels of the figure that shows them."""
    monkeypatch.chdir(accepted)
    was, reference = manifest.read(Path("reproducibility"))
    was["environment"]["machine"] = "another"
    assert compare.changes(was["environment"], manifest.environment())
    rng = np.random.default_rng(0)
    found, missed = 0, []
    for times, pattern, change in WRONG:
        paths = sorted(path for path in Path().glob(pattern) if str(path) in {*was["results"], *was["files"]})
        for _ in range(times):
            path = paths[rng.integers(len(paths))]
            kept = {p: p.read_bytes() for p in {path, *path.parent.glob(f"{path.stem}.csv*")}}
            what = change(path, rng)
            kind = "results" if str(path) in was["results"] else "files"
            only = {"results": {}, "files": {}, kind: {str(path): was[kind][str(path)]}}
            now = manifest.describe(*([str(path)] if kind == of else [] for of in ("results", "files")))
            # the other results are as they were
            now["results"] = was["results"] | now["results"]
            verdicts = compare.compare(was | only | {"results": was["results"]}, reference, now)
            if compare.failed(verdicts):
                found += 1
            else:
                missed.append(f"{path}: {what}")
            for p, content in kept.items():
                p.write_bytes(content)
    assert missed == []
    assert found == sum(times for times, _, _ in WRONG) == 200


SHOW = """
const uri = results[arguments[0]].data_uri;
app.setView({navbarMode: "resultinfo", resultPath: arguments[0], content: "img", contentPath: uri});
"""
SHOWN = """
const image = document.querySelector("#app .grow img");
if (image?.getAttribute("src") !== results[arguments[0]].data_uri || !image.complete) return null;
const box = image.getBoundingClientRect();
return {
  natural: image.naturalWidth, drawn: box.width, caption: document.querySelector("#app .prose").innerText,
  inside: box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight,
};
"""


@pytest.fixture(scope="module")
def reports(built, tmp_path_factory):
    """The page of the report, as one file and in a folder."""
    folder = tmp_path_factory.mktemp("reports")
    # what the report embeds comes with Snakemake: any download would fail
    nowhere = "http://127.0.0.1:9"
    for suffix in ("html", "zip"):
        target = folder / f"report.{suffix}"
        code, output = snakemake(built, "--report", target, http_proxy=nowhere, https_proxy=nowhere)
        assert code == 0, output
    with zipfile.ZipFile(folder / "report.zip") as archive:
        archive.extractall(folder)
    return folder / "report.html", folder / "report" / "report.html"


@needs_chromium
def test_the_report_opens_in_a_browser_without_a_network_and_shows_every_figure(reports):
    for page in reports:
        with chromium(page, width=1100) as driver:
            front = WebDriverWait(driver, 20).until(lambda d: d.find_element(By.CSS_SELECTOR, "#app .prose"))
            assert "How to read this report" in front.text
            assert front.text.startswith("Optimizers and their integro-differential models")
            assert front.location["y"] >= 0
            assert f"Python {platform.python_version()}" in front.text
            shown = driver.execute_script("return results")
            files = figures("fig01", "fig02", "fig03") | TABLE | TABLE2 | CLAIMS | GALLERY
            files |= AUDIT | (RATES - {"results/rates.parquet"}) | {"results/times.html"}
            assert set(shown) == files
            assert all("Look at:" in result["caption"] for result in shown.values())
            columns = {"figure", "quantity", "objective", "optimizer", "scheme"}
            assert all(set(shown[path]["labels"]) == columns for path in figures("fig01", "fig02", "fig03"))
            assert set(driver.execute_script("return Object.keys(categories)")) == {
                *("quadratic", "double well", "regression", "audit", "claims", "overview")
            }
            for path in sorted(path for path in shown if path.endswith(".png")):
                driver.execute_script(SHOW, path)
                image = WebDriverWait(driver, 20).until(lambda d, path=path: d.execute_script(SHOWN, path))
                assert image["natural"] > 1000
                assert image["drawn"] > 300
                assert image["inside"]
                assert "Axes:" in image["caption"] or path in GALLERY
            for content, drawing in {"rulegraph": "#rulegraph", "stats": "#runtimes"}.items():
                driver.execute_script("app.setView({navbarMode: 'menu', content: arguments[0]})", content)
                WebDriverWait(driver, 20).until(lambda d, at=drawing: d.find_elements(By.CSS_SELECTOR, f"{at} canvas"))
            assert complaints(driver) == []
            assert requests(driver) == []


def front(driver):
    return WebDriverWait(driver, 20).until(lambda d: d.find_element(By.CSS_SELECTOR, "#app .prose"))


@needs_chromium
def test_every_entry_of_the_report_opens(reports):
    with chromium(reports[0], width=1100) as driver:
        front(driver)
        for category, parts in driver.execute_script("return categories").items():
            for part in parts:
                driver.refresh()
                front(driver)
                for entry in (category, part)[: len(parts)]:
                    link = f"//nav//a[normalize-space()='{entry}']"
                    found = WebDriverWait(driver, 20).until(lambda d, at=link: d.find_elements(By.XPATH, at), entry)
                    # what moves, as the menu when it opens, cannot be clicked
                    driver.execute_script("arguments[0].click()", found[0])
                WebDriverWait(driver, 20).until(
                    lambda d: d.find_elements(By.CSS_SELECTOR, "nav a[iconname=eye]"), f"{category}, {part}: nothing"
                )
        assert complaints(driver) == []


SNAKEMAKES_OWN = {"image-alt", "label-title-only", "link-name", "summary-name"}
"""What axe-core has against the menu and the charts, which are Snakemake's (docs/report.md)."""


@needs_chromium
@needs_axe
def test_on_any_screen_by_day_and_night_nobody_is_kept_out_of_what_is_ours_in_the_report(reports, built):
    with chromium(reports[0]) as driver:
        text = front(driver)
        WebDriverWait(driver, 20).until(lambda d: d.find_elements(By.TAG_NAME, "summary"))  # of the charts
        assert {rule for rule, _ in barriers(driver)} == SNAKEMAKES_OWN
        for width in in_all_looks(driver):
            # on a phone the menu, which is open at first, lies over the page
            driver.execute_script("app.setView({hideNavbar: true})")
            inside = "const box = arguments[0].getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth"
            WebDriverWait(driver, 20).until(lambda d, box=inside: d.execute_script(box, text), f"cut at {width}")
            assert barriers(driver, "#app .prose") == []
        driver.execute_script(SHOW, "figures/converged/fig01.png")
        caption = WebDriverWait(driver, 20).until(lambda d: d.find_element(By.CSS_SELECTOR, "nav .prose"))
        assert "Look at:" in caption.text
        assert barriers(driver, "nav .prose") == []
        pages = [*sorted((built / "figures").glob("*.html")), built / "results/times.html"]
        assert len(pages) == 5
        for page in pages:
            driver.get(page.as_uri())
            for _ in in_all_looks(driver):
                assert barriers(driver) == [], page
        assert complaints(driver) == []


def tab_to(driver, selector):
    """Walk from control to control with the keyboard until one of `selector` has the focus: that one."""
    for _ in range(50):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        focused = driver.switch_to.active_element
        if driver.execute_script("return arguments[0].matches(arguments[1])", focused, selector):
            return focused
    raise AssertionError(f"the keyboard does not reach {selector}")


@needs_chromium
def test_the_keyboard_alone_flips_the_switch_and_opens_a_figure_of_the_report(reports):
    with chromium(reports[0]) as driver:
        front(driver)
        for entry in ("quadratic", "on screen (PNG)"):
            while tab_to(driver, "nav a").text != entry:
                pass
            driver.switch_to.active_element.send_keys(Keys.ENTER)
        switch = tab_to(driver, "nav input[type=radio]")
        label = switch.find_element(By.XPATH, "..")
        assert label.value_of_css_property("outline-style") == "solid"
        switch.send_keys(Keys.ARROW_RIGHT)
        tab_to(driver, "nav a[iconname=eye]").send_keys(Keys.ENTER)
        opened = 'return app.state.contentPath === results["figures/published/fig01.png"].data_uri'
        WebDriverWait(driver, 20).until(lambda d: d.execute_script(opened))
        assert driver.find_element(By.CSS_SELECTOR, "#app .grow img").is_displayed()
        assert complaints(driver) == []

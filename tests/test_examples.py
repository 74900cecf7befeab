"""The examples: files from outside the package, each with a configuration of its own."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma, gammainc, gammaincc

from conftest import ROOT
from optide import solve_ide
from optide.data import provenance, traces
from optide.problem import plugins
from optide.problem.objectives import double_well
from optide.problem.registry import OPTIMIZERS
from optide.record import pages
from optide.record.contents import Known
from pipeline import PREFIX, planned, snakemake

EXAMPLES = ROOT / "examples"
KNOWN = Known(frozenset(), {})


def test_the_page_is_the_file_explained():
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/extending.md").read_text(), re.MULTILINE | re.DOTALL)
    code = (EXAMPLES / "ideas" / "ideas.py").read_text()
    assert "\n\n\n".join(block.strip() for block in blocks) == code.strip()
    assert len(code.splitlines()) <= 60


@pytest.fixture(scope="module")
def ideas(tmp_path_factory):
    """Everything that the workflow makes of the first example."""
    folder = tmp_path_factory.mktemp("with ideas") / "of mine"
    shutil.copytree(EXAMPLES / "ideas", folder, ignore=shutil.ignore_patterns("results", "figures", ".snakemake"))
    code, output = snakemake(folder)
    assert code == 0, output
    return folder


def test_no_file_of_the_package_knows_of_it():
    words = re.compile(r"adamw|heavy_ball|rosenbrock|long_adam", re.IGNORECASE)
    for path in (ROOT / "src").rglob("*.*"):
        # a valley of its own, in many dimensions, is among the problems beyond the paper's
        if path.suffix in (".py", ".js", ".html", ".css") and path.name != "beyond_problems.py":
            assert not words.search(path.read_text(encoding="utf-8")), path


def test_it_is_used_like_what_is_built_in(ideas):
    table = pd.read_csv(ideas / "figures/table1.csv")
    assert {*table["optimizer"]} == {"adamw", "heavy_ball"}
    adamw = table[(table["optimizer"] == "adamw") & (table["objective"] == "quadratic")]
    assert sorted({*adamw["decay"]}) == [0.0, 0.1]
    valley = table[table["objective"] == "rosenbrock"].iloc[0]
    assert (valley["theta0[0]"], valley["theta0[1]"], valley["discrete_minimum[0]"]) == (-1, 1, 1)
    path = "results/traces/{}/rosenbrock-adamw/lr0.02.parquet"
    (discrete,), (converged,) = (traces.lanes(ideas / path.format(scheme)) for scheme in ("discrete", "converged"))
    assert discrete.theta.shape == (100, 2)
    assert valley["converged_theta_gap_max"] == np.abs(discrete.theta - converged.theta).max()
    audited = pd.read_csv(ideas / "figures/table2.csv")
    assert len(audited) == 4
    assert (audited["limit_status"].isna()).all()
    claims = pd.read_csv(ideas / "figures/claims.csv")
    assert {*claims["model"]} == {"discrete", "published", "converged"}
    assert {*claims["decay"]} == {0.0, 0.1}
    assert {*claims.loc[claims["experiment"] == "rosenbrock-adamw", "theta0[1]"]} == {1.0}
    page = (ideas / "figures/explorer.html").read_text(encoding="utf-8")
    assert '"adamw": "AdamW"' in page
    assert '"heavy_ball": "heavy ball"' in page
    assert "θ[1]" in page or r"\u03b8[1]" in page
    for name in ("decay", "momentum", "valley"):
        assert (ideas / f"figures/converged/{name}.png").exists()
    assert (ideas / "results/inputs/ideas.py").read_bytes() == (ideas / "ideas.py").read_bytes()
    assert "results/inputs/ideas.py" in (ideas / "ro-crate-metadata.json").read_text()


def test_it_is_accepted_and_checked(ideas):
    try:
        for task, said in (("accept", "of them changed"), ("check", "every bit is as accepted")):
            code, output = snakemake(ideas, task)
            assert code == 0, output
            assert said in output
    finally:
        shutil.rmtree(ideas / "reproducibility", ignore_errors=True)


def test_a_chaotic_solution_from_a_list_is_known_again_in_tables_and_the_explorer(ideas):
    (lane,) = traces.lanes(ideas / "results/traces/published/rosenbrock-adamw/lr0.02.parquet")
    chaotic = Known(frozenset([traces.name(lane.configuration)]), {})
    for name in ("table1.csv", "table1.html", "claims.csv", "claims.md", "explorer.html"):
        path = ideas / "figures" / name
        known, unknown = ([(one.name, one.places.tolist()) for one in pages.columns(path, k)] for k in (chaotic, KNOWN))
        assert known != unknown, name


def test_its_digest_goes_with_its_traces_and_no_others(ideas):
    path = "results/traces/converged/quadratic-adamw/lr0.1.parquet"
    described = traces.metadata(ideas / path)
    assert [*described["configuration"]["plugins"]] == ["ideas.py"]
    (first, *_) = traces.lanes(ideas / path)
    assert first.configuration["hyperparameters"] == {"beta1": 0.9, "beta2": 0.99, "decay": 0.0}
    assert path in provenance.read(ideas / "figures/converged/decay.png")["traces"]


def test_an_edit_of_it_reruns_what_uses_it(ideas):
    assert planned(ideas) == set()
    file = ideas / "ideas.py"
    before = file.read_text()
    try:
        file.write_text(before.replace("momentum", "impetus"))
        changed = planned(ideas)
    finally:
        file.write_text(before)
    assert "results/traces/discrete/quadratic-heavy_ball/lr0.1.parquet" in changed
    assert "figures/converged/decay.png" in changed
    assert planned(ideas) == set()


def test_a_mistake_in_it_is_one_line(ideas):
    file = ideas / "ideas.py"
    before = file.read_text()
    try:
        file.write_text(before.replace("def memories", "def memory"))
        code, output = snakemake(ideas, "--dry-run", PYTHONWARNINGS="ignore")
    finally:
        file.write_text(before)
    assert code == 1
    (line,) = [line for line in output.splitlines() if "ideas.py" in line]
    assert re.fullmatch(rf"{PREFIX}ideas\.py, line \d+: class HeavyBall lacks memories", line)


@pytest.fixture(scope="module")
def long_memory():
    path = EXAMPLES / "power_law" / "power_law.py"
    plugins.load([path])
    yield OPTIMIZERS["long_adam"], plugins.PLUGINS[path.resolve()]
    plugins.unload(path)


@pytest.mark.parametrize("p", [1.5, 1.75, 2.0])
def test_a_power_law_is_a_sum_of_exponentials_within_its_bound(long_memory, p):
    make, _ = long_memory
    module = __import__("sys").modules[make.__module__]
    kernels = [memory for name, memory in make(0.1, tau=10.0, p=p).memories().items() if name != "m"]
    age = np.concatenate([[0], np.geomspace(1e-3, module.LONGEST, 4000)])  # in units of tau
    found = sum(float(one.weight) * np.exp(-float(one.rate) * age * 10.0 * 0.1) for one in kernels)
    wanted = (p - 1) / (10.0 * 0.1) * (1 + age) ** -p
    measured = np.abs(found / wanted - 1).max()
    last = module.FIRST + module.STEP * (module.COUNT - 1)
    # of the sum before its weights are made to add up to 1, which at most doubles it; scipy's Gamma functions
    step = 2 * sum(abs(gamma(p + 2j * np.pi * k / module.STEP)) for k in (1, 2, 3)) / gamma(p)
    low, high = gammainc(p, np.exp(module.FIRST) * (1 + module.LONGEST)), gammaincc(p, np.exp(last))
    assert low <= (np.exp(module.FIRST) * (1 + module.LONGEST)) ** p / gamma(p + 1)
    error = step + low + high
    assert measured <= 2 * error / (1 - error) <= module.BOUND


def test_its_memories_are_known_by_name(long_memory):
    """There are so many that their order in the alphabet, v10 before v2, is another: once they were mixed up."""
    make, _ = long_memory
    by = {how: solve_ide(make(0.1, tau=10.0), double_well, 0.1, 150, coupling=how) for how in ("matrix", "products")}
    # both are solved to 1e-14 a step
    np.testing.assert_allclose(by["matrix"].theta, by["products"].theta, rtol=0, atol=1e-11)


def test_its_figure_is_made_by_the_command_of_its_page(tmp_path):
    folder = tmp_path / "power_law"
    shutil.copytree(EXAMPLES / "power_law", folder, ignore=shutil.ignore_patterns("results", "figures", ".snakemake"))
    code, output = snakemake(folder, "figures/converged/long_memory.png")
    assert code == 0, output
    assert (folder / "figures/converged/long_memory.png").exists()

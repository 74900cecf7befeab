import csv
from typing import ClassVar

import numpy as np
import pytest

from optide.base.errors import ConfigError
from optide.data import frames, provenance, traces
from optide.problem.kernels import Memory
from optide.problem.optimizer import Optimizer
from optide.problem.registry import OBJECTIVES, OPTIMIZERS
from optide.problem.vocabulary import NONNEGATIVE, UNIT_INTERVAL, State, hyperparameter
from optide.settings.config import experiment_slice
from optide.show import table1
from optide.studies import comparison
from optide.studies.experiments import run
from tex import valid

MINIMA = {name: objective.minima for name, objective in OBJECTIVES.items()}


@pytest.fixture(scope="module")
def compared(config, tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "x.parquet"
    lanes = []
    for name in ("quadratic-adam", "double_well-adagrad"):
        for scheme in ("converged", "discrete", "published"):
            trace, metadata = run(experiment_slice(config, name, 0.1), scheme)
            traces.write(path, trace, metadata)
            lanes += traces.lanes(path)
    return comparison.table(lanes, MINIMA)


def test_one_row_a_configuration_in_order(compared):
    assert [*compared["experiment"]] == ["quadratic-adam"] * 4 + ["double_well-adagrad"] * 3
    given = ["experiment", "set", "objective", "optimizer", "learning_rate", "beta1", "beta2", "theta0", "steps"]
    assert [*compared][: len(given) + 2] == [*given, "memory_m", "memory_v"]
    gaps = [name for name in compared if name.startswith("published") and name.endswith("max")]
    assert gaps == [f"published_{curve}_gap_max" for curve in ("theta", "G", "m", "v")]


def test_measures_of_a_row(compared):
    rows = compared.to_dict("records")
    adam, adagrad = rows[0], rows[4]
    assert (adam["memory_m"], adam["memory_v"]) == (1, pytest.approx(100))
    # what it does not have is null, and no NaN, which is what cannot be measured
    assert adagrad["memory_v"] is adagrad["beta1"] is adam["converged_G_gap_max"] is None
    assert adam["converged_minimum"] == adam["discrete_minimum"] == 4
    assert adagrad["converged_minimum"] == 1
    # the schemes solve the same equations: their gaps to the discrete model differ by 1e-4 at most
    for row in rows:
        for measure in ("theta_gap_max", "theta_gap_rms"):
            assert row[f"published_{measure}"] == pytest.approx(row[f"converged_{measure}"], abs=3e-3)
        assert row["converged_residual"] < 1e-10
        assert row["converged_theta_gap_rms"] <= row["converged_theta_gap_max"]
    # measured once by hand: the start one step late costs a gap of about one step, 0.1
    assert 0.05 < adam["converged_theta_gap_max"] < 0.3
    # the maximum of the double well is never left
    assert rows[5]["theta0"] == 0
    assert rows[5]["converged_theta_gap_max"] == 0
    assert np.isnan(rows[5]["converged_decay_rate"])


def test_formats(compared, tmp_path):
    record = {"configuration": {"experiments": "0"}, "traces": {"x.parquet": "1"}}
    for suffix in ("csv", "csv-metadata.json", "md", "html", "tex"):
        table1.write(compared, tmp_path / f"table.{suffix}", record)
        assert suffix == "csv" or provenance.read(tmp_path / f"table.{suffix}") == record
    with (tmp_path / "table.csv").open(encoding="utf-8") as stream:
        read = list(csv.DictReader(stream))
    assert [row["converged_theta_gap_max"] for row in read] == [*map(repr, compared["converged_theta_gap_max"])]
    assert (read[5]["converged_decay_rate"], read[5]["memory_v"], read[5]["steps"]) == ("nan", "", "50")
    markdown = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert len([line for line in markdown if line.startswith("|")]) == 2 + len(compared)
    assert "| max Δ(G or v)" in markdown[0]
    page = (tmp_path / "table.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 1 + len(compared)
    assert page.count('<th scope="col">') == markdown[0].count("|") - 1
    assert '<html lang="en">' in page
    assert "<title>Table 1</title>" in page
    assert "<caption>Table 1</caption>" in page
    latex = (tmp_path / "table.tex").read_text(encoding="utf-8")
    valid(latex)
    assert r"double\_well-adagrad" in latex
    body = latex.split(r"\endlastfoot")[1].split(r"\end{longtable}")[0]
    assert body.count(r"\\") == len(compared)


def test_the_numbers_of_a_configuration_are_no_other_numbers(compared, tmp_path):
    near = compared.head(1).assign(learning_rate=0.123456, beta1=0.9, beta2=0.99999999, theta0=1.00001)
    table1.write(near, tmp_path / "table.md", {"configuration": {}, "traces": {}})
    (line,) = (line for line in (tmp_path / "table.md").read_text(encoding="utf-8").splitlines() if "adam" in line)
    assert [cell.strip() for cell in line.split("|")[2:5]] == ["0.123456", "0.9, 0.99999999", "1.00001"]


class Remembering(Optimizer):
    """Stands for an optimizer of someone else's: a memory of each of its states, the first without end."""

    def memories(self):
        first, *others = self.states
        rate = (1 - getattr(self, next(iter(self.choices())))) / self.learning_rate
        return {first: Memory(1, 1.0, 0.0), **{state: Memory(2, 1.0, rate) for state in others}}


class AdamW(Remembering):
    beta1 = hyperparameter(UNIT_INTERVAL)
    beta2 = hyperparameter(UNIT_INTERVAL)
    decay = hyperparameter(NONNEGATIVE)
    states: ClassVar = {"m": State("m"), "v": State("v")}


class HeavyBall(Remembering):
    name = "heavy_ball"
    beta = hyperparameter(UNIT_INTERVAL)
    states: ClassVar = {"m": State("m")}


class Three(Remembering):
    rho = hyperparameter(UNIT_INTERVAL)
    states: ClassVar = {"a": State("a"), "b": State("b"), "slow_c": State(r"\mathrm{slow\ c}")}


@pytest.fixture
def others(monkeypatch):
    for optimizer in (AdamW, HeavyBall, Three):
        monkeypatch.setitem(OPTIMIZERS, optimizer.name, optimizer)


def lanes_of(optimizer, **hyperparameters):
    """A configuration by all schemes, of two steps."""
    k = np.arange(2)
    configuration = {"experiment": f"quadratic-{optimizer}", "set": "", "objective": "quadratic", "steps": 2}
    configuration |= {"optimizer": optimizer, "hyperparameters": hyperparameters, "learning_rate": 0.1, "theta0": 1.0}
    configuration |= {"iterations": 3, "residual": 1e-12, "converged": True}
    for scheme, shift in {"discrete": 0.0, "published": 0.2, "converged": sum(hyperparameters.values())}.items():
        values = {"k": k, "t": 0.1 * k, "u": 0.1 * k, "theta": 1 + k + shift, "loss": 1.0 / (1 + k)}
        values |= {state: k + i * shift for i, state in enumerate(OPTIMIZERS[optimizer].states, 1)}
        yield traces.Trace({**configuration, "scheme": scheme}, values)


@pytest.mark.usefixtures("others")
def test_another_optimizer_has_its_columns_and_no_row_goes_over_another(tmp_path):
    decays = (0.0, 0.01)
    adamw = [lane for decay in decays for lane in lanes_of("adamw", beta1=0.9, beta2=0.99, decay=decay)]
    three = lanes_of("three", rho=0.75)
    table = comparison.table([*adamw, *lanes_of("heavy_ball", beta=0.5), *three], MINIMA)
    assert [*table["decay"].dropna()] == [*decays]
    rows = table.to_dict("records")
    for row, decay in zip(rows, decays, strict=False):
        assert row["converged_theta_gap_max"] == pytest.approx(1.89 + decay)
    assert [*table.columns[5:11]] == ["beta", "beta1", "beta2", "decay", "rho", "theta0"]
    memories = [name for name in table if name.startswith("memory")]
    assert memories == ["memory_b", "memory_slow_c", "memory_v"]
    assert rows[-1]["memory_slow_c"] == pytest.approx(4)
    assert rows[-1]["converged_slow_c_gap_max"] == pytest.approx(3 * 0.75)
    assert rows[-1]["converged_m_gap_max"] is None
    for suffix in ("csv", "md", "html", "tex"):
        table1.write(table, tmp_path / f"table.{suffix}", {"configuration": {}, "traces": {}})
    markdown = (tmp_path / "table.md").read_text(encoding="utf-8")
    headings, _, first, second, third, last = ([*map(str.strip, x.split("|"))] for x in markdown.splitlines()[:6])
    assert headings[3] == "hyper-parameters"
    assert headings[8] == "max Δ(m or slow_c or v)"
    cells = [first[3], second[3], third[3], last[3]]
    assert cells == ["beta1=0.9 beta2=0.99 decay=0", "beta1=0.9 beta2=0.99 decay=0.01", "beta=0.5", "rho=0.75"]
    assert last[8] == "2.25"
    latex = (tmp_path / "table.tex").read_text(encoding="utf-8")
    valid(latex)
    assert r"$\max|\Delta m|, |\Delta \mathrm{slow\ c}|, |\Delta v|$" in latex


@pytest.mark.usefixtures("others")
def test_a_single_letter_is_the_heading_of_its_numbers(tmp_path):
    table1.write(
        comparison.table(lanes_of("three", rho=0.75), MINIMA), tmp_path / "x.md", {"configuration": {}, "traces": {}}
    )
    first, _, row = ([*map(str.strip, line.split("|"))] for line in (tmp_path / "x.md").read_text().splitlines()[:3])
    assert (first[3], row[3], first[8]) == ("rho", "0.75", "max Δslow_c")


def test_a_hyperparameter_with_the_name_of_another_column_is_refused():
    with pytest.raises(ConfigError, match=r"^steps: a hyper-parameter or state of this name, which another column"):
        frames.frame([], frames.columns([{"hyperparameters": {"steps": 3.0}, "theta0": 1.0}]))


def test_a_value_without_a_column_is_not_lost():
    with pytest.raises(KeyError, match="no column 'b'"):
        frames.frame([{"a": 1}, {"a": 1, "b": 2}], ["a"])

import csv

import numpy as np
import pytest

from optide.data import provenance, traces
from optide.problem.registry import OBJECTIVES
from optide.settings.config import experiment_slice
from optide.show import table1
from optide.studies import comparison
from optide.studies.experiments import run

MINIMA = {name: objective.minima for name, objective in OBJECTIVES.items()}


@pytest.fixture(scope="module")
def rows(config, tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "x.parquet"
    lanes = []
    for name in ("quadratic-adam", "double_well-adagrad"):
        for scheme in ("converged", "discrete", "published"):
            trace, metadata = run(experiment_slice(config, name, 0.1), scheme)
            traces.write(path, trace, metadata)
            lanes += traces.lanes(path)
    return comparison.rows(lanes, MINIMA)


def test_one_row_a_configuration_in_order(rows):
    assert [row["experiment"] for row in rows] == ["quadratic-adam"] * 4 + ["double_well-adagrad"] * 3
    assert all(tuple(row) == comparison.COLUMNS for row in rows)


def test_measures_of_a_row(rows):
    adam, adagrad = rows[0], rows[4]
    assert (adam["memory_m"], adam["memory_v"]) == (1, pytest.approx(100))
    assert adagrad["memory_v"] is None
    assert adam["converged_minimum"] == adam["discrete_minimum"] == 4
    assert adagrad["converged_minimum"] == 1
    assert adam["converged_G_gap_max"] is None
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


def test_formats(rows, tmp_path):
    record = {"configuration": {"experiments": "0"}, "traces": {"x.parquet": "1"}}
    for suffix in ("csv", "csv-metadata.json", "md", "html", "tex"):
        table1.write(rows, tmp_path / f"table.{suffix}", record)
        assert suffix == "csv" or provenance.read(tmp_path / f"table.{suffix}") == record
    with (tmp_path / "table.csv").open(encoding="utf-8") as stream:
        read = list(csv.DictReader(stream))
    assert [float(row["converged_theta_gap_max"]) for row in read] == [row["converged_theta_gap_max"] for row in rows]
    markdown = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert len([line for line in markdown if line.startswith("|")]) == 2 + len(rows)
    page = (tmp_path / "table.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 1 + len(rows)
    assert "<title>table</title>" in page
    latex = (tmp_path / "table.tex").read_text(encoding="utf-8")
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{longtable}", r"\end{longtable}"):
        assert latex.count(rule) == 1
    assert r"\hline" not in latex
    assert r"double\_well-adagrad" in latex
    body = latex.split(r"\endfoot")[1].split(r"\end{longtable}")[0]
    assert body.count(r"\\") == len(rows)


def test_the_numbers_of_a_configuration_are_no_other_numbers(rows, tmp_path):
    near = {"learning_rate": 0.123456, "beta1": 0.9, "beta2": 0.99999999, "theta0": 1.00001}
    table1.write([rows[0] | near], tmp_path / "table.md", {"configuration": {}, "traces": {}})
    (line,) = (line for line in (tmp_path / "table.md").read_text(encoding="utf-8").splitlines() if "adam" in line)
    assert [cell.strip() for cell in line.split("|")[2:5]] == ["0.123456", "0.9, 0.99999999", "1.00001"]

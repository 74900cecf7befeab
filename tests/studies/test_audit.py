"""Limits of synthetic sequences, the rows of table 2, and the files of the audit."""

import csv
import itertools

import numpy as np
import pytest

from optide import solve_ide
from optide.base.errors import ConfigError, FileError
from optide.data import provenance, seal, traces
from optide.numerics import richardson
from optide.problem.objectives import double_well, quadratic, regression
from optide.problem.optimizers import RMSProp
from optide.settings.config import experiment_slice
from optide.show import audit_figure, table2
from optide.show.logscale import PortableLogScale
from optide.studies import audit, audit_solve, decomposition
from optide.studies.audit import AS_CONFIGURED, WITHOUT_LOOKAHEAD, Solved, Treatment
from optide.studies.experiments import run
from vision import confused

X = np.linspace(0, 3, 50)
SETTINGS = {"substeps": {"limit": [1, 2, 4], "no_lookahead": [1, 2, 4]}, "order": 2}


def sequence(order, *more, substeps=(1, 2, 4)):
    """cos(X) with an error of an order, and of others."""
    h = 0.1 / np.asarray(substeps)[:, None]
    return [*(np.cos(X) + sum(np.sin((p + 2) * X) * h**p for p in (order, *more)))]


@pytest.mark.parametrize("order", [1, 2])
def test_a_pure_order_is_seen_and_its_limit_exact(order):
    found = richardson.limit(sequence(order), order)
    # up to rounding, of 1e-16 relative to differences of 1e-3
    np.testing.assert_allclose(found.values, np.cos(X), rtol=0, atol=1e-15)
    assert found.order == pytest.approx(order, abs=1e-10)
    assert found.error < 1e-15
    assert found.convergent


def test_the_error_is_estimated_from_above():
    found = richardson.limit(sequence(2, 3), 2)
    assert np.max(np.abs(found.values - np.cos(X))) < found.error < 1e-3
    # the next order shifts the one observed by about h
    assert found.order == pytest.approx(2, abs=0.2)


def test_only_the_three_finest_count():
    substeps = (1, 2, 4, 8)
    np.testing.assert_array_equal(
        richardson.limit(sequence(2, 3, substeps=substeps), 2).values,
        richardson.limit(sequence(2, 3, substeps=substeps[1:]), 2).values,
    )


def test_what_does_not_converge_is_said():
    grows = richardson.limit([X, X + 0.1, X - 0.1], 2)
    assert grows.order == pytest.approx(-1)
    assert not grows.convergent
    assert not richardson.limit(sequence(1), 2).convergent
    assert not richardson.limit([X, X + 0.1, X + 0.1], 2).convergent


def test_what_does_not_move_has_a_limit_and_no_order():
    still = np.zeros(5)
    found = richardson.limit([still, still, still + 1e-13], 1)
    assert np.isnan(found.order)
    assert found.convergent
    assert found.error < 1e-12


CONFIGURATION = {
    **{"experiment": "e", "set": "", "learning_rate": 0.1, "theta0": 1.0, "hyperparameters": {"beta": 0.9}},
    **{"objective": "quadratic", "optimizer": "rmsprop", "steps": len(X), "converged": True},
}


def synthetic(shift, *, failed=(), aligned=None, **more):
    """The lanes of a configuration whose equation tends to cos(X) + shift, while the algorithm gives cos(X); and what
    was solved."""
    configuration = CONFIGURATION | more
    k = np.arange(len(X))

    def lane(scheme, theta):
        return traces.Trace({**configuration, "scheme": scheme}, {"k": k, "theta": theta})

    lanes = [lane(s, np.cos(X) + gap) for s, gap in {"discrete": 0.0, "published": 0.3, "converged": 0.2}.items()]
    solved = {Treatment(1, 2, r): theta + shift for r, theta in zip((1, 2, 4), sequence(2), strict=True)}
    solved |= {Treatment(0, 2, r): theta for r, theta in zip((1, 2, 4), sequence(1), strict=True)}
    solved[WITHOUT_LOOKAHEAD] = np.cos(X) + 0.15
    if aligned is not None:
        solved[AS_CONFIGURED] = np.cos(X) + aligned
    key = traces.key(configuration)
    return lanes, [Solved(key, treatment, treatment not in failed, theta) for treatment, theta in solved.items()]


def table(*configurations):
    """Table 2 of synthetic configurations."""
    lanes, solutions = (itertools.chain(*parts) for parts in zip(*configurations, strict=True))
    return decomposition.table(lanes, solutions, SETTINGS)


def row_of(*arguments, **keywords):
    (row,) = table(synthetic(*arguments, **keywords)).to_dict("records")
    return row


def test_a_row_takes_the_gap_apart():
    row = row_of(0.05, aligned=0.1)
    parts = [row[f"{name}_gap"] for name in ("published", "converged", "aligned", "without_lookahead", "limit")]
    assert parts == pytest.approx([0.3, 0.2, 0.1, 0.15, 0.05])
    assert row["limit_order"] == pytest.approx(2)
    assert row["limit_status"] == ""
    # of order 1, where the method has 2
    assert row["no_lookahead_status"] == decomposition.NO_ORDER
    assert row["no_lookahead_order"] == pytest.approx(1)
    assert row["no_lookahead_gap"] is None
    assert decomposition.summary(table(synthetic(0.05))).splitlines()[0].startswith("limit: 1 of 1, 0: ")


def test_where_the_start_is_aligned_as_configured_nothing_else_was_solved():
    assert row_of(0.0)["aligned_gap"] == pytest.approx(0.2)


def test_a_solve_that_failed_gives_no_number():
    row = row_of(0.0, failed=[Treatment(1, 2, 4)])
    assert row["limit_status"] == decomposition.NOT_SOLVED
    assert row["limit_gap"] is row["limit_error"] is row["limit_4"] is None
    assert row["limit_2"] > 0


def test_rows_that_differ_in_any_hyperparameter_are_two():
    both = [synthetic(shift, hyperparameters={"beta": 0.9, "decay": shift}) for shift in (0.05, 0.1)]
    found = table(*both)
    assert [*found.columns[4:8]] == ["learning_rate", "beta", "decay", "theta0"]
    assert [*found["limit_gap"]] == pytest.approx([0.05, 0.1])
    assert [*found["decay"]] == [0.05, 0.1]


def test_formats(tmp_path):
    found = table(synthetic(0.05), synthetic(0.0, failed=[Treatment(1, 2, 4)], theta0=2.0))
    record = {"configuration": {"audit": "0"}, "traces": {"x.parquet": "1"}}
    for suffix in ("csv", "csv-metadata.json", "md", "html", "tex"):
        table2.write(found, tmp_path / f"table2.{suffix}", record, SETTINGS)
        assert suffix == "csv" or provenance.read(tmp_path / f"table2.{suffix}") == record
    with (tmp_path / "table2.csv").open(encoding="utf-8") as stream:
        read = list(csv.DictReader(stream))
    assert [row["limit_gap"] for row in read] == [repr(found["limit_gap"][0]), ""]
    markdown = (tmp_path / "table2.md").read_text(encoding="utf-8")
    assert markdown.count("a solve did not converge") == 1
    assert len([line for line in markdown.splitlines() if line.startswith("|")]) == 2 + len(found)
    assert "the order observed is to be 2." in markdown
    table2.write(found, tmp_path / "table2.md", record, SETTINGS | {"order": 1})
    assert "the order observed is to be 1." in (tmp_path / "table2.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def experiment(config):
    """RMSProp on the quadratic, in a few steps."""
    part = experiment_slice(config, "quadratic-rmsprop", 0.1)
    return {**part, "sets": [{"name": "", "hyperparameters": {"beta": [0.9]}, "steps": 20}]}


EXAMPLE = {"theta0": 1.0, "hyperparameters": {"beta": 0.9}, "first": 5}


def test_an_experiment_is_solved_in_all_ways_written_and_read(experiment, tmp_path):
    path = tmp_path / "audit.parquet"
    settings = {**SETTINGS, "order": 1}
    other = {**experiment, "experiment": "double_well-rmsprop", "objective": "double_well", "theta0": [0.1]}
    other["sets"] = [{**experiment["sets"][0], "steps": 15}]
    slices = [experiment, other]
    table, lanes = audit_solve.compute(slices, settings)
    audit.write(path, table, {"experiments": slices, "audit": settings}, lanes)
    solved = {(one.key[0], one.treatment): one for one in audit.read(path)}
    for name, steps in {"quadratic-rmsprop": 20, "double_well-rmsprop": 15}.items():
        own = {treatment: one for (of, treatment), one in solved.items() if of == name}
        assert [*own] == audit.treatments("origin", settings)
        assert all(one.converged and one.theta.shape == (steps,) for one in own.values())
    refined = [one.theta for (_, treatment), one in solved.items() if treatment.lookahead == 1][::2]
    found = richardson.limit(refined, 1)
    # before v is small, Euler's method shows its order
    assert found.convergent
    assert found.error < np.max(np.abs(refined[-1] - refined[-2]))

    table = seal.read(path)
    seal.write(path, table.drop_columns(["theta"]))
    with pytest.raises(FileError, match="columns are not those of an audit of this version; `optide run mend`"):
        audit.read(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileError, match=r"audit\.parquet: damaged"):
        audit.read(path)


def test_objectives_side_by_side_are_solved_as_alone():
    both = audit_solve.SideBySide((quadratic, double_well, regression))
    optimizer = RMSProp(0.1, beta=0.9)
    for objective, theta0 in ((quadratic, 1.0), (double_well, 0.1), (double_well, 0.0), (regression, 0.0)):
        origin = both.origin(objective)
        alone = solve_ide(optimizer, objective, theta0, 12).theta
        np.testing.assert_allclose(
            solve_ide(optimizer, both, theta0 + origin, 12).theta - origin, alone, rtol=0, atol=1e-12
        )


def test_only_a_start_that_is_not_aligned_is_solved_as_configured():
    assert {*audit.treatments("one_step", SETTINGS)} - {*audit.treatments("origin", SETTINGS)} == {AS_CONFIGURED}


def test_the_figure_shows_both_schemes_and_their_residuals(experiment, tmp_path):
    path = tmp_path / "x.parquet"
    lanes = []
    for scheme in ("discrete", "published", "converged"):
        traces.write(path, *run(experiment, scheme))
        lanes += traces.lanes(path)
    assert all(audit.is_example(lane.configuration, EXAMPLE) for lane in lanes)
    residuals = [lane.configuration["residuals"] for lane in lanes[1:]]
    assert residuals[0][-1] < 1e-4
    assert residuals[1][-1] < 1e-12
    figure = audit_figure.draw(lanes, quadratic.minima, EXAMPLE["first"])
    tail, residual, moment = figure.axes
    logarithmic = moment.yaxis, residual.xaxis, residual.yaxis
    assert (len(tail.lines), len(moment.lines), len(residual.lines)) == (3, 3, 2)
    assert tail.get_xlim()[0] == EXAMPLE["first"]
    colours = {line.get_label(): line.get_color() for line in moment.lines}
    assert len(set(colours.values())) == 3
    assert confused(figure) == set()
    assert [line.get_color() for line in residual.lines] == [*colours.values()][:2]
    np.testing.assert_array_equal(residual.lines[0].get_ydata(), residuals[0])
    assert all(isinstance(axis.get_transform(), type(PortableLogScale().get_transform())) for axis in logarithmic)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [*colours]
    assert tail.get_ylabel() == r"$\theta -4$"
    assert audit_figure.draw(lanes, (-1.0,), EXAMPLE["first"]).axes[0].get_ylabel() == r"$\theta +1$"
    between = lanes[-1]._replace(values={**lanes[-1].values, "theta": np.zeros_like(lanes[-1].values["theta"])})
    with pytest.raises(ConfigError, match=r"^audit\.example: ends midway between two minima"):
        audit_figure.draw([*lanes[:-1], between], (-1.0, 1.0), EXAMPLE["first"])

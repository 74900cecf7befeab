"""The atlas: its grid, what is measured of curves, and the rows of a shard against the solver one by one."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from optide import Adam, RMSProp, run_discrete, solve_ide
from optide.base.errors import FileError
from optide.data import digests
from optide.numerics import metrics
from optide.objectives import double_well, quadratic
from optide.settings import atlas as regions
from optide.settings.atlas import Rows
from optide.studies import atlas, atlas_measures, atlas_solve

RMSPROP = {
    "objective": "double_well",
    "optimizer": "rmsprop",
    "t_start": "origin",
    "steps": [12, 20],
    "theta0": {"from": -1.5, "to": 1.5, "values": 3, "spacing": "linear"},
    "hyperparameters": {"beta": [0.0, 0.9]},
    "learning_rates": {"from": 0.01, "to": 0.1, "values": 3, "spacing": "logarithmic"},
}
ADAM = {
    "objective": "quadratic",
    "optimizer": "adam",
    "t_start": "one_step",
    "steps": [20],
    "theta0": [1.0],
    "hyperparameters": {"beta1": [0.0, 0.9], "beta2": [0.99]},
    "learning_rates": {"from": 0.01, "to": 1.0, "values": 5, "spacing": "logarithmic"},
}
ATLAS = {"refine": 1, "shard": 20, "sample": 2, "processor": "cpu", "regions": {"rmsprop": RMSPROP, "adam": ADAM}}


def solved(name, shard=20, refine=1):
    settings = {**ATLAS, "shard": shard, "refine": refine}
    shards = regions.shards(settings, regions.whole(settings, name))
    return [atlas_solve.compute(regions.shard_slice(settings, name, rows.first)) for rows in shards]


@pytest.fixture(scope="module")
def found():
    return {name: solved(name) for name in ATLAS["regions"]}


@pytest.fixture(scope="module")
def rows(found):
    return {name: pa.concat_tables([one.rows for one in parts]).to_pylist() for name, parts in found.items()}


@pytest.mark.parametrize(
    ("spacing", "ends", "value_of"),
    [
        ("linear", (-2.0, 2.0), lambda share: -2 + 4 * share),
        ("logarithmic", (0.001, 10.0), lambda share: 10.0 ** (-3 + 4 * share)),
        ("memory", (0.0, 0.999), lambda share: 1 - 10.0 ** (-3 * share)),
    ],
)
def test_values_of_a_range_lie_as_it_says_and_finer_ones_between_them(spacing, ends, value_of):
    axis = {"from": ends[0], "to": ends[1], "values": 13, "spacing": spacing}
    coarse, fine = atlas.values(axis, 1), atlas.values(axis, 5)
    # twelve digits of them are kept
    np.testing.assert_allclose(coarse, [value_of(i / 12) for i in range(13)], rtol=1e-11, atol=1e-15)
    assert (coarse[0], coarse[-1]) == ends
    assert fine[::5].tolist() == coarse.tolist()
    assert len(fine) == 61
    assert np.all(np.diff(fine) > 0)


def test_the_configurations_of_the_paper_are_on_the_grid_and_their_curves_are_kept(config):
    for name in config["atlas"]["regions"]:
        region, experiment = regions.region_slice(config["atlas"], name), config["experiments"][name]
        wanted = {**experiment["sets"][0]["hyperparameters"]}
        wanted |= {"theta0": experiment["theta0"], "learning_rate": experiment["learning_rates"]}
        rows = np.arange(regions.count(config["atlas"], name))
        of_grid, kept = (atlas.configurations(region, some) for some in (rows, rows[atlas.sampled(region, rows)]))
        for axis, values in wanted.items():
            assert {*values} <= {*of_grid[axis].tolist()}
            # from 0 nothing moves, and -0.1 is 0.1 mirrored
            assert {*values} - ({0.0, -0.1} if axis == "theta0" else set()) <= {*kept[axis].tolist()}


def test_rows_are_the_product_of_the_axes_in_order():
    region = regions.region_slice(ATLAS, "rmsprop")
    count = regions.count(ATLAS, "rmsprop")
    chosen = atlas.configurations(region, np.arange(count))
    wanted = itertools.product([12, 20], [-1.5, 0, 1.5], [0, 0.9], atlas.values(RMSPROP["learning_rates"], 1))
    assert list(zip(*(column.tolist() for column in chosen.values()), strict=True)) == [*wanted]
    assert [*chosen] == ["steps", "theta0", "beta", "learning_rate"]


def test_shards_and_files_have_each_row_once(monkeypatch):
    monkeypatch.setattr(regions, "FILE", 15)
    shards, files = regions.shards(ATLAS, regions.whole(ATLAS, "rmsprop")), regions.files(ATLAS, "rmsprop")
    assert shards == [Rows("rmsprop", 0, 20), Rows("rmsprop", 20, 36)]
    assert files == [Rows("rmsprop", 0, 15), Rows("rmsprop", 15, 30), Rows("rmsprop", 30, 36)]
    assert [regions.shards(ATLAS, rows) for rows in files] == [shards[:1], shards, shards[1:]]
    assert [regions.shard_slice(ATLAS, *shard[:2])["end"] for shard in shards] == [20, 36]
    tables = [pa.table({"row": np.arange(one.first, one.end)}) for one in shards]
    assert atlas.joined(tables, 15, 30).column("row").to_pylist() == [*range(15, 30)]


def test_shards_that_are_not_of_this_configuration_or_size_are_not_joined(found, tmp_path):
    region = regions.region_slice(ATLAS, "rmsprop")
    paths = [tmp_path / "0.parquet", tmp_path / "20.parquet"]
    for path, part in zip(paths, found["rmsprop"], strict=True):
        atlas.write_curves(path, part.curves, regions.shard_slice(ATLAS, "rmsprop", int(path.stem)))
    assert len([*atlas.shards(paths, atlas.read_curves, region, 0, 36)]) == 2
    assert len([*atlas.shards(paths[1:], atlas.read_curves, region, 25, 30)]) == 1
    others = {**region, "theta0": [7.0]}, {**region, "refine": 2}
    for other in others:
        with pytest.raises(
            FileError, match=r"/0\.parquet: left by a run of another configuration; delete results/atla"
        ):
            [*atlas.shards(paths, atlas.read_curves, other, 0, 36)]
    # as a run with shards of another size leaves it
    atlas.write_curves(paths[0], found["rmsprop"][0].curves, regions.shard_slice(ATLAS | {"shard": 30}, "rmsprop", 0))
    with pytest.raises(FileError, match=r"/20\.parquet: left by"):
        [*atlas.shards(paths, atlas.read_curves, region, 0, 36)]
    atlas.write_curves(paths[0], found["rmsprop"][0].curves, regions.shard_slice(ATLAS | {"shard": 10}, "rmsprop", 0))
    with pytest.raises(FileError, match=r"/20\.parquet: left by"):
        [*atlas.shards(paths, atlas.read_curves, region, 0, 36)]
    with pytest.raises(FileError, match=r"/0\.parquet: left by"):
        [*atlas.shards(paths[:1], atlas.read_curves, region, 0, 15)]


def test_the_sample_is_the_same_however_fine_the_grid_is():
    def sample(refine):
        region = regions.region_slice({**ATLAS, "refine": refine}, "rmsprop")
        count = regions.count({**ATLAS, "refine": refine}, "rmsprop")
        kept = np.flatnonzero(atlas.sampled(region, np.arange(count)))
        return list(zip(*(v.tolist() for v in atlas.configurations(region, kept).values()), strict=True))

    assert sample(1) == sample(3) == [*itertools.product([12, 20], [-1.5, 1.5], [0, 0.9], [0.01, 0.1])]


def test_of_long_runs_fewer_are_solved_at_a_time_and_to_the_same_bits(found, monkeypatch):
    at_a_time = []

    def run_batch(optimizers, objective, starts, steps, **how):
        at_a_time.append((steps, len(starts), how["shard"]))
        return run_many(optimizers, objective, starts, steps, **how)

    run_many = atlas_solve.run_batch
    monkeypatch.setattr(atlas_solve, "run_batch", run_batch)
    monkeypatch.setattr(atlas_solve, "VALUES", {"cpu": 130})
    (one, _), (whole, _) = solved("rmsprop"), found["rmsprop"]
    # 18 runs of 12 steps, and then runs of 20
    assert at_a_time[:4] == [(12, 10, 10), (12, 8, 10), (20, 2, 6), (20, 6, 6)]
    assert one.rows.equals(whole.rows)
    assert one.curves.equals(whole.curves)
    assert one.report == whole.report


def test_rows_hold_what_the_solver_and_the_algorithm_say_one_by_one(rows):
    for name, objective in {"rmsprop": double_well, "adam": quadratic}.items():
        for row in rows[name][:: 7 if name == "rmsprop" else 3]:
            if name == "rmsprop":
                optimizer = RMSProp(row["learning_rate"], row["beta"])
            else:
                optimizer = Adam(row["learning_rate"], row["beta1"], row["beta2"])
            k = np.arange(row["steps"])
            discrete = run_discrete(optimizer, objective, row["theta0"], row["steps"]).theta
            assert row["discrete_end"] == pytest.approx(discrete[-1], rel=1e-13)
            for model, lookahead in atlas.EQUATIONS.items():
                start = "one_step" if name == "adam" else "origin"
                solution = solve_ide(
                    optimizer, objective, row["theta0"], row["steps"], lookahead=lookahead, t_start=start
                )
                there = np.rint(solution.t / row["learning_rate"]).astype(int)
                gap = metrics.gap(k, discrete, there, solution.theta)
                # both solve the same equations to 1e-10, from other predictions
                np.testing.assert_allclose(
                    [row[f"{model}_gap"], row[f"{model}_gap_rms"], row[f"{model}_end"]],
                    [*gap, solution.theta[-1]],
                    rtol=0,
                    atol=1e-9,
                )
                assert row[f"{model}_converged"]
                assert row[f"{model}_residual"] < 1e-10
                loss = objective(row[f"{model}_end"]) - objective(row["discrete_end"])
                assert row[f"{model}_loss_gap"] == pytest.approx(float(loss), rel=1e-13, abs=1e-15)


def test_curves_of_the_sample_are_those_of_the_algorithm_and_of_its_equation(found):
    curves = pa.concat_tables([part.curves for part in found["adam"]]).to_pandas()
    assert curves["row"].unique().tolist() == [0, 2, 4, 5, 7, 9]
    last = curves[curves["row"] == 9]
    optimizer = Adam(1.0, 0.9, 0.99)
    discrete = run_discrete(optimizer, quadratic, 1.0, 20).theta
    solution = solve_ide(optimizer, quadratic, 1.0, 20, t_start="one_step")
    np.testing.assert_allclose(last["discrete"], discrete, rtol=1e-13)
    assert np.isnan(last["equation"].iloc[0])
    np.testing.assert_allclose(last["equation"].iloc[1:], solution.theta, rtol=0, atol=1e-9)


def test_bytes_do_not_depend_on_how_the_region_is_cut(found, tmp_path):
    for name in ATLAS["regions"]:
        region = regions.region_slice(ATLAS, name)
        for path, parts in {"cut": found[name], "other": solved(name, shard=7)}.items():
            atlas.write(tmp_path / f"{path}.parquet", atlas.joined_curves([one.rows for one in parts]), region)
            curves = atlas.joined_curves([one.curves for one in parts])
            atlas.write_curves(tmp_path / f"{path}.curves.parquet", curves, region)
        for kind in ("parquet", "curves.parquet"):
            assert (tmp_path / f"cut.{kind}").read_bytes() == (tmp_path / f"other.{kind}").read_bytes()
        assert digests.of_file(tmp_path / "cut.parquet") == digests.of_file(tmp_path / "other.parquet")


def test_a_finer_grid_has_the_coarse_one_in_it(rows):
    fine = pa.concat_tables([one.rows for one in solved("adam", refine=2)]).to_pylist()
    named = {(row["beta1"], row["learning_rate"]): {**row, "row": 0} for row in fine}
    assert [named[row["beta1"], row["learning_rate"]] for row in rows["adam"]] == [
        {**r, "row": 0} for r in rows["adam"]
    ]


def test_of_a_solve_that_did_not_converge_nothing_is_measured_and_the_log_names_it(monkeypatch):
    def failing(*given, lookahead, **options):
        solution = solve_batch(*given, lookahead=lookahead, **options)
        solution.converged[3] = lookahead == 0
        return solution

    solve_batch = atlas_solve.solve_batch
    monkeypatch.setattr(atlas_solve, "solve_batch", failing)
    (whole,) = solved("adam")
    lost = whole.rows.to_pylist()[3]
    assert not lost["equation_converged"]
    measured = [name for name in lost if name.startswith("equation_") and name.partition("_")[2] not in atlas.SOLVED]
    assert {lost[name] for name in measured} == {None}
    assert all(whole.rows.to_pylist()[4][name] is not None for name in ("equation_gap", "equation_end"))
    assert lost["no_lookahead_gap"] is not None
    first, last = whole.report.splitlines()
    assert first.startswith(
        "learning rate 0.316227766017, adam beta1=0 beta2=0.99, theta0 1, 20 steps: equation NOT CON"
    )
    assert last == "10 configurations, 19 of 20 solves converged"


K = np.arange(101)
APPROACH = 4 - 3 * np.exp(-0.1 * K)
TO_AND_FRO = 4 + 0.2 * (-1.0) ** K
CURVES = {
    # 3 e^{-k/10} < 0.01 from k = 58 on
    "settles": (APPROACH, {"settling_step": 58, "oscillations": 0, "basin": 4, "decay_rate": pytest.approx(0.1)}),
    "oscillates": (TO_AND_FRO, {"settling_step": -1, "oscillations": 100, "basin": 4}),
    "under way": (1 + 0.01 * K, {"settling_step": -1, "oscillations": 0, "end": 2.0}),
    "rests": (np.full(101, 1.0), {"settling_step": -1, "end": 1.0}),
    "diverges": (4 + 1.1**K, {"settling_step": -1}),
}


@pytest.mark.parametrize("behaviour", CURVES)
def test_behaviours_and_numbers_of_curves_in_closed_form(behaviour):
    curve, wanted = CURVES[behaviour]
    found = atlas_measures.measured(curve[None], 0, [4.0])
    assert found["behaviour"].tolist() == [behaviour]
    assert {name: found[name][0] for name in wanted} == wanted


def test_what_leaves_the_finite_numbers_diverges_and_has_no_basin():
    curve = np.where(K < 50, 1.0 + K, np.inf)
    found = atlas_measures.measured(np.stack([curve, np.where(K < 50, 1.0, np.nan)]), 0, [-1.0, 1.0])
    assert found["behaviour"].tolist() == ["diverges", "diverges"]
    assert np.isnan(found["basin"]).all()
    assert found["settling_step"].tolist() == found["oscillations"].tolist() == [-1, -1]
    assert np.isnan(found["decay_rate"]).all()


def test_on_the_maximum_between_two_minima_there_is_no_basin():
    found = atlas_measures.measured(np.zeros((1, 101)), 0, [-1.0, 1.0])
    assert np.isnan(found["basin"]).all()
    assert found["behaviour"].tolist() == ["rests"]
    assert found["oscillations"].tolist() == [-1]


def test_without_a_known_minimum_only_ends_are_measured():
    found = atlas_measures.measured(np.stack([APPROACH, np.where(K < 50, 1.0, np.inf)]), 0, [])
    assert found["end"].tolist() == [APPROACH[-1], np.inf]
    assert found["behaviour"].tolist() == ["", "diverges"]
    assert np.isnan(found["basin"]).all()


def test_decay_rates_are_those_of_the_fit_one_by_one():
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.001, 0.3, 40)
    ringing = np.cos(rng.uniform(0, 1, 40)[:, None] * K)
    curves = 3 * np.exp(-rates[:, None] * K) * np.where(np.arange(40)[:, None] % 2, ringing, 1.0)
    wanted = [metrics.decay_rate(K, curve) for curve in curves]
    # sums in another order
    np.testing.assert_allclose(atlas_measures.decay_rates(curves), wanted, rtol=1e-11)
    assert np.isnan(wanted).any()


def test_the_gap_is_taken_at_equal_times():
    discrete = np.stack([K, 2.0 * K])
    equation = np.stack([K[1:] + 0.5, np.full(100, np.nan)])
    found = atlas_measures.compared(discrete.astype(float), equation, 1)
    assert found["gap"][0] == found["gap_rms"][0] == 0.5
    assert np.isnan(found["gap"][1])

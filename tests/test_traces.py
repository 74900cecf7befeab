import duckdb
import numpy as np
import pandas as pd
import pytest

from optide import Adam, run_discrete, traces
from optide.config import experiment_slice
from optide.experiments import report, run
from optide.objectives import double_well


@pytest.fixture(scope="module")
def experiment(config):
    return experiment_slice(config, "double_well-adam", 0.1)


@pytest.fixture(scope="module")
def written(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    for scheme in ("discrete", "converged"):
        table, metadata = run(experiment, scheme)
        traces.write(folder / f"{scheme}.parquet", table, metadata)
    return folder


def test_a_trace_comes_back_as_it_was_written(written, experiment):
    table, metadata = run(experiment, "discrete")
    assert traces.read(written / "discrete.parquet").equals(table)
    assert traces.metadata(written / "discrete.parquet") == metadata
    assert metadata["configuration"] == experiment
    assert {"jax", "jaxlib", "numpy", "optide", "pyarrow", "python"} == set(metadata["versions"])


def test_lanes_are_the_runs_they_claim_to_be(written):
    found = traces.lanes(written / "discrete.parquet")
    assert len(found) == 3 * 4
    for lane in found:
        c = lane.configuration
        again = run_discrete(Adam(0.1, c["beta1"], c["beta2"]), double_well, c["theta0"], c["steps"])
        np.testing.assert_array_equal(lane.values["theta"], again.theta)
        np.testing.assert_array_equal(lane.values["v"], again.state["v"])
        assert np.isnan(lane.values["G"]).all()
        assert c["converged"] is None


def test_a_continuous_trace_says_where_it_starts_and_how_it_converged(written):
    for lane in traces.lanes(written / "converged.parquet"):
        assert lane.configuration["converged"] is True
        assert lane.configuration["iterations"] >= 1
        assert lane.configuration["residual"] < 1e-10
        assert lane.values["k"].tolist() == list(range(1, 100))  # t_start is one step
        np.testing.assert_allclose(lane.values["u"], lane.values["t"] + 0.1, rtol=1e-15)


def test_pandas_and_duckdb_read_all_traces_as_one_table(written):
    frame = pd.read_parquet(written)
    assert list(frame.columns) == traces.SCHEMA.names
    counts = duckdb.sql(f"select scheme, count(*) from '{written}/*.parquet' group by scheme order by 1").fetchall()
    assert counts == [("converged", 12 * 99), ("discrete", 12 * 100)]
    assert len(frame) == 12 * 199


def test_the_log_has_a_line_for_each_lane(written):
    lines = report(traces.metadata(written / "converged.parquet")).splitlines()
    assert len(lines) == 12
    assert all("converged after" in line for line in lines)


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_a_damaged_file_is_named(written, tmp_path, damage):
    path = tmp_path / "damaged.parquet"
    whole = (written / "discrete.parquet").read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(traces.TraceError, match=r"damaged\.parquet"):
        traces.read(path)


def test_a_table_of_another_schema_is_refused(tmp_path):
    path = tmp_path / "other.parquet"
    pd.DataFrame({"k": [1]}).to_parquet(path)
    with pytest.raises(traces.TraceError, match=r"other\.parquet"):
        traces.read(path)


def test_a_failed_write_leaves_nothing(tmp_path, written, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(traces.pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        traces.write(tmp_path / "x.parquet", traces.read(written / "discrete.parquet"), {})
    assert list(tmp_path.iterdir()) == []

import hashlib
import inspect
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from optide import Adam, run_discrete
from optide.base import files
from optide.base.errors import FileError, ParameterError
from optide.data import provenance, seal, traces
from optide.problem.objectives import double_well
from optide.record.mend import mend, recorded
from optide.settings.config import experiment_slice
from optide.studies.experiments import report, run


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
        assert "G" not in lane.values
        assert lane.quantities == ("theta", "loss", "m", "v")
        for quantity in lane.quantities:  # a state of row k is that after k updates
            steps, values = lane.curve(quantity)
            np.testing.assert_array_equal(steps, np.arange(c["steps"]))
            np.testing.assert_array_equal(values, lane.values[quantity])
        assert c["converged"] is None


def test_a_quantity_that_a_trace_has_not_is_named_with_those_that_it_has(written):
    lane = traces.lanes(written / "discrete.parquet")[0]
    for ask in (lane.curve, lane.place, lane.whole):
        for wrong in ("zz", "G", "t"):
            with pytest.raises(
                ParameterError, match=f"^quantity = '{wrong}' is not allowed: .* one of theta, loss, m, v"
            ):
                ask(wrong)
        with pytest.raises(ParameterError, match=r"^quantity = \[\] is not allowed"):
            inspect.unwrap(ask)(lane, [])  # of a user, whose types nobody checks
    with pytest.raises(ParameterError, match=r"; did you mean 'theta'\?$"):
        lane.curve("teta")


def test_of_a_list_each_element_has_a_curve_and_the_whole_a_place():
    values = {"k": np.arange(3), "t": np.arange(3) / 10, "u": np.arange(1, 4) / 10, "theta[0]": np.zeros(3)}
    values |= {"theta[1]": np.ones(3), "loss": np.zeros(3), "m[0]": np.zeros(3), "m[1]": np.ones(3)}
    lane = traces.Trace({"learning_rate": 0.1, "theta0": [0.0, 1.0]}, values)
    assert lane.whole("m").tolist() == [[0, 1]] * 3
    assert lane.place("theta").tolist() == lane.curve("theta[1]")[0].tolist() == [0, 1, 2]
    np.testing.assert_allclose(lane.place("m"), [1, 2, 3], rtol=1e-15)  # a rounding of the quotient
    with pytest.raises(ParameterError, match=r"one of theta\[0\], theta\[1\], loss, m\[0\], m\[1\]"):
        lane.curve("theta")


def test_a_continuous_trace_says_where_it_starts_and_how_it_converged(written):
    for lane in traces.lanes(written / "converged.parquet"):
        assert lane.configuration["converged"] is True
        assert lane.configuration["iterations"] >= 1
        assert lane.configuration["residual"] < 1e-10
        assert lane.values["k"].tolist() == list(range(1, 100))  # t_start is one step
        np.testing.assert_allclose(lane.values["u"], lane.values["t"] + 0.1, rtol=1e-15)


def test_pandas_and_duckdb_read_all_traces_as_one_table(written):
    frame = pd.read_parquet(written)
    assert list(frame.columns) == traces.read(written / "discrete.parquet").schema.names
    assert frame.groupby("scheme")["lane"].nunique().tolist() == [12, 12]
    counts = duckdb.sql(f"select scheme, count(*) from '{written}/*.parquet' group by scheme order by 1").fetchall()
    assert counts == [("converged", 12 * 99), ("discrete", 12 * 100)]
    assert len(frame) == 12 * 199


def test_the_log_has_a_line_for_each_lane(written):
    lines = report(traces.metadata(written / "converged.parquet")).splitlines()
    assert len(lines) == 12
    assert all("converged after" in line for line in lines)


def corruption(content, random):
    """One of the ways in which a file goes bad, anywhere in it."""
    at = int(random.integers(len(content)))
    zeroed = content[:at] + bytes(len(content[at : at + 512])) + content[at + 512 :]
    ways = {
        "flipped bit": content[:at] + bytes([content[at] ^ 1 << int(random.integers(8))]) + content[at + 1 :],
        "other byte": content[:at] + bytes([content[at] ^ int(random.integers(1, 256))]) + content[at + 1 :],
        "cut": content[:at],
        "empty": b"",
        "zeros": zeroed if zeroed != content else bytes(len(content)),
        "twice": content * 2,
        "longer": content + b"\0",
    }
    return ways[random.choice([*ways, "flipped bit", "flipped bit", "cut"])]


def test_200_corruptions_are_all_found_and_named(written, tmp_path):
    random = np.random.default_rng(0)
    whole = (written / "converged.parquet").read_bytes()
    path = tmp_path / "damaged.parquet"
    for _ in range(200):
        path.write_bytes(corruption(whole, random))
        for read in (traces.read, traces.metadata, traces.lanes):
            with pytest.raises(FileError, match=r"damaged\.parquet: damaged.*`optide run mend`") as error:
                read(path)
            assert "\n" not in str(error.value)
    path.write_bytes(whole)
    assert traces.read(path).equals(traces.read(written / "converged.parquet"))


def test_every_flipped_bit_of_the_last_kilobyte_is_found(written, tmp_path):
    """That is the footer, which Parquet's own checksums do not cover."""
    whole = (written / "discrete.parquet").read_bytes()
    path = tmp_path / "damaged.parquet"
    for at in range(8 * len(whole) - 8 * 1024, 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[at // 8] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(FileError):
            traces.read(path)


def test_traces_of_another_version_or_without_a_seal_are_refused(written, tmp_path, monkeypatch):
    table = traces.read(written / "discrete.parquet")
    pq.write_table(table, tmp_path / "unsealed.parquet")
    with pytest.raises(FileError, match=r"unsealed\.parquet: damaged, or not written by this version"):
        traces.read(tmp_path / "unsealed.parquet")
    seal.write(tmp_path / "columns.parquet", table.drop_columns(["loss"]))
    seal.write(tmp_path / "foreign.parquet", table.replace_schema_metadata({"optide-format": traces.FORMAT}))
    for name in ("columns", "foreign"):
        with pytest.raises(FileError, match=rf"{name}\.parquet: columns are not those"):
            traces.read(tmp_path / f"{name}.parquet")
    with pytest.raises(FileError, match=r"absent\.parquet: No such file"):
        traces.read(tmp_path / "absent.parquet")
    metadata = traces.metadata(written / "discrete.parquet")
    monkeypatch.setattr(traces, "FORMAT", b"0")
    traces.write(tmp_path / "old.parquet", table, metadata)
    monkeypatch.undo()
    with pytest.raises(FileError, match=r"old\.parquet: format b'0' of another version"):
        traces.read(tmp_path / "old.parquet")


def test_mend_deletes_what_is_damaged_or_left_behind_and_nothing_else(written, tmp_path):
    whole = (written / "discrete.parquet").read_bytes()
    folder = tmp_path / "results"
    folder.mkdir()
    contents = {"a.parquet": whole, "b.parquet": whole[:-9], ".c.parquet.7.part": b"", "d.png": b"", "e.md": b"text"}
    for name, content in {**contents, "f.md": b"as recorded"}.items():
        (folder / name).write_bytes(content)
    # another figure in the place of one is whole
    provenance.write(folder / "g.md", provenance.of_text("g.md", {"configuration": {}, "traces": {}}).encode())
    assert provenance.read(folder / "g.md")
    artefacts = [folder / name for name in ("absent.pdf", "e.md", "f.md", "g.md")]
    of_run = {str(path): hashlib.sha256(b"as recorded").hexdigest() for path in artefacts[2:]}
    readers = {f"{folder}/**/*.parquet": traces.read}
    assert mend([folder, tmp_path / "absent"], artefacts, of_run, {}, readers) == {
        folder / ".c.parquet.7.part": "left behind by a job that was killed",
        folder / "b.parquet": "damaged, or not written by this version of optide",
        folder / "e.md": "carries no provenance",
        folder / "g.md": "not the bytes that the last whole run recorded",
    }
    # d.png is no result: whose it is, nobody knows
    assert sorted(path.name for path in folder.iterdir()) == ["a.parquet", "d.png", "f.md"]


def test_mend_looks_at_every_parquet_file_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["results/audit/adam.parquet", "results/rates.parquet", "results/traces/discrete/e/lr0.1.parquet"]
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"PAR1")
    deleted = mend([Path("results")], [], {}, {})
    assert deleted == {Path(name): "damaged, or not written by this version of optide" for name in names}
    assert not any(Path(name).exists() for name in names)


def test_what_a_run_recorded_is_read_from_its_crate(tmp_path):
    crate = tmp_path / "crate.json"
    assert recorded(crate) == {}
    crate.write_text('{"@graph": [{"@id": "./"}, {"@id": "a.png", "sha256": "12"}]}')
    assert recorded(crate) == {"a.png": "12"}
    for damaged in (b"{", b"[]", b"{}", b"\xff", b'{"@graph": [{"sha256": "12"}]}'):
        crate.write_bytes(damaged)
        assert recorded(crate) == {}
        assert not crate.exists()


def test_a_table_of_another_schema_is_refused(tmp_path):
    path = tmp_path / "other.parquet"
    pd.DataFrame({"k": [1]}).to_parquet(path)
    with pytest.raises(FileError, match=r"other\.parquet"):
        traces.read(path)


def test_a_failed_write_leaves_nothing(tmp_path, written, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "write_bytes", full)
    path = written / "discrete.parquet"
    table, metadata = traces.read(path), traces.metadata(path)
    with pytest.raises(FileError, match=r"x\.parquet: cannot be written: No space left on device"):
        traces.write(tmp_path / "x.parquet", table, metadata)
    assert list(tmp_path.iterdir()) == []

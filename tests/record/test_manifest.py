"""The check notices when one number moves, says which and by how much, and tells machines apart."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pyarrow as pa
import pytest
import yaml

from conftest import ROOT
from elsewhere import WITH_FUSED, built_with
from optide.base.errors import FileError
from optide.data import digests, seal, tolerances, traces
from optide.ide import cells, picard, quadrature
from optide.problem.optimizers import Adam
from optide.problem.registry import OPTIMIZERS
from optide.problem.vocabulary import POSITIVE, hyperparameter
from optide.record import compare, manifest
from optide.settings.config import experiment_slice
from optide.studies import experiments

REDUCED = yaml.safe_load((ROOT / "tests" / "reduced" / "config.yaml").read_text())
SCHEMES = ("discrete", "published", "converged")


def compute(folder):
    """Traces of one experiment by every scheme: their paths."""
    jax.clear_caches()
    paths = []
    for scheme in SCHEMES:
        paths.append(str(folder / f"{scheme}.parquet"))
        traces.write(paths[-1], *experiments.run(experiment_slice(REDUCED, "double_well-adam", 0.1), scheme))
    return paths


@pytest.fixture(scope="module")
def accepted(tmp_path_factory):
    """A folder of traces, and their manifest and reference."""
    folder = tmp_path_factory.mktemp("traces")
    paths = compute(folder)
    described = manifest.describe(paths, [])
    return folder, paths, described, manifest.reference(described)


def levels(accepted, files=()):
    _, paths, before, reference = accepted
    return {v.path.rsplit("/", 1)[-1]: v for v in compare.compare(before, reference, manifest.describe(paths, files))}


@pytest.fixture
def rerun(accepted):
    """Compute the traces anew in the same place, and put them back afterwards."""
    folder, paths, *_ = accepted
    saved = {Path(path): Path(path).read_bytes() for path in paths}
    yield lambda: compute(folder)
    for path, content in saved.items():
        path.write_bytes(content)
    jax.clear_caches()


def test_computed_again_every_bit_is_the_same(accepted, rerun):
    rerun()
    found = levels(accepted).values()
    assert {v.level for v in found} == {"identical"}
    assert "every bit is as accepted" in compare.render(list(found), [])
    assert not compare.failed(found)


def test_another_eps_is_noticed(accepted, rerun, monkeypatch):
    class Another(Adam):
        name = "adam"
        eps = hyperparameter(POSITIVE, default=1.0000001e-8, optional=True)

    monkeypatch.setitem(OPTIMIZERS, "adam", Another)
    rerun()
    found = levels(accepted)
    assert {name for name, v in found.items() if v.level == "different"} == {f"{s}.parquet" for s in SCHEMES}
    assert all("theta in row" in v.detail or "in row" in v.detail for v in found.values())
    assert compare.failed(found.values())


def move_one_node(order):
    x, w = quadrature.gauss_legendre(order)
    x = x.copy()
    x[order // 2] += 1e-9
    return x, w


def sum_backwards(order):
    x, w = quadrature.gauss_legendre(order)
    return x[::-1], w[::-1]


@pytest.mark.parametrize("rule", [move_one_node, sum_backwards])
def test_another_quadrature_is_noticed(accepted, rerun, monkeypatch, rule):
    for module in (cells, picard):
        monkeypatch.setattr(module, "gauss_legendre", rule)
    rerun()
    found = levels(accepted)
    assert found["discrete.parquet"].level == "identical"
    assert found["published.parquet"].level == found["converged.parquet"].level == "different"


def elsewhere(accepted):
    folder, paths, before, reference = accepted
    return folder, paths, {**before, "environment": {**before["environment"], "machine": "aarch64"}}, reference


def test_on_another_machine_last_bits_may_differ_and_it_says_so(accepted, rerun, monkeypatch):
    monkeypatch.setattr(cells, "gauss_legendre", sum_backwards)
    rerun()
    found = levels(elsewhere(accepted))
    assert found["converged.parquet"].level == "equal within tolerance"
    assert not compare.failed(found.values())
    report = compare.render(list(found.values()), ["machine aarch64 -> x86_64"])
    assert "not the accepted environment: machine aarch64 -> x86_64" in report
    assert "but not every bit" in report


def changed(path, row, column, value):
    """Write a trace with another value, as a program would that is wrong."""
    table = traces.read(path)
    values = table[column].to_pylist()
    values[row] = value(values[row])
    field = table.schema.get_field_index(column)
    seal.write(path, table.set_column(field, column, pa.array(values, table.schema.field(column).type)))


def test_one_value_of_150_000_is_found_and_named(tmp_path):
    """A trace as long as the longest of the paper, of which 512 points are nothing."""
    path = str(tmp_path / "long.parquet")
    experiment = {**experiment_slice(REDUCED, "quadratic-adagrad", 0.1)}
    experiment["sets"] = [{**experiment["sets"][0], "steps": 150_000}]
    traces.write(path, *experiments.run(experiment, "discrete"))
    described = manifest.describe([path], [])
    there = elsewhere((tmp_path, [path], described, manifest.reference(described)))
    whole = Path(path).read_bytes()
    for row, column, value in ((77_777, "theta", 99.0), (123_456, "loss", None), (149_999, "G", -1.0), (1, "steps", 7)):
        changed(path, row, column, lambda _, value=value: value)
        (found,) = levels(there).values()
        assert found.level == "different"
        assert f"{column} of quadratic-adagrad, learning rate 0.1, none, theta0 1.0 in row {row}: " in found.detail
        assert f": {'null' if value is None else value}, was " in found.detail
        Path(path).write_bytes(whole)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("theta", lambda x: x + 1e-6, "largest relative difference"),
        ("theta", lambda x: -x, "was"),
        ("loss", lambda x: float("nan"), "nan, was"),
        ("converged", lambda x: not x, "False, was True"),
        ("converged", lambda x: None, "null, was True"),
        ("k", lambda x: x + 100, "was"),
        ("G", lambda x: 0.0, "0.0, was null"),
        ("set", lambda x: "A", "'A' is not what was there"),
        ("learning_rate", lambda x: 0.1000000001, "0.1000000001, was 0.1"),
    ],
)
def test_a_wrong_value_is_different_on_any_machine(accepted, rerun, column, value, said):
    _, paths, *_ = accepted
    changed(paths[2], 7, column, value)
    for there in (accepted, elsewhere(accepted)):
        found = levels(there)["converged.parquet"]
        assert found.level == "different"
        assert column in found.detail
        assert said in found.detail


def test_what_the_metadata_say_is_compared_but_not_the_versions(accepted, rerun):
    _, paths, *_ = accepted
    described = traces.metadata(paths[1])
    described["versions"]["jax"] = "another"
    traces.write(paths[1], traces.read(paths[1]), described)
    assert levels(accepted)["published.parquet"].level == "identical"
    described["lanes"][0]["iterations"] += 1
    traces.write(paths[1], traces.read(paths[1]), described)
    for there in (accepted, elsewhere(accepted)):
        found = levels(there)["published.parquet"]
        assert found.level == "different"
        assert "iterations of double_well-adam" in found.detail


@pytest.fixture
def wandering(accepted, rerun):
    """As if the first published solution had taken hundreds of iterations."""
    folder, paths, *_ = accepted
    described = traces.metadata(paths[1])
    described["lanes"][0]["iterations"] = 700
    traces.write(paths[1], traces.read(paths[1]), described)
    now = manifest.describe(paths, [])
    return elsewhere((folder, paths, now, manifest.reference(now)))


def test_of_a_chaotic_solution_numbers_must_be_numbers_and_not_far_from_the_converged_one(wandering):
    _, paths, before, _ = wandering
    (name,) = before["results"][paths[1]]["chaotic"]
    assert name == "double_well-adam, learning rate 0.1, beta1=0.5 beta2=0.9, theta0 0.1"
    far = before["results"][paths[1]]["chaotic"][name]
    assert set(far) == {"theta", "loss", "m", "v"}
    assert all(0 < distance < 1e-3 for distance in far.values())
    saved = Path(paths[1]).read_bytes()

    def judged(row, column, value):
        table, described = traces.read(paths[1]), traces.metadata(paths[1])
        values = table[column].to_pylist()
        values[row] = value(values[row])
        place = table.schema.get_field_index(column)
        column = pa.array(values, table.schema.field(column).type)
        metadata = {b"optide": json.dumps(described).encode(), b"optide-format": b"1"}
        seal.write(
            paths[1], table.set_column(place, table.schema.names[place], column).replace_schema_metadata(metadata)
        )
        found = levels(wandering)["published.parquet"]
        Path(paths[1]).write_bytes(saved)
        return found

    for row, column, value in (
        (3, "theta", lambda x: x + far["theta"]),
        (3, "m", lambda x: x - far["m"]),
        (3, "converged", lambda x: not x),
    ):
        found = judged(row, column, value)
        assert found.level == "chaotic"
        assert name in found.detail
    for row, column, value in (
        (3, "theta", lambda x: x + 20 * far["theta"]),
        (3, "loss", lambda x: float("nan")),
        (3, "v", lambda x: None),
        (3, "theta0", lambda x: x + 1),
        (3, "u", lambda x: x + 1e-9),
        # the next solution is not chaotic
        (10, "theta", lambda x: x + far["theta"]),
    ):
        found = judged(row, column, value)
        assert (column, found.level) == (column, "different")
        assert column in found.detail


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop(["theta"]),
        lambda table: table.append_column("more", table["theta"]),
        lambda table: table.select(table.schema.names[::-1]),
        # whose values are as close as the tolerance of 1e-8 where they are few
        lambda table: table.set_column(
            table.schema.get_field_index("loss"), "loss", table["loss"].cast(pa.float32(), safe=False)
        ),
    ],
    ids=["without", "more", "in another order", "float32"],
)
def test_a_trace_with_other_columns_is_different_also_where_one_of_its_solutions_is_chaotic(wandering, change):
    _, paths, *_ = wandering
    for path in paths:
        seal.write(path, change(traces.read(path)))
    assert {v.level for v in levels(wandering).values()} == {"different"}


HANDFUL = (
    ("quadratic-adam", 0.1),
    ("double_well-rmsprop", 0.1),
    ("double_well-adam", 0.1),
    ("regression-rmsprop", 0.1),
)
RUN = """
import json, sys
import yaml
import optide

optide.pin()
from optide.data import traces
from optide.settings.config import experiment_slice
from optide.studies import experiments

config = yaml.safe_load(open(sys.argv[1]))
for path, name, rate, scheme in json.loads(sys.argv[2]):
    traces.write(path, *experiments.run(experiment_slice(config, name, rate), scheme))
"""


def test_with_fused_multiply_add_every_trace_is_ten_times_within_the_tolerances(config, tmp_path):
    """The widest differences of the whole configuration are among these (docs/reproducibility.md)."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    jobs = [(f"{scheme}-{name}-{rate}.parquet", name, rate, scheme) for scheme in SCHEMES for name, rate in HANDFUL]
    for path, name, rate, scheme in jobs:
        traces.write(here / path, *experiments.run(experiment_slice(config, name, rate), scheme))
    subprocess.run(
        [sys.executable, "-c", RUN, ROOT / "config.yaml", json.dumps(jobs)],
        env=built_with(WITH_FUSED, tmp_path),
        cwd=there,
        check=True,
    )
    others, chaotic = 0, set()
    for path, *_ in jobs:
        others += digests.of_table(traces.read(here / path)) != digests.of_table(traces.read(there / path))
        for one, other in zip(traces.lanes(here / path), traces.lanes(there / path), strict=True):
            grade = tolerances.grade(one.configuration)
            if grade == tolerances.CHAOTIC:
                chaotic.add(one.configuration["hyperparameters"]["beta1"])
                continue
            assert one.configuration.get("iterations") == other.configuration.get("iterations")
            assert one.values.keys() == other.values.keys()
            for name in one.values.keys() - {"k"}:
                before, after = (np.nan_to_num(lane.values[name]) for lane in (one, other))
                relative, absolute = tolerances.of_values(name, grade, np.abs(before).max())
                assert np.all(10 * np.abs(after - before) <= relative * np.abs(before) + absolute), (path, name)
    assert others > len(jobs) / 2
    assert chaotic == {0.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        accepted = manifest.describe([path for path, *_ in jobs], [])
        reference = manifest.reference(accepted)
        patch.chdir(there)
        now = manifest.describe([path for path, *_ in jobs], [])
        now["environment"]["XLA_FLAGS"] = "others"
        verdicts = compare.compare(accepted, reference, now)
    assert not compare.failed(verdicts), compare.render(verdicts, [])
    levels = [v.level for v in verdicts]
    assert levels.count("chaotic") == 1
    assert levels.count("equal within tolerance") == others - 1


def test_missing_new_and_changed_files(accepted, tmp_path):
    _, paths, before, reference = accepted
    figure = tmp_path / "fig.png"
    figure.write_bytes(b"one")
    with_figure = manifest.describe(paths, [str(figure)])
    figure.write_bytes(b"two")
    now = manifest.describe(paths[:-1], [str(figure)])
    found = {v.path: v.level for v in compare.compare(with_figure, reference, now)}
    assert found[paths[-1]] == "missing"
    assert found[str(figure)] == "different"
    assert {v.level for v in compare.compare(manifest.read(tmp_path)[0], reference, before)} == {"new"}


def test_manifest_and_reference_come_back_as_written(accepted, tmp_path):
    _, paths, before, reference = accepted
    manifest.write(tmp_path, before, reference)
    read, again = manifest.read(tmp_path)
    assert read == before
    assert again.equals(reference)
    assert {*again["artefact"].to_pylist()} == {*paths}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"results": {}}',
        b'{"environment": {}, "files": {}, "results": {"a": 1}}',
        b'{"environment": {}, "files": {"a": "12"}, "results": {}}',
        b'{"environment": {}, "files": {}, "results": {}, "more": 1}',
    ],
)
def test_a_damaged_manifest_is_named(accepted, tmp_path, damage):
    manifest.write(tmp_path, *accepted[2:])
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(FileError, match=r"delete it and run `optide run accept`$"):
        manifest.read(tmp_path)


def test_a_manifest_of_an_earlier_version_is_named_with_what_renews_it(accepted, tmp_path):
    manifest.write(tmp_path, *accepted[2:])
    digest = "0" * 64
    earlier = {"environment": {}, "traces": {"a": {"values": digest, "chaotic": False}}, "files": {"b": digest}}
    (tmp_path / "manifest.json").write_text(json.dumps(earlier))
    with pytest.raises(FileError) as raised:
        manifest.read(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}: not a manifest of this version of optide; delete it and run `optide run accept`"
    )


def test_a_damaged_reference_is_named(accepted, tmp_path):
    manifest.write(tmp_path, *accepted[2:])
    path = tmp_path / "reference.parquet"
    content = path.read_bytes()
    for damaged in (b"", content[:-1], content[:200] + bytes([content[200] ^ 1]) + content[201:]):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=r"reference\.parquet: damaged"):
            manifest.read(tmp_path)


def test_the_digest_is_of_the_values_only(tmp_path):
    table = pa.table({"a": [1.0, None, 3.0], "b": ["x", None, "y"], "c": [True, None, False]})
    same = pa.concat_tables([table.slice(0, 1), table.slice(1)]).replace_schema_metadata({"k": "v"})
    assert digests.of_table(same) == digests.of_table(table)
    others = [
        table.rename_columns(["a", "b", "d"]),
        table.set_column(0, "a", pa.array([1.0, 0.0, 3.0])),
        table.set_column(0, "a", pa.array([1.0, None, np.nextafter(3.0, 4)])),
        table.set_column(1, "b", pa.array(["x", "", "y"])),
        table.set_column(2, "c", pa.array([True, False, False])),
        table.set_column(0, "a", pa.array([1, None, 3])),
    ]
    assert len({digests.of_table(t) for t in [table, *others]}) == 1 + len(others)

"""The check notices when one number moves, says which and by how much, and tells machines apart."""

import functools
from pathlib import Path

import jax
import numpy as np
import pyarrow as pa
import pytest
import yaml

from conftest import ROOT
from optide import digests, experiments, manifest, traces
from optide.config import experiment_slice
from optide.ide import blocks, picard, quadrature

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
    return folder, paths, manifest.describe(paths, []), manifest.reference(paths)


def levels(accepted, files=()):
    _, paths, before, points = accepted
    return {v.path.rsplit("/", 1)[-1]: v for v in manifest.compare(before, points, manifest.describe(paths, files))}


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
    assert "every bit is as accepted" in manifest.render(list(found), [])
    assert not manifest.failed(found)


def test_another_eps_is_noticed(accepted, rerun, monkeypatch):
    adam = functools.partial(experiments.OPTIMIZERS["adam"], eps=1.0000001e-8)
    monkeypatch.setitem(experiments.OPTIMIZERS, "adam", adam)
    rerun()
    found = levels(accepted)
    assert {name for name, v in found.items() if v.level == "different"} == {f"{s}.parquet" for s in SCHEMES}
    assert all("theta in row" in v.detail or "in row" in v.detail for v in found.values())
    assert manifest.failed(found.values())


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
    for module in (blocks, picard):
        monkeypatch.setattr(module, "gauss_legendre", rule)
    rerun()
    found = levels(accepted)
    assert found["discrete.parquet"].level == "identical"
    assert found["published.parquet"].level == found["converged.parquet"].level == "different"


def elsewhere(accepted):
    folder, paths, before, points = accepted
    return folder, paths, {**before, "environment": {**before["environment"], "machine": "aarch64"}}, points


def test_on_another_machine_last_bits_may_differ_and_it_says_so(accepted, rerun, monkeypatch):
    monkeypatch.setattr(blocks, "gauss_legendre", sum_backwards)
    rerun()
    found = levels(elsewhere(accepted))
    assert found["converged.parquet"].level == "equal within tolerance"
    assert not manifest.failed(found.values())
    report = manifest.render(list(found.values()), ["machine aarch64 -> x86_64"])
    assert "not the accepted environment: machine aarch64 -> x86_64" in report
    assert "but not every bit" in report


def shift(path, amount):
    table = traces.read(path)
    theta = table["theta"].to_numpy() + amount
    traces.write(
        path, table.set_column(table.schema.get_field_index("theta"), "theta", pa.array(theta)), traces.metadata(path)
    )


def test_more_than_the_tolerance_is_different_on_any_machine_unless_chaotic(accepted, rerun):
    folder, paths, before, points = elsewhere(accepted)
    shift(paths[2], 1e-6)
    found = levels((folder, paths, before, points))["converged.parquet"]
    assert found.level == "different"
    assert "largest relative difference 1" in found.detail
    assert "theta in row" in found.detail
    wandering = {**before, "traces": {path: {**entry, "chaotic": True} for path, entry in before["traces"].items()}}
    assert levels((folder, paths, wandering, points))["converged.parquet"].level == "chaotic"


def test_missing_new_and_changed_files(accepted, tmp_path):
    _, paths, before, points = accepted
    figure = tmp_path / "fig.png"
    figure.write_bytes(b"one")
    with_figure = manifest.describe(paths, [str(figure)])
    figure.write_bytes(b"two")
    now = manifest.describe(paths[:-1], [str(figure)])
    found = {v.path: v.level for v in manifest.compare(with_figure, points, now)}
    assert found[paths[-1]] == "missing"
    assert found[str(figure)] == "different"
    assert {v.level for v in manifest.compare(manifest.read(tmp_path)[0], points, before)} == {"new"}


def test_manifest_and_reference_come_back_as_written(accepted, tmp_path):
    _, paths, before, points = accepted
    manifest.write(tmp_path, before, points)
    read, again = manifest.read(tmp_path)
    assert read == before
    assert again.equals(points)
    assert len(points) <= len(paths) * digests.MAX_POINTS


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"traces": {}}',
        b'{"environment": {}, "files": {}, "traces": {"a": 1}}',
        b'{"environment": {}, "files": {"a": "12"}, "traces": {}}',
    ],
)
def test_a_damaged_manifest_is_named(accepted, tmp_path, damage):
    manifest.write(tmp_path, *accepted[2:])
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(manifest.ManifestError, match="restore the folder from version control, or delete it and run"):
        manifest.read(tmp_path)


def test_a_damaged_reference_is_named(accepted, tmp_path):
    manifest.write(tmp_path, *accepted[2:])
    path = tmp_path / "reference.parquet"
    content = path.read_bytes()
    for damaged in (b"", content[:-1], content[:200] + bytes([content[200] ^ 1]) + content[201:]):
        path.write_bytes(damaged)
        with pytest.raises(manifest.ManifestError, match=r"reference\.parquet: damaged"):
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


def test_the_sample_has_first_and_last_row():
    assert digests.sample(3).tolist() == [0, 1, 2]
    rows = digests.sample(150_000)
    assert (rows[0], rows[-1], len(rows)) == (0, 149_999, digests.MAX_POINTS)

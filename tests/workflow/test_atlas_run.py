"""`snakemake atlas` on the reduced configuration: what it makes, whatever its portions, and what is made of damage."""

import shutil

import pyarrow.dataset as ds
import pytest

from optide.record import verify
from optide.show import atlas_page
from optide.studies import atlas
from pipeline import CLAIMED, REDUCED, edited, error, planned, snakemake

DATA = {
    f"results/atlas/data/region={name}/rows-0000000000.parquet" for name in ("double_well-rmsprop", "quadratic-adam")
}
CURVES = {f"results/atlas/curves/{name}.parquet" for name in ("double_well-rmsprop", "quadratic-adam")}

SHOWN = {
    *(f"figures/atlas/{name}.{suffix}" for name in ("gap", "behaviour", "basins") for suffix in ("png", "pdf")),
    *("figures/atlas/maps.csv", "figures/atlas/maps.csv-metadata.json", "figures/atlas/atlas.html"),
}


def files(folder):
    return {str(path.relative_to(folder)) for path in (folder / "results/atlas").rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("an atlas")
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, folder)
    code, output = snakemake(folder, "atlas")
    assert code == 0, output
    return folder, output


def test_the_data_set_is_read_by_region_and_nothing_else_is_left(built):
    folder, _ = built
    assert files(folder) == DATA | CURVES
    whole = ds.dataset(folder / "results/atlas/data", partitioning="hive")
    assert whole.count_rows() == 100
    table = whole.to_table(filter=ds.field("region") == "quadratic-adam")
    assert table.column("row").to_pylist() == [*range(10)]
    assert table.column("equation_converged").to_pylist() == [True] * 10


def test_progress_is_printed_and_written(built):
    folder, output = built
    lines = (folder / "results/logs/atlas.log").read_text().splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("atlas: 4 of 4 shards, 100 configurations, ")
    assert all(line in output for line in lines)


def test_it_is_drawn_with_its_provenance(built):
    folder, _ = built
    assert {str(path.relative_to(folder)) for path in (folder / "figures").rglob("*") if path.is_file()} == SHOWN
    assert verify.main([*(str(folder / name) for name in sorted(SHOWN)), "--directory", str(folder)]) == 0
    assert (folder / "results/logs/atlas_page.log").read_text() == "100 points and 30 curves shown\n"
    assert atlas_page.read(folder / "figures/atlas/maps.csv").startswith("\n3 planes with 31 points; at 0 of them")


def test_other_planes_are_drawn_again_and_nothing_is_solved(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "other")
    edited(folder, lambda config: config["atlas"]["maps"].pop("gap"))
    drawn = {name for name in SHOWN if "gap" not in name and "html" not in name}
    assert planned(folder, "atlas") == drawn
    edited(folder, lambda config: config["atlas"].pop("maps"))
    assert planned(folder, "atlas") == set()


def test_a_plane_that_is_none_is_refused_before_anything_runs(tmp_path):
    edited(tmp_path, lambda config: config["atlas"]["maps"]["gap"][0].update(y="theta0"))
    line = error(tmp_path, "atlas")
    assert line == "config.yaml: atlas.maps.gap[0].y = 'theta0': quadratic-adam varies beta1 and learning_rate"


def test_a_second_run_has_nothing_to_do_and_all_needs_none_of_it(built):
    folder, _ = built
    assert planned(folder, "atlas") == set()
    code, output = snakemake(folder, "--dry-run", "all")
    assert code == 0, output
    assert "atlas_shard" not in output
    assert "no rule produces" not in output


def test_other_portions_give_the_same_bytes(built, tmp_path):
    folder, _ = built
    edited(tmp_path, lambda config: config["atlas"].update(shard=7))
    code, output = snakemake(tmp_path, "atlas", "--quiet", "all", cores=1)
    assert code == 0, output
    assert "atlas: " not in output
    for name in DATA | CURVES:
        # the slice in the metadata has no size of portions
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_what_is_damaged_is_mended_and_only_its_shards_are_solved_again(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "other")
    damaged = folder / "results/atlas/data/region=quadratic-adam/rows-0000000000.parquet"
    before = damaged.read_bytes()
    damaged.write_bytes(before[:-9] + b"damaged!!")
    code, output = snakemake(folder, "mend")
    assert code == 0, output
    assert not damaged.exists()
    again = planned(folder, "atlas")
    assert not [name for name in again if "rmsprop" in name]
    code, output = snakemake(folder, "atlas")
    assert code == 0, output
    assert damaged.read_bytes() == before
    assert len(atlas.read(damaged)) == 10

"""`snakemake beyond` on the reduced configuration: what it makes, and that `all` neither needs nor makes it."""

import shutil

import pandas as pd
import pytest

from optide.record import verify
from optide.show import beyond_page
from optide.studies import beyond
from pipeline import CLAIMED, REDUCED, planned, snakemake

TRACES = {f"results/beyond/{problem}/adam.parquet" for problem in ("breast_cancer", "digits")}
SECONDS = {name.replace(".parquet", ".seconds.csv") for name in TRACES}
FIGURES = {f"figures/beyond/{name}.{suffix}" for name in ("training", "orders") for suffix in ("png", "pdf")}
TABLES = {
    f"figures/beyond/{name}.{suffix}"
    for name in ("costs", "orders")
    for suffix in ("csv", "csv-metadata.json", "md", "tex", "html")
}
MADE = TRACES | SECONDS | FIGURES | TABLES


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beyond the paper")
    for source in (REDUCED, CLAIMED):
        shutil.copy(source, folder)
    assert planned(folder, "beyond") == MADE
    code, output = snakemake(folder, "beyond", cores=1)
    assert code == 0, output
    return folder


def test_everything_is_built_with_its_provenance(built):
    files = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    assert files >= MADE
    assert {name for name in files if name.startswith(("results/beyond", "figures"))} == MADE
    paths = [str(built / name) for name in sorted(FIGURES | TABLES)]
    assert verify.main([*paths, "--directory", str(built)]) == 0
    for name in TRACES:
        assert all(run.known["converged"] for run in beyond.read(built / name))
    log = (built / "results/logs/beyond/digits/adam.log").read_text()
    assert log.count("converged, residual") == 4


def test_the_table_tells_what_the_traces_hold(built):
    costs = pd.read_csv(built / "figures/beyond/costs.csv")
    runs = [run for name in sorted(TRACES) for run in beyond.read(built / name)]
    assert costs["equation_gradients"].tolist() == [run.known["gradients"] for run in runs]
    assert costs["discrete_loss"].tolist() == [run.values["discrete_loss"][-1] for run in runs]
    page = (built / "figures/beyond/costs.md").read_text()
    assert page.count("\n| ") == len(costs)
    assert beyond_page.BLOCK.read(built / "figures/beyond/costs.csv").startswith("\n8 solutions, 8 of them converged")


def test_all_neither_makes_it_nor_warns_of_it(built):
    code, output = snakemake(built, "--dry-run")
    assert code == 0, output
    assert not [name for name in MADE if name in output]
    assert "no rule produces" not in output
    # once built, it is up to date
    assert planned(built, "beyond") == set()


def test_what_is_damaged_is_mended(built, tmp_path):
    folder = shutil.copytree(built, tmp_path / "other")
    damaged, drawn = folder / "results/beyond/digits/adam.parquet", folder / "figures/beyond/orders.png"
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"damaged!!")
    drawn.write_bytes(b"no picture")
    code, output = snakemake(folder, "mend")
    assert code == 0, output
    assert {name for name in MADE if not (folder / name).exists()} == {
        str(path.relative_to(folder)) for path in (damaged, drawn)
    }

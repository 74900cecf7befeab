"""`snakemake atlas` on the reduced configuration: what it makes, whatever its portions, and what is made of damage."""

import re
import shutil
import sys

import pandas as pd
import pyarrow.dataset as ds
import pytest
import yaml
from docs import queries

import warm
from conftest import ROOT
from optide.data import provenance
from optide.record import verify
from optide.show import atlas_page
from optide.studies import atlas
from pipeline import CLAIMED, REDUCED, edited, error, planned, snakemake

DATA = {
    f"results/atlas/data/region={name}/rows-0000000000.parquet" for name in ("double_well-rmsprop", "quadratic-adam")
}
CURVES = {f"results/atlas/curves/{name}.parquet" for name in ("double_well-rmsprop", "quadratic-adam")}

CLAIMS = [f"figures/atlas/claims.{suffix}" for suffix in ("csv", "csv-metadata.json", "md", "tex", "html")]
SHOWN = {
    *(f"figures/atlas/{name}.{suffix}" for name in ("gap", "behaviour", "basins") for suffix in ("png", "pdf")),
    *("figures/atlas/maps.csv", "figures/atlas/maps.csv-metadata.json", "figures/atlas/atlas.html"),
    *CLAIMS,
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
    assert atlas_page.BLOCK.read(folder / "figures/atlas/maps.csv").startswith(
        "\n3 planes with 31 points; at 0 of them"
    )


def test_other_planes_are_drawn_again_and_nothing_is_solved(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "other")
    edited(folder, lambda config: config["atlas"]["maps"].pop("gap"))
    drawn = {name for name in SHOWN if not any(other in name for other in ("gap", "atlas.html", "claims"))}
    assert planned(folder, "atlas") == drawn
    edited(folder, lambda config: config["atlas"].pop("maps"))
    assert planned(folder, "atlas") == set()


def test_a_plane_that_is_none_is_refused_before_anything_runs(tmp_path):
    edited(tmp_path, lambda config: config["atlas"]["maps"]["gap"][0].update(y="theta0"))
    line = error(tmp_path, "atlas")
    assert line == "config.yaml: atlas.maps.gap[0].y = 'theta0': quadratic-adam varies beta1 and learning_rate"


def test_without_a_gpu_one_is_refused_in_one_line(tmp_path):
    edited(tmp_path, lambda config: config["atlas"].update(processor="gpu"))
    # a GPU is looked for by a process that has not imported JAX
    code, output = snakemake(tmp_path, "atlas", cores=1, python=sys.executable)
    assert code != 0
    (line,) = {line for line in output.splitlines() if line.startswith("failed: ")}
    assert "atlas.processor = 'gpu': JAX finds none of NVIDIA's here (" in line
    assert "Traceback" not in output
    assert files(tmp_path) == set()


def test_a_second_run_has_nothing_to_do_and_all_needs_none_of_it(built):
    folder, _ = built
    assert planned(folder, "atlas") == set()
    code, output = snakemake(folder, "--dry-run", "all")
    assert code == 0, output
    assert "atlas_shard" not in output
    assert "no rule produces" not in output


def test_what_an_interrupted_run_has_left_is_part_of_it(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "other")
    (folder / "results/atlas/data/region=quadratic-adam/rows-0000000000.parquet").unlink()
    for first in (0, 40, 11):
        shard = folder / f"results/atlas/shards/rows/double_well-rmsprop/{first}.parquet"
        shard.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "results/atlas/curves/quadratic-adam.parquet", shard)
    code, output = snakemake(folder, "--dry-run", "atlas")
    assert code == 0, output
    strange = [line for line in output.splitlines() if "no rule produces" in line]
    assert [line.partition(": no")[0].rpartition("/")[2] for line in strange] == ["11.parquet"]


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
    left = folder / "results/atlas/shards/curves/quadratic-adam/0.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a shard")
    code, output = snakemake(folder, "mend")
    assert code == 0, output
    assert not damaged.exists()
    assert not left.exists()
    again = planned(folder, "atlas")
    assert not [name for name in again if "rmsprop" in name]
    code, output = snakemake(folder, "atlas")
    assert code == 0, output
    assert damaged.read_bytes() == before
    assert len(atlas.read(damaged)) == 10


def test_claims_are_judged_in_all_rows_and_say_from_what(built, monkeypatch, capsys):
    folder, _ = built
    found = pd.read_csv(folder / "figures/atlas/claims.csv").set_index(["claim", "region", "model"])
    assert found["rows"].to_dict() == {
        ("close", "double_well-rmsprop", "equation"): 90,
        ("close", "double_well-rmsprop", "no_lookahead"): 90,
        ("close", "quadratic-adam", "equation"): 10,
        ("close", "quadratic-adam", "no_lookahead"): 10,
        # of two steps one, of five starts two
        ("same-well", "double_well-rmsprop", "equation"): 18,
        ("momentum", "quadratic-adam", "discrete"): 5,
        ("momentum", "quadratic-adam", "equation"): 5,
    }
    assert (found["rows"] == found[["holds", "fails", "undecided", "not_converged"]].sum(axis=1)).all()
    # theta0 = 0 rests, whatever the rest
    assert found.loc[("close", "double_well-rmsprop", "equation"), "undecided"] == 18
    for name in CLAIMS:
        assert {*provenance.read(folder / name)["traces"]} == DATA
    monkeypatch.chdir(folder)
    assert verify.main(CLAIMS) == 0
    assert "claims.yaml: atlas_claims.statements.same-well" in capsys.readouterr().out


def test_other_claims_are_judged_without_solving_and_to_the_same_bytes(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "other")
    claims = yaml.safe_load(CLAIMED.read_text())
    statements = claims["atlas_claims"]["statements"]
    statements["momentum"]["against"]["hyperparameters"]["beta1"] = 0.1
    (folder / "claims.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
    assert planned(folder, "atlas") == {*CLAIMS}
    code, output = snakemake(folder, "atlas")
    assert code == 0, output
    reason = "atlas_claims.statements.momentum.against: beta1 = 0.1: quadratic-adam has no such configuration"
    assert f"{reason}; the claim is not judged" in output
    assert reason in (folder / "figures/atlas/claims.md").read_text()
    shutil.copy(CLAIMED, folder)
    (folder / "figures/atlas/claims.html").write_text("damaged")
    code, output = snakemake(folder, "mend")
    assert "figures/atlas/claims.html" in output
    code, output = snakemake(folder, "atlas")
    assert code == 0, output
    for name in CLAIMS:
        assert (folder / name).read_bytes() == (built[0] / name).read_bytes()


def test_a_mistake_is_one_line_and_without_an_atlas_nothing_is_asked(tmp_path):
    claims = CLAIMED.read_text()
    (tmp_path / "claims.yaml").write_text(claims.replace("[double_well-rmsprop, quad", "[double_well-rmsprop, qad"))
    edited(tmp_path, lambda config: config)
    assert error(tmp_path).startswith(
        "claims.yaml: atlas_claims.statements.close.regions[1] = 'qadratic-adam': no such region; there are "
    )
    edited(tmp_path, lambda config: config.pop("atlas"))
    assert not [name for name in planned(tmp_path) if "atlas" in name]


def test_a_region_of_a_plug_in_has_its_claims_too(tmp_path):
    ideas = shutil.copytree(
        ROOT / "examples/ideas", tmp_path / "x", ignore=shutil.ignore_patterns("results", "figures", ".snakemake")
    )
    config, claims = (yaml.safe_load((ideas / f"{name}.yaml").read_text()) for name in ("config", "claims"))
    axes = {"decay": [0.0, 0.1], "beta1": [0.9], "beta2": [0.99]}
    region = {"objective": "quadratic", "optimizer": "adamw", "t_start": "origin", "steps": [10], "theta0": [1.0, 2.0]}
    region |= {"hyperparameters": axes, "learning_rates": [0.1, 0.2]}
    config["atlas"] = {"refine": 1, "shard": 10, "sample": 1, "processor": "cpu", "regions": {"mine": region}}
    about = {"source": "this project", "statement": "It pulls.", "because": "It decays.", "regions": ["mine"]}
    about |= {"models": ["discrete"], "measurement": "end", "where": {"hyperparameters": {"decay": [0.1, 1]}}}
    about |= {"against": {"by": "difference", "hyperparameters": {"decay": 0.0}}, "criterion": {"below": 0}}
    claims["atlas_claims"] = {
        "shares": {"throughout": 0.9, "mostly": 0.5, "in part": 0.1},
        "statements": {"pulled": about},
    }
    for name, content in {"config": config, "claims": claims}.items():
        (ideas / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    code, output = snakemake(ideas, "atlas")
    assert code == 0, output
    (found,) = pd.read_csv(ideas / "figures/atlas/claims.csv").to_dict("records")
    assert (found["verdict"], found["holds"], found["rows"]) == ("throughout", 4, 4)


def test_the_queries_of_the_page_run(built):
    folder, _ = built
    text = queries.PAGE.read_text(encoding="utf-8")
    codes = [found["code"] for found in queries.QUERY.finditer(text)]
    assert len(codes) == text.count("```python") == 3
    for code in codes:
        lines = queries.printed(code, folder).splitlines()
        assert len(lines) > 1, code
    # the last one streams, and chooses rows all the same: learning rates up to 0.1 are three of five in one region
    assert [line.split()[0] for line in lines[1:]] == ["double_well-rmsprop", "quadratic-adam"]
    assert lines[2].split()[-2:] == ["6", "6"]
    new = queries.renewed(text, folder)
    assert queries.renewed(new, folder) == new
    assert [found["code"] for found in queries.QUERY.finditer(new)] == codes
    assert re.sub(queries.QUERY, "", new) == re.sub(queries.QUERY, "", text)
    command = [queries.__file__, "--check", "--folder"]
    run = warm.run([*command, folder], kind="main")
    assert (run.returncode, run.stderr) == (
        1,
        "atlas.md: its queries print something else than before; run `make atlas`\n",
    )
    run = warm.run([*command, folder / "figures"], kind="main")
    assert run.returncode == 1
    assert run.stderr.endswith("results/atlas/data: no such folder; `snakemake --cores 4 atlas` writes it\n")


@pytest.mark.skipif(not (ROOT / "results/atlas/data").exists(), reason="no atlas was solved here yet")
def test_the_page_has_what_its_queries_print_of_the_last_run():
    text = queries.PAGE.read_text(encoding="utf-8")
    assert queries.renewed(text, ROOT) == text

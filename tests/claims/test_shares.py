"""Claims about the atlas: on small tables whose shares are counted by hand, and on what may be wrong with them."""

import copy
import html
import math
import re

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from optide.base.errors import ConfigError
from optide.claims import check, region_check, shares
from optide.data import provenance
from optide.settings import atlas as regions
from optide.settings import yamlfile
from optide.show import shares as render
from optide.show import shares_page
from optide.studies import atlas, atlas_solve
from tex import valid

SCHEMA = yamlfile.read(ROOT / "workflow/schemas/claims.schema.yaml")
REDUCED = ROOT / "tests/reduced"
REGION = {
    "objective": "double_well",
    "optimizer": "rmsprop",
    "t_start": "origin",
    "steps": [20],
    "theta0": [-0.5, 0.5],
    "hyperparameters": {"beta": [0.0, 0.9]},
    "learning_rates": [0.1, 0.2, 0.4],
}
ATLAS = {"refine": 1, "shard": 100, "sample": 1, "processor": "cpu", "regions": {"wells": REGION}}
SCALE = {"throughout": 0.95, "mostly": 0.75, "in part": 0.25}
SLICES = {"wells": regions.region_slice(ATLAS, "wells")}
ROWS = np.arange(12)
"""theta0 -0.5 and 0.5, of each beta 0 and 0.9, of each three learning rates."""


def written(folder, **columns):
    """A data set in two files, with some columns, and all else as where nothing was measured and all was solved."""
    solved = {f"{model}_converged": np.ones(12, bool) for model in atlas.EQUATIONS}
    chosen = atlas.configurations(SLICES["wells"], ROWS)
    same = {name: np.full(12, REGION[name]) for name in ("objective", "optimizer")}
    numbers = {name: np.asarray(values) for name, values in columns.items()}
    table = atlas_solve._table(same | chosen | {"row": ROWS} | solved | numbers, atlas.of(SLICES["wells"]))
    paths = []
    for first in (0, 5):
        path = folder / "region=wells" / f"rows-{first:010d}.parquet"
        path.parent.mkdir(exist_ok=True)
        atlas.write(path, table.slice(first, 5 if first == 0 else 7), SLICES["wells"])
        paths.append(path)
    return [*paths, folder / "region=others" / "rows-0000000000.parquet"]


def claim(**entries):
    return {"source": "abstract", "statement": "So it is.", "because": "It is.", "regions": ["wells"], **entries}


def judged(folder, columns, **entries):
    statement = claim(**{"models": ["equation"], **entries})
    found = shares.judge({"shares": SCALE, "statements": {"x": statement}}, SLICES, written(folder, **columns))
    return found if len(found) > 1 else found[0]


def counted(holds=0, fails=0, undecided=0, lost=0):
    return {"holds": holds, "fails": fails, "undecided": undecided, "not converged": lost}


def test_a_share_is_of_the_rows_that_are_decided_and_the_others_are_counted_apart(tmp_path):
    gap = [0.01, 0.02, 0.3, 0.01, 0.05, 0.3, np.nan, 0.02, 0.02, 0.02, 0.02, 0.04]
    solved = np.ones(12, bool)
    # a number there is counted as one that is not
    solved[[0, 11]] = False
    found = judged(
        tmp_path, {"equation_gap": gap, "equation_converged": solved}, measurement="gap", criterion={"below": 0.05}
    )
    # 0.05 is not below 0.05
    assert found.counts == counted(6, 3, 1, 2)
    assert found.share == 6 / 9
    assert found.verdict == "in part"
    assert found.failing == {"theta0": (-0.5, -0.5), "beta": (0.0, 0.9), "learning_rate": (0.2, 0.4)}


def test_where_chooses_rows_on_its_ends_too(tmp_path):
    chosen = {"learning_rate": [0.1, 0.2], "theta0": [0, 9], "hyperparameters": {"beta": [0.9, 0.9]}}
    rows = {"measurement": "oscillations", "models": ["discrete"], "criterion": {"above": 8}, "where": chosen}
    # rows 9 and 10
    assert judged(tmp_path, {"discrete_oscillations": ROWS}, **rows).counts == counted(2)
    steps = {**rows, "where": {"steps": [20, 20]}}
    assert judged(tmp_path, {"discrete_oscillations": ROWS}, **steps).counts == counted(3, 9)
    assert judged(tmp_path, {"discrete_oscillations": np.where(ROWS > 4, ROWS, -1)}, **steps).counts == counted(3, 4, 5)


def test_a_gap_is_relative_to_the_way_and_there_is_none_where_the_algorithm_rests(tmp_path):
    end = np.where(ROWS < 6, -1.0, 0.5)
    columns = {"discrete_end": end, "equation_gap": np.where(ROWS < 3, 0.02, 0.04)}
    # of a way of 1/2: 0.04, and 0.08; from row 6 on it has not moved
    columns["equation_gap"][11] = 0
    found = judged(tmp_path, columns, measurement="relative_gap", criterion={"below": 0.05})
    assert found.counts == counted(3, 3 + 5, 1)


def test_two_models_are_compared_in_the_same_row(tmp_path):
    columns = {
        "equation_gap": np.full(12, 0.5),
        "no_lookahead_gap": np.where(ROWS % 2, 0.7, 0.3),
        "equation_converged": ROWS != 1,
        "no_lookahead_converged": ROWS != 2,
    }
    entries = {"models": ["no_lookahead"], "measurement": "gap", "criterion": {"above": 1}}
    # rests on both
    found = judged(tmp_path, columns, **entries, against={"model": "equation", "by": "ratio"})
    assert found.counts == counted(5, 5, 0, 2)
    entries["criterion"] = {"between": [-0.25, 0.25]}
    assert judged(tmp_path, columns, **entries, against={"model": "equation", "by": "difference"}).share == 1


def test_wells_and_behaviours_are_the_same_or_not(tmp_path):
    by_row = [*["settles"] * 6, *["oscillates"] * 6]
    other = [*["settles"] * 3, *["rests"] * 3, *["oscillates"] * 5, ""]
    columns = {"discrete_behaviour": by_row, "equation_behaviour": other}
    same = {"model": "discrete", "by": "equality"}
    assert judged(tmp_path, columns, measurement="behaviour", against=same).counts == counted(8, 3, 1)
    columns = {"discrete_basin": np.full(12, 1.0), "equation_basin": np.where(ROWS > 3, 1.0, -1.0)}
    assert judged(tmp_path, columns, measurement="basin", against=same).counts == counted(8, 4)


def test_rows_are_compared_with_those_of_other_values_on_some_axes(tmp_path):
    # of beta = 0: rows 0 to 2 and 6 to 8; of beta = 0.9, three further
    rate = np.asarray([1.0, 2, np.nan, 2, 4, 4, 1, 1, 1, 0.5, 0.5, 2])
    solved = ROWS != 7
    entries = {
        "measurement": "decay_rate",
        "criterion": {"above": 1.5},
        "where": {"hyperparameters": {"beta": [0.5, 1]}},
    }
    columns = {"equation_decay_rate": rate, "equation_converged": solved}
    found = judged(tmp_path, columns, **entries, against={"by": "ratio", "hyperparameters": {"beta": 0.0}})
    # 2, 2, nothing; 1/2, not solved there, 2
    assert found.counts == counted(3, 1, 1, 1)
    assert found.failing == {"theta0": (0.5, 0.5), "beta": (0.9, 0.9), "learning_rate": (0.1, 0.1)}
    two = {"by": "difference", "theta0": -0.5, "learning_rate": 0.2, "steps": 20, "hyperparameters": {"beta": 0.9}}
    del entries["where"]
    # minus row 4, everywhere
    found = judged(tmp_path, columns, **{**entries, "criterion": {"outside": [-3.25, -0.5]}}, against=two)
    assert found.counts == counted(4, 6, 1, 1)


def test_a_run_that_does_not_settle_settles_infinitely_late_and_of_two_none_is_later(tmp_path):
    steps = [3, 3, -1, -1, 5, -1, 3, 3, 3, 2, 3, 4]
    behaviour = ["settles" if step > 0 else "oscillates" for step in steps]
    columns = {"discrete_settling_step": steps, "discrete_behaviour": behaviour}
    entries = {
        "models": ["discrete"],
        "measurement": "settling_step",
        "where": {"hyperparameters": {"beta": [0.9, 0.9]}},
    }
    against = {"by": "difference", "hyperparameters": {"beta": 0.0}}
    found = judged(tmp_path, columns, **entries, against=against, criterion={"above": 0})
    # inf - 3, 5 - 3, inf - inf; 2 - 3, 3 - 3, 4 - 3
    assert found.counts == counted(3, 2, 1)
    assert judged(tmp_path, columns, **entries, criterion={"below": 100}).counts == counted(4, 2)
    # of an objective without minima nothing is known
    columns["discrete_behaviour"] = [""] * 12
    assert judged(tmp_path, columns, **entries, criterion={"below": 100}).counts == counted(4, 0, 2)


def test_no_row_decided_is_undecided(tmp_path):
    nothing = judged(tmp_path, {}, measurement="gap", criterion={"below": 1})
    assert nothing.counts == counted(0, 0, 12)
    assert math.isnan(nothing.share)
    assert nothing.verdict == "undecided"
    assert nothing.failing == {}


@pytest.mark.parametrize(
    ("share", "word"),
    [(1, "throughout"), (0.95, "throughout"), (0.94, "mostly"), (0.25, "in part"), (0.24, "hardly"), (0, "hardly")],
)
def test_words_for_shares(share, word):
    assert shares.word(share, SCALE) == word


def test_counts_are_the_same_whatever_portions_they_are_read_in(tmp_path, monkeypatch):
    rate = np.linspace(1, 2, 12)
    entries = {"models": ["equation", "no_lookahead"], "measurement": "decay_rate", "criterion": {"above": 1.2}}
    entries["against"] = {"by": "ratio", "learning_rate": 0.1}
    columns = {f"{model}_decay_rate": rate for model in entries["models"]}
    whole = judged(tmp_path, columns, **entries)
    assert [one.model for one in whole] == entries["models"]
    monkeypatch.setattr(shares, "_ROWS", 1)
    assert judged(tmp_path, columns, **entries) == whole


def test_only_the_columns_that_a_claim_needs_are_read(tmp_path):
    paths = written(tmp_path, equation_gap=np.full(12, 0.1))[:2]
    statement = claim(models=["equation"], measurement="gap", criterion={"below": 1})
    (batch, *_) = shares._scanned([*map(str, paths)], ["row", "equation_gap"], {"row": [3, 4]})
    assert batch.schema.names == ["row", "equation_gap"]
    assert batch["row"].to_pylist() == [3, 4]
    (found,) = shares.judge({"shares": SCALE, "statements": {"x": statement}}, SLICES, paths)
    assert found.verdict == "throughout"


@pytest.fixture(scope="module")
def document():
    return yamlfile.read(REDUCED / "claims.yaml")


@pytest.fixture(scope="module")
def reduced():
    return yamlfile.read(REDUCED / "config.yaml")


FOUND = [
    shares.Share(
        "close", "double_well-rmsprop", "equation", counted(2, 1, 1200, 1), 2 / 3, "mostly", {"beta": (0, 0.9)}
    ),
    shares.Share("close", "quadratic-adam", "equation", counted(9999, 1), 0.9999, "throughout", {"beta1": (0.5, 0.5)}),
    shares.Share("same-well", "double_well-rmsprop", "equation", counted(5), 1.0, "throughout", {}),
    shares.Share("momentum", "quadratic-adam", "discrete", counted(0, 0, 5), math.nan, "undecided", {}),
]


def test_formats_and_the_page(document, tmp_path):
    claims, record = document["atlas_claims"], {"configuration": {"atlas_claims.shares": "0"}, "traces": {}}
    for suffix in ("csv", "csv-metadata.json", "md", "html", "tex"):
        path = tmp_path / f"c.{suffix}"
        render.write(claims, FOUND, {"gone": "gone: no such configuration"}, path, record)
        assert suffix == "csv" or provenance.read(path) == record
        first = path.read_bytes()
        render.write(claims, FOUND, {"gone": "gone: no such configuration"}, path, record)
        assert path.read_bytes() == first
    table = pd.read_csv(tmp_path / "c.csv")
    assert table["rows"].tolist() == [1204, 10000, 5, 5]
    assert table["not_converged"].tolist() == [1, 0, 0, 0]
    assert table["fails_to_beta"].tolist()[0] == 0.9
    assert table["fails_from_beta1"].isna().tolist() == [True, False, True, True]
    assert table["criterion"].tolist()[1:] == [
        "relative_gap < 0.05",
        "basin, the same as that of discrete; of steps 20, theta0 -1.5 to -0.1",
        "settling_step, minus that of beta1 0 > 0; of beta1 0.5 to 1",
    ]
    lines = [line for line in shares_page.BLOCK.read(tmp_path / "c.csv").splitlines() if line.startswith("|")]
    last = [[cell.strip() for cell in line.split("|")[4:-1]] for line in lines[2:]]
    assert last == [
        ["double_well-rmsprop", "equation", "mostly, 66.7 %", "3", "1,200 undecided, 1 not converged", "beta 0 to 0.9"],
        # not all of them
        ["quadratic-adam", "equation", "throughout, 99.9 %", "10,000", "", "beta1 0.5"],
        ["double_well-rmsprop", "equation", "throughout, 100 %", "5", "", ""],
        ["quadratic-adam", "discrete", "undecided", "0", "5 undecided", ""],
    ]
    markdown = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert "since the configuration changed: gone: no such configuration." in markdown
    assert "throughout from 90 % on, mostly from 60 % on, in part from 10 % on, and hardly below." in markdown
    # told once, and with its reason
    assert markdown.count('Both are close, whatever "a_b" and 100 % mean in LaTeX.') == 2
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 1 + len(FOUND)
    assert 'whatever "a_b" and 100 % mean' in html.unescape(page)
    latex = (tmp_path / "c.tex").read_text(encoding="utf-8")
    valid(latex)
    assert r"relative\_gap $<$ 0.05 & " in latex


@pytest.mark.parametrize("folder", [ROOT, REDUCED])
def test_the_claims_are_valid_and_about_what_is_solved(folder):
    document, config = yamlfile.read(folder / "claims.yaml"), yamlfile.read(folder / "config.yaml")
    check.examine(document, SCHEMA, config)
    assert region_check.check(document["atlas_claims"], config) == {}
    statements = document["atlas_claims"]["statements"].values()
    assert all(text.isascii() for one in statements for text in (one["statement"], one["because"]))


def test_the_page_has_every_claim_in_order_and_its_scale():
    text = (ROOT / "docs/atlas.md").read_text(encoding="utf-8")
    table = text.split(shares_page.BLOCK.begin)[1].split(shares_page.BLOCK.end)[0]
    found = re.findall(r"^\| (abstract|figure \d|this project) \| (.*?) \| (.*?) \| ", table, flags=re.MULTILINE)
    claims = yamlfile.read(ROOT / "claims.yaml")["atlas_claims"]
    wanted = [
        (one["source"], one["statement"], render.criterion_in_words(one)) for one in claims["statements"].values()
    ]
    assert found == wanted, "run `make atlas`"
    told = "Throughout is from {throughout} % on, mostly from {mostly} %, in part from {in part} %, and hardly below."
    percent = {name: round(100 * share) for name, share in claims["shares"].items()}
    assert told.format(**percent) in " ".join(text.split())


@pytest.mark.skipif(not (ROOT / "figures/atlas/claims.csv").exists(), reason="no atlas was solved here yet")
def test_the_page_has_the_shares_of_the_last_run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert shares_page.BLOCK.main(["--check"]) == 0, capsys.readouterr().err


def test_what_is_no_table_is_named(tmp_path, capsys):
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    for name in ("c.csv", "d.csv"):
        assert (
            shares_page.BLOCK.main(["--check", "--table", str(tmp_path / name), "--page", str(ROOT / "README.md")]) == 1
        )
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("c.csv: no column 'claim'; `snakemake --cores 4 atlas` writes it")
    assert second.endswith("d.csv: No such file or directory; `snakemake --cores 4 atlas` writes it")


def edit(document, *keys, value):
    edited = copy.deepcopy(document)
    place = edited["atlas_claims"]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return edited


CLOSE, WELL, LATER = (("statements", name) for name in ("close", "same-well", "momentum"))


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("shares", "mosty"), 0.5, r"shares\.mosty: unknown key; allowed: throughout, .*; did you mean 'mostly'\?"),
        (("shares", "mostly"), 0.95, r"shares\.mostly = 0\.95: must be below throughout = 0\.9"),
        (("shares", "throughout"), 2, r"shares\.throughout = 2: must be a number >= 0 and <= 1"),
        ((*CLOSE, "models"), ["published"], r"models\[0\] = 'published': must be one of discrete, equation, no_look"),
        (
            (*CLOSE, "models"),
            ["discrete"],
            r"close\.models: relative_gap needs equation or no_lookahead, not discrete",
        ),
        (
            (*CLOSE, "against"),
            {"model": "discrete", "by": "ratio"},
            r"close\.against\.model: relative_gap needs equation or no_lookahead, not discrete",
        ),
        (
            (*CLOSE, "measurement"),
            "relativ_gap",
            r"measurement = 'relativ_gap': must be .*; did you mean 'relative_gap'",
        ),
        (
            (*CLOSE, "regions", 1),
            "quadratic-adm",
            r"close\.regions\[1\] = 'quadratic-adm': no such region; there are double_well-rmsprop, quadratic-adam",
        ),
        ((*CLOSE, "criterion"), {"between": [2, 1]}, r"criterion\.between = \[2, 1\]: the first must be below"),
        ((*WELL, "criterion"), {"above": 1}, r"same-well\.criterion: not allowed where against\.by is equality"),
        (
            (*WELL, "against"),
            {"model": "discrete", "by": "ratio"},
            r"same-well\.criterion: missing; needed where against\.by is not equality",
        ),
        ((*CLOSE, "measurement"), "behaviour", r"against\.by: must be equality where measurement = behaviour, which"),
        ((*WELL, "where", "steps"), [20, 12], r"same-well\.where: steps = \[20, 12\]: the first must not be above"),
        (
            (*LATER, "where", "hyperparameters"),
            {"beta": [0, 1]},
            r"momentum\.where\.hyperparameters\.beta: quadratic-adam has beta1, beta2; did you mean 'beta\d'\?",
        ),
        (
            (*LATER, "against", "hyperparameters"),
            {"beta": 0.0},
            r"momentum\.against\.hyperparameters\.beta: quadratic-adam has beta1, beta2",
        ),
    ],
)
def test_mistakes_are_named(document, reduced, keys, value, message):
    edited = edit(document, *keys, value=value)
    with pytest.raises(ConfigError, match=rf"^atlas_claims\..*{message}"):
        assert check.examine(edited, SCHEMA, reduced) == region_check.check(edited["atlas_claims"], reduced)


@pytest.mark.parametrize(
    ("keys", "value", "reason"),
    [
        ((*WELL, "where", "theta0"), [5, 6], "where: theta0 = [5, 6]: double_well-rmsprop has no such configuration"),
        (
            (*LATER, "against", "hyperparameters", "beta1"),
            0.1,
            "against: beta1 = 0.1: quadratic-adam has no such configuration",
        ),
    ],
)
def test_what_the_atlas_no_longer_has_is_not_judged(document, reduced, keys, value, reason):
    edited = edit(document, *keys, value=value)["atlas_claims"]
    assert region_check.check(edited, reduced) == {keys[1]: f"atlas_claims.statements.{keys[1]}.{reason}"}

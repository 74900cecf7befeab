"""The claims in verdicts.md: generated, and never another's verdicts."""

import re

import pandas as pd
import pytest

from conftest import ROOT
from optide.settings import yamlfile
from optide.show import verdicts

ROWS = [
    {"claim": "a", "source": "figure 1", "statement": "It settles.", "model": model, "verdict": verdict}
    for model, verdict in [("discrete", "holds"), ("discrete", "fails"), ("converged", "undecided")]
]
CSV = "claim,source,statement,model,verdict\na,figure 1,It settles.,discrete,holds\n"


def test_one_line_a_claim_and_the_worst_verdict_of_each_model():
    lines = verdicts.brief(pd.DataFrame(ROWS)).strip().splitlines()
    assert lines[0] == "| source | claim | discrete | published | converged |"
    assert lines[2:] == [
        "| figure 1 | It settles. | **fails** in 1 of 2 | – | undecided |",
        "",
        "Of the paper's statements hold: 0 of 1 for discrete, 0 of 0 for published, 0 of 1 for converged.",
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "figures").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "figures/claims.csv").write_text(CSV)
    (tmp_path / "docs/verdicts.md").write_text(f"before\n{verdicts.BLOCK.begin}\nold\n{verdicts.BLOCK.end}\nafter\n")
    return tmp_path


def test_what_is_written_passes_the_check_and_other_verdicts_do_not(folder, capsys):
    assert verdicts.BLOCK.main(["--check"]) == 1
    assert (
        "docs/verdicts.md: its claims are not those of figures/claims.csv; run `make verdicts`"
        in capsys.readouterr().err
    )
    assert verdicts.BLOCK.main([]) == 0
    text = (folder / "docs/verdicts.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| figure 1 | It settles. | holds | – | – |" in text
    assert verdicts.BLOCK.main(["--check"]) == 0
    (folder / "figures/claims.csv").write_text(CSV.replace("holds", "fails"))
    assert verdicts.BLOCK.main(["--check"]) == 1
    assert (folder / "docs/verdicts.md").read_text() == text


def test_what_is_missing_is_named(folder, capsys):
    (folder / "figures/claims.csv").write_text("a,b\n1,2\n")
    assert verdicts.BLOCK.main([]) == 1
    for damaged in (b"", b"a,b\n1,2,3,4\n1\n1,2,3,4,5\n", b"source\n\xff\n"):
        (folder / "figures/claims.csv").write_bytes(damaged)
        assert verdicts.BLOCK.main([]) == 1
    (folder / "figures/claims.csv").unlink()
    assert verdicts.BLOCK.main([]) == 1
    (folder / "figures/claims.csv").write_text(CSV)
    (folder / "docs/verdicts.md").write_text("no markers\n")
    assert verdicts.BLOCK.main([]) == 1
    first, *damaged, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith("optide: error: figures/claims.csv: no column 'source'")
    assert len(damaged) == 3
    assert all(line.startswith("optide: error: figures/claims.csv: ") for line in damaged)
    assert second.startswith("optide: error: figures/claims.csv: No such file or directory; `snakemake")
    assert third.startswith("optide: error: docs/verdicts.md: has no lines")


def test_the_page_has_every_claim_in_order():
    text = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
    table = text.split(verdicts.BLOCK.begin)[1].split(verdicts.BLOCK.end)[0]
    found = re.findall(r"^\| (abstract|figure \d|this project) \| (.*?) \| ", table, flags=re.MULTILINE)
    claims = yamlfile.read(ROOT / "claims.yaml")["claims"].values()
    assert found == [(claim["source"], claim["statement"]) for claim in claims], "run `make verdicts`"


@pytest.mark.skipif(not (ROOT / "figures/claims.csv").exists(), reason="nothing was judged here yet")
def test_the_page_has_the_verdicts_of_the_last_run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert verdicts.BLOCK.main(["--check"]) == 0, capsys.readouterr().err

"""What others expect in a repository: citation, archive, catalog, forms; valid, and in agreement."""

import json
import re

import pytest
import yaml

from conftest import ROOT
from optide.settings import yamlfile
from validators import needs_validators, run

CITATION = yamlfile.read(ROOT / "CITATION.cff")
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))


@needs_validators
def test_the_citation_is_valid_and_one_without_a_title_is_not(tmp_path):
    code, output = run("cffconvert", "--validate", "--infile", ROOT / "CITATION.cff")
    assert code == 0, output
    wrong = tmp_path / "CITATION.cff"
    wrong.write_text(yaml.safe_dump({key: str(value) for key, value in CITATION.items() if key != "title"}))
    assert run("cffconvert", "--validate", "--infile", wrong)[0] != 0


def test_the_archive_is_told_what_the_citation_says():
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    told = {
        "title": CITATION["title"],
        "upload_type": CITATION["type"],
        "version": CITATION["version"],
        "publication_date": str(CITATION["date-released"]),
        "license": CITATION["license"],
        "description": CITATION["abstract"],
        "keywords": CITATION["keywords"],
        "creators": CITATION["authors"],
    }
    (paper,) = CITATION["references"]
    (related,) = zenodo.pop("related_identifiers")
    assert zenodo == told
    assert [related["identifier"]] == [entry["value"] for entry in paper["identifiers"]]


def test_the_catalog_finds_configuration_usage_and_an_environment_for_every_rule():
    assert (ROOT / "config/config.yaml").resolve() == ROOT / "config.yaml"
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((\S+?)\)", page)
    assert len(links) > 3
    assert all((ROOT / "config" / link).exists() for link in links)
    usage = yamlfile.read(ROOT / ".snakemake-workflow-catalog.yml")["usage"]
    assert usage["mandatory-flags"]["flags"] == ""
    assert {"conda", "apptainer", "apptainer+conda"} == set(usage["software-stack-deployment"])
    assert usage["report"]
    rules = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    # every rule that has a job: all of them write a log
    jobs, environments = (
        sum(len(re.findall(rf"^ +{what}:$", text, re.M)) for text in rules) for what in ("log", "conda")
    )
    assert jobs > 10
    assert usage["software-stack-deployment"]["conda"] == (jobs == environments)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_asks_for_something_and_says_what(form):
    described = yamlfile.read(form)
    assert {"name", "description", "body"} <= set(described)
    kinds = [part["type"] for part in described["body"]]
    assert set(kinds) <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    asked = [part for part in described["body"] if part["type"] != "markdown"]
    assert all(part["attributes"]["label"] for part in asked)
    assert len({part["id"] for part in asked}) == len(asked)
    assert any(part.get("validations", {}).get("required") for part in asked)


def test_there_is_a_form_for_each_kind_of_issue():
    assert [form.stem for form in FORMS] == ["bug", "number", "optimizer"]


def test_what_contributors_are_told_to_run_and_read_is_there():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    made = re.findall(r"\bmake ([a-z]+)\b(?! a)", page)
    assert {"test", "lint", "conventions"} <= set(made) - {"a"} <= set(targets)
    named = [*re.findall(r"\]\((\S+?)\)", page), *re.findall(r"(?:src|tests|reproducibility)/[\w/]+\.\w+", page)]
    assert len(named) > 5
    assert all((ROOT / path).exists() for path in named)

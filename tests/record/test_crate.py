"""The crate of a run: read back with another reader's eyes, whole, and the same at any time and place."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from matplotlib.figure import Figure
from rocrate.rocrate import ROCrate

import validators
from conftest import ROOT
from optide.base.errors import FileError
from optide.data import digests, provenance, traces
from optide.record import crate
from optide.settings.config import experiment_slice
from optide.show import plotting
from optide.studies import experiments
from validators import needs_context, needs_validators

CONFIG = ROOT / "tests" / "reduced" / "config.yaml"
NAMES = ("Snakefile", "CITATION.cff", "requirements.lock", "workflow/rules/crate.smk")
SOURCES = {"config.yaml": CONFIG.read_bytes(), **{name: (ROOT / name).read_bytes() for name in NAMES}}
TRACES = [f"results/traces/discrete/quadratic-adagrad/lr{rate}.parquet" for rate in (0.1, 0.05)]
ARTEFACTS = ["figures/a b.png", "figures/a.csv", "figures/a.csv-metadata.json"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a run")
    config = yaml.safe_load(CONFIG.read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for path, rate in zip(TRACES, (0.1, 0.05), strict=True):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            traces.write(path, *experiments.run(experiment_slice(config, "quadratic-adagrad", rate), "discrete"))
        record = provenance.describe(TRACES, {})
        Path("figures").mkdir()
        plotting.save(Figure(figsize=(1, 1)), ARTEFACTS[0], record)
        Path(ARTEFACTS[1]).write_bytes(b"x\n1\n")
        provenance.write(ARTEFACTS[2], provenance.of_text(ARTEFACTS[2], record).encode(), b"x\n1\n")
        crate.write(folder, SOURCES, TRACES, ARTEFACTS)
    return folder


def test_every_input_and_output_is_listed_and_every_listed_file_is_there(run):
    read = ROCrate(run)
    files = {Path(entity.source).relative_to(run).as_posix(): entity for entity in read.data_entities}
    assert set(files) == {f"{crate.INPUTS}/{name}" for name in SOURCES} | {*TRACES, *ARTEFACTS}
    for path, entity in files.items():
        assert entity["sha256"] == digests.of_file(run / path)
        assert int(entity["contentSize"]) == (run / path).stat().st_size
    assert files["figures/a b.png"]["encodingFormat"] == "image/png"
    assert files["figures/a.csv-metadata.json"]["encodingFormat"] == "application/csvm+json"
    for name, content in SOURCES.items():
        assert (run / crate.INPUTS / name).read_bytes() == content


def test_the_run_links_inputs_to_outputs_and_figures_to_traces(run):
    read = ROCrate(run)
    (action,) = read.get_by_type("CreateAction")
    assert action["instrument"] is read.mainEntity
    assert set(read.mainEntity.type) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    everything = {*action["object"], *action["result"], action["instrument"]}
    assert everything == set(read.data_entities)
    assert {trace.id for trace in read.get("figures/a%20b.png")["isBasedOn"]} == set(TRACES)


def test_versions_licence_and_authors_are_those_of_the_environment_and_the_citation(run):
    read = ROCrate(run)
    software = {entity["name"]: entity["softwareVersion"] for entity in read.mainEntity["softwareRequirements"]}
    assert software["python"] == sys.version.split()[0]
    locked = (ROOT / "requirements.lock").read_text()
    assert all(f"{name}=={software[name]} " in locked for name in ("jax", "jaxlib", "numpy", "matplotlib", "snakemake"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert read.license["name"] == citation["license"]
    assert read.root_dataset["author"]["name"] == citation["authors"][0]["name"]
    assert read.datePublished.date() == citation["date-released"]
    variables = {value["name"]: value["value"] for value in read.get("#run")["environment"]}
    assert variables["XLA_FLAGS"] == os.environ["XLA_FLAGS"]


def test_the_same_at_another_time_and_place(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "elsewhere")
    (folder / crate.METADATA).unlink()
    again = (
        "from pathlib import Path; from optide.record import crate; "
        f"crate.write(Path(), {{name: (Path({crate.INPUTS!r}) / name).read_bytes() for name in {list(SOURCES)}}}, "
        f"{TRACES}, {ARTEFACTS})"
    )
    variables = {"PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "SOURCE_DATE_EPOCH": "1"}
    subprocess.run([sys.executable, "-c", again], cwd=folder, check=True, env={**os.environ, **variables})
    assert (folder / crate.METADATA).read_bytes() == (run / crate.METADATA).read_bytes()


def test_an_artefact_without_provenance_is_an_error_and_leaves_the_crate_as_it_was(run):
    before = (run / crate.METADATA).read_bytes()
    (run / "figures" / "foreign.md").write_text("a table")
    with pytest.raises(FileError, match=r"foreign\.md: carries no provenance"):
        crate.write(run, SOURCES, TRACES, [*ARTEFACTS, "figures/foreign.md"])
    assert (run / crate.METADATA).read_bytes() == before


def test_an_artefact_of_another_run_is_an_error(run):
    with pytest.raises(FileError, match=r"figures/a b\.png: drawn from results/.*/lr0\.1\.parquet, which is not"):
        crate.write(run, SOURCES, TRACES[1:], ARTEFACTS)


@pytest.mark.parametrize("key", ["date-released", "license"])
def test_a_citation_that_lacks_a_key_is_named(run, key):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    del citation[key]
    with pytest.raises(FileError, match=rf"CITATION\.cff: {key} is missing"):
        crate.write(run, SOURCES | {"CITATION.cff": yaml.safe_dump(citation).encode()}, TRACES, ARTEFACTS)


@needs_validators
@needs_context
def test_the_fields_validator_finds_nothing_and_finds_a_run_without_its_workflow(run, tmp_path):
    assert " " in run.name
    code, output = validators.run("python", ROOT / ".ci" / "crate.py", run)
    assert code == 0, output
    wrong = shutil.copytree(run, tmp_path / "wrong")
    described = json.loads((wrong / crate.METADATA).read_text(encoding="utf-8"))
    del next(entity for entity in described["@graph"] if entity["@id"] == "#run")["instrument"]
    (wrong / crate.METADATA).write_text(json.dumps(described))
    code, output = validators.run("python", ROOT / ".ci" / "crate.py", wrong)
    assert code == 1, output


def test_it_is_json_ld_of_the_profile(run):
    described = json.loads((run / crate.METADATA).read_text(encoding="utf-8"))
    assert described["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in described["@graph"]}
    assert {profile["@id"] for profile in graph["./"]["conformsTo"]} == set(crate.PROFILES)
    references = [
        value["@id"]
        for entity in described["@graph"]
        for values in entity.values()
        for value in (values if isinstance(values, list) else [values])
        if isinstance(value, dict)
    ]
    dangling = {r for r in references if r not in graph}
    # the version of RO-Crate and the home of Snakemake are links to the web
    assert all(r.startswith("https://") for r in dangling)

"""A run described as a research object: what went in, what came out, and with which versions.

RO-Crate 1.1 with the profile Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5), written
with the `rocrate` library.  The crate is the working directory.  What went in is copied to
`results/inputs`, so that a crate stays true to its run when the sources are edited later, and is
whole when the run was made in another directory than that of the sources.

Nothing comes from the clock: the date of publication is that of the version (CITATION.cff), and a
run, which gives the same bits whenever it is made, has no date.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

from optide.base import files
from optide.base.arithmetic import ENVIRONMENT
from optide.base.errors import FileError
from optide.data import digests, provenance
from optide.data.provenance import INPUTS
from optide.record.manifest import PACKAGES
from optide.settings import yamlfile

METADATA = "ro-crate-metadata.json"

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = {
    "sha256": "https://schema.org/sha256",
    "environment": "https://w3id.org/ro/terms/workflow-run#environment",
}
"""What the context of RO-Crate 1.1 has no word for."""

FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".csv-metadata.json": "application/csvm+json",
    ".json": "application/json",
    ".md": "text/markdown",
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".rst": "text/x-rst",
    ".tex": "text/x-tex",
    ".yaml": "application/yaml",
    ".cff": "application/yaml",
    ".toml": "application/toml",
    ".py": "text/x-python",
}
"""Media types by the end of a name; the rest is plain text.  The standard library's table depends on the system."""


def write(directory: Path, sources: Mapping[str, bytes], traces: Sequence[str], artefacts: Sequence[str]) -> None:
    """Copy what went in to `INPUTS`, and describe everything in `METADATA`.

    Args:
        directory: the working directory, the root of the crate.
        sources: the bytes of what went in, by the path of the copy; "Snakefile" and "CITATION.cff" among them.
        traces: paths of all traces, and of what else artefacts were drawn from.
        artefacts: paths of all figures and tables; each carries its provenance.

    Raises:
        ConfigError: CITATION.cff is not YAML.
        FileError: it lacks a key, or an artefact was drawn from other traces, or carries no provenance.
    """
    citation = _citation(sources["CITATION.cff"])
    for name, content in sources.items():
        copy = directory / INPUTS / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        with files.aside(copy) as temporary:
            temporary.write_bytes(content)
    crate = _describe(directory, sorted(sources), traces, artefacts, citation)
    with files.aside(directory / METADATA) as temporary:
        temporary.write_bytes(b"".join(chunk for _, chunk in crate.metadata.stream()))


def _citation(content: bytes) -> dict[str, Any]:
    citation: dict[str, Any] = yamlfile.parse(content)
    for key in ("title", "version", "date-released", "license", "authors", "references"):
        if key not in citation:
            raise FileError(f"CITATION.cff: {key} is missing")
    return citation


def _describe(
    directory: Path, sources: Iterable[str], traces: Sequence[str], artefacts: Sequence[str], citation: dict[str, Any]
) -> ROCrate:
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(TERMS)
    _describe_root(crate, citation)
    inputs = [
        _file(crate, directory, f"{INPUTS}/{name}", name=name, description="a copy of what went in")
        for name in sources
        if name != "Snakefile"
    ]
    workflow = _describe_workflow(crate, directory, citation)
    described = {path: _file(crate, directory, path, name=path, description="values of results") for path in traces}
    for path in artefacts:
        drawn_from = provenance.read(directory / path)["traces"]
        if strangers := drawn_from.keys() - set(traces):
            raise FileError(f"{path}: drawn from {min(strangers)}, which is not among the traces of this run")
        based_on = _compact([described[trace] for trace in drawn_from])
        described[path] = _file(crate, directory, path, name=path, description="a figure or table", isBasedOn=based_on)
    action = crate.add_action(
        workflow,
        "#run",
        object=inputs,
        result=list(described.values()),
        properties={
            "name": "Run of the workflow",
            "description": "Computes all traces, draws all figures and writes all tables.",
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    action["environment"] = [
        _entity(crate, f"#{name}", "PropertyValue", name=name, value=value) for name, value in ENVIRONMENT.items()
    ]
    crate.root_dataset["mentions"] = action
    return crate


def _describe_root(crate: ROCrate, citation: dict[str, Any]) -> None:
    paper = citation["references"][0]
    arxiv = next(i["value"] for i in paper["identifiers"] if i["value"].startswith("arXiv:")).removeprefix("arXiv:")
    licence = citation["license"]
    crate.name = f"A run of {citation['title']}"
    crate.description = f"Traces, figures and tables that reproduce and extend: {paper['title']}"
    crate.datePublished = str(citation["date-released"])
    crate.license = _entity(
        crate,
        f"https://spdx.org/licenses/{licence}",
        "CreativeWork",
        name=licence,
        description=f"The licence of the software and of what it writes: {licence}",
    )
    root = crate.root_dataset
    root["author"] = _compact([_author(crate, author) for author in citation["authors"]])
    root["conformsTo"] = [
        _entity(crate, profile, "CreativeWork", name=name, version=profile.rsplit("/", 1)[1])
        for profile, name in PROFILES.items()
    ]
    root["citation"] = _entity(
        crate,
        f"https://arxiv.org/abs/{arxiv}",
        "ScholarlyArticle",
        name=paper["title"],
        author=_compact([_author(crate, author) for author in paper["authors"]]),
        datePublished=str(paper["year"]),
    )


def _author(crate: ROCrate, author: Mapping[str, str]) -> ContextEntity:
    name = author.get("name") or f"{author['given-names']} {author['family-names']}"
    kind = "Organization" if "name" in author else "Person"
    return _entity(crate, f"#{name.replace(' ', '-')}", kind, name=name)


def _describe_workflow(crate: ROCrate, directory: Path, citation: dict[str, Any]) -> File:
    path = f"{INPUTS}/Snakefile"
    workflow = crate.add_workflow(
        directory / path,
        path,
        main=True,
        lang="snakemake",
        lang_version=version("snakemake"),
        properties=_measures(directory / path),
    )
    workflow["name"] = citation["title"]
    workflow["version"] = citation["version"]
    workflow["license"] = crate.license
    workflow["author"] = crate.root_dataset["author"]
    packages = {"generic/python": platform.python_version()}
    packages |= {f"pypi/{name}": version(name) for name in (*PACKAGES, "snakemake", "rocrate")}
    workflow["softwareRequirements"] = [
        _entity(
            crate,
            f"pkg:{package}@{number}",  # a package URL: a name, not an address
            "SoftwareApplication",
            name=package.partition("/")[2],
            softwareVersion=number,
        )
        for package, number in packages.items()
    ]
    return workflow


def _entity(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _compact(values: list[Any]) -> Any:
    """A single value stands for itself in JSON-LD."""
    return values[0] if len(values) == 1 else values


def _file(crate: ROCrate, directory: Path, path: str, **properties: Any) -> File:
    return crate.add_file(directory / path, path, properties=_measures(directory / path) | properties)


def _measures(path: Path) -> dict[str, str]:
    return {
        "encodingFormat": next((form for end, form in FORMATS.items() if path.name.endswith(end)), "text/plain"),
        "contentSize": str(path.stat().st_size),
        "sha256": digests.of_file(path),
    }

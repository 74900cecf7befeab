"""Describe the whole run as an RO-Crate."""

from pathlib import Path

from optide.planning.job import job
from optide.record import crate

with job(snakemake):
    copied = {name: Path(path).read_bytes() for name, path in snakemake.params.paths.items()}
    sources = {"config.yaml": snakemake.params.configuration.encode(), **copied}
    crate.write(Path(), sources, snakemake.input.traces, snakemake.input.files)
    results = len(snakemake.input.traces) + len(snakemake.input.files)
    Path(snakemake.log[0]).write_text(f"{len(sources)} inputs and {results} results described\n")

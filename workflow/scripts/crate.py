"""Describe the whole run as an RO-Crate."""

from pathlib import Path

from optide import crate
from optide.errors import one_line

with one_line(snakemake.log[0]):
    sources = dict(zip(snakemake.params.names, map(Path, snakemake.input.sources), strict=True))
    crate.write(Path(), sources, snakemake.input.traces, snakemake.input.files)
    results = len(snakemake.input.traces) + len(snakemake.input.files)
    Path(snakemake.log[0]).write_text(f"{len(sources)} inputs and {results} results described\n")

"""Describe the whole run as an RO-Crate."""

from pathlib import Path

import optide

optide.pin()

from optide.base.files import named
from optide.planning.job import job
from optide.record import crate

with job(snakemake) as root:
    copied = {name: Path(path).read_bytes() for name, path in snakemake.params.paths.items()}
    sources = {"config.yaml": snakemake.params.configuration.encode(), **copied}
    traces, files = ([named(path, root) for path in part] for part in (snakemake.input.traces, snakemake.input.files))
    crate.write(root, sources, traces, files)
    Path(snakemake.log[0]).write_text(f"{len(sources)} inputs and {len(traces) + len(files)} results described\n")

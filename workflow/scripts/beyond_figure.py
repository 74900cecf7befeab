"""Draw training beyond the paper's problems, and how the gap falls with the learning rate, as PNG and as PDF."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance
from optide.planning.job import job
from optide.show import beyond_figures, plotting
from optide.studies import beyond

with job(snakemake) as root:
    runs = [run for path in snakemake.input.traces for run in beyond.read(path)]
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    figures = beyond_figures.drawn(runs)
    for path in snakemake.output:
        plotting.save(figures[Path(path).stem], path, record)
    Path(snakemake.log[0]).write_text(f"{len(runs)} runs drawn\n")

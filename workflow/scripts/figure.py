"""Draw one figure, as PNG and as PDF."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance, traces
from optide.planning.job import job
from optide.show import plotting

with job(snakemake) as root:
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    figure = plotting.draw(snakemake.params.figure, lanes, snakemake.wildcards.continuous, snakemake.params.places)
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    for path in snakemake.output:
        plotting.save(figure, path, record)
    Path(snakemake.log[0]).write_text(f"{len(lanes)} traces drawn\n")

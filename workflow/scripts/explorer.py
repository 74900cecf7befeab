"""Write the page that shows every trace."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance, traces
from optide.planning.job import job
from optide.show import explorer

with job(snakemake) as root:
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    explorer.write(lanes, snakemake.output[0], record)
    Path(snakemake.log[0]).write_text(f"{len(lanes)} traces shown\n")

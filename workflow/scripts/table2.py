"""Take the gap between the models apart: table 2."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance, traces
from optide.planning.job import job
from optide.show import table2
from optide.studies import audit, decomposition

with job(snakemake) as root:
    settings = snakemake.params.audit
    lanes = (lane for path in snakemake.input.traces for lane in traces.lanes(path))
    solved = (one for path in snakemake.input.audits for one in audit.read(path))
    parted = decomposition.table(lanes, solved, settings)
    sources = [*snakemake.input.traces, *snakemake.input.audits]
    record = provenance.describe(sources, snakemake.params.settings, root)
    for path in snakemake.output:
        table2.write(parted, path, record, settings)
    Path(snakemake.log[0]).write_text(decomposition.summary(parted))

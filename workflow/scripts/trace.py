"""Compute the trace of one experiment at one learning rate by one scheme."""

from pathlib import Path

import optide

optide.pin()

from optide.data import traces
from optide.planning.job import job
from optide.studies import experiments

with job(snakemake):
    table, metadata = experiments.run(snakemake.params.experiment, snakemake.wildcards.scheme)
    traces.write(snakemake.output[0], table, metadata)
    Path(snakemake.log[0]).write_text(experiments.report(metadata))

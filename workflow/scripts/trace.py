"""Compute the trace of one experiment at one learning rate by one scheme."""

from pathlib import Path

from optide import experiments, traces
from optide.errors import one_line

with one_line(snakemake.log[0]):
    table, metadata = experiments.run(snakemake.params.experiment, snakemake.wildcards.scheme)
    traces.write(snakemake.output[0], table, metadata)
    Path(snakemake.log[0]).write_text(experiments.report(metadata))

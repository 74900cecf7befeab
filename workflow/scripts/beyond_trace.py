"""Run one optimizer on one problem beyond the paper's, by both models."""

from pathlib import Path

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import beyond, beyond_solve

with job(snakemake):
    part = snakemake.params.part
    table, lanes, seconds = beyond_solve.compute(part)
    beyond.write(snakemake.output.trace, table, part, lanes)
    beyond.write_seconds(snakemake.output.seconds, seconds)
    Path(snakemake.log[0]).write_text(beyond.report(lanes))

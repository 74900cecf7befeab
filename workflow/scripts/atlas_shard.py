"""Solve a shard of the atlas."""

from pathlib import Path

import optide

optide.pin(snakemake.params.part["processor"], snakemake.threads)

from optide.planning.job import job
from optide.studies import atlas, atlas_solve

with job(snakemake):
    part = snakemake.params.part
    solved = atlas_solve.compute(part)
    atlas.write(snakemake.output.rows, solved.rows, part)
    atlas.write_curves(snakemake.output.curves, solved.curves, part)
    Path(snakemake.log[0]).write_text(solved.report)

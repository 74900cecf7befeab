"""Join what the shards have of the rows of a file of the atlas."""

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import atlas

with job(snakemake):
    part, rows = snakemake.params.part, snakemake.params.rows
    table = atlas.joined(atlas.shards(snakemake.input.rows, atlas.read, part, *rows), *rows)
    atlas.write(snakemake.output[0], table, part)

"""Join what the shards have of the rows of a file of the atlas."""

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import atlas

with job(snakemake):
    table = atlas.joined(map(atlas.read, snakemake.input.rows), *snakemake.params.rows)
    atlas.write(snakemake.output[0], table, snakemake.params.part)

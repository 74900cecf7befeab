"""Join the curves that the shards of a region of the atlas have."""

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import atlas

with job(snakemake):
    part, rows = snakemake.params.part, snakemake.params.rows
    table = atlas.joined_curves(atlas.shards(snakemake.input.curves, atlas.read_curves, part, *rows))
    atlas.write_curves(snakemake.output[0], table, part)

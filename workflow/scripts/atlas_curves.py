"""Join the curves that the shards of a region of the atlas have."""

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import atlas

with job(snakemake):
    table = atlas.joined_curves(map(atlas.read_curves, snakemake.input.curves))
    atlas.write_curves(snakemake.output[0], table, snakemake.params.part)

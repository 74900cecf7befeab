"""Say in how much of the atlas its claims hold."""

from pathlib import Path

import optide

optide.pin()

from optide.claims import shares
from optide.data import provenance
from optide.planning.job import job
from optide.show import shares as render

with job(snakemake) as root:
    told = snakemake.params
    # first, since it sees what is damaged
    record = provenance.describe(snakemake.input.rows, told.settings, root)
    found = shares.judge(told.statements, told.shares, told.regions, snakemake.input.rows)
    for path in snakemake.output:
        render.write(told.statements, found, told.shares, told.not_judged, path, record)
    Path(snakemake.log[0]).write_text("".join(f"{one.claim} {one.region} {one.model}: {one.verdict}\n" for one in found))

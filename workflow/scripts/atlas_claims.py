"""Say in how much of the atlas its claims hold."""

from pathlib import Path

import optide

optide.pin()

from optide.claims import shares
from optide.data import provenance
from optide.planning.job import job
from optide.show import shares as render

with job(snakemake) as root:
    # first, since it sees what is damaged
    record = provenance.describe(snakemake.input.rows, snakemake.params.settings, root)
    claims = snakemake.params.claims
    found = shares.judge(claims, snakemake.params.regions, snakemake.input.rows)
    for path in snakemake.output:
        render.write(claims, found, snakemake.params.not_judged, path, record)
    lines = (f"{one.claim}, {one.region}, {one.model}: {one.verdict}\n" for one in found)
    Path(snakemake.log[0]).write_text("".join(lines))

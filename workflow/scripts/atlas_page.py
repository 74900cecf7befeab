"""Write the page that shows the atlas."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance
from optide.planning.job import job
from optide.show import atlas_explorer

with job(snakemake) as root:
    inputs, part = snakemake.input, snakemake.params.part
    record = provenance.describe([*inputs.rows, *inputs.curves], snakemake.params.settings, root)
    shown = atlas_explorer.write(inputs.rows, inputs.curves, part, snakemake.output[0], record)
    Path(snakemake.log[0]).write_text(f"{shown}\n")

"""Put the converged figures on one page."""

from pathlib import Path

import optide

optide.pin()

from optide.planning.job import job
from optide.show import gallery

with job(snakemake):
    gallery.write(snakemake.input.figures, snakemake.output[0])
    Path(snakemake.log[0]).write_text(f"{len(snakemake.input.figures)} figures on one page\n")

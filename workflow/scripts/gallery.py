"""Put the converged figures on one page."""

from pathlib import Path

import optide

optide.pin()

from optide.base.errors import one_line
from optide.show import gallery

with one_line(snakemake.log[0]):
    gallery.write(snakemake.input.figures, snakemake.output[0])
    Path(snakemake.log[0]).write_text(f"{len(snakemake.input.figures)} figures on one page\n")

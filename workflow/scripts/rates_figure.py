"""Draw the decay rates, as PNG and as PDF."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance
from optide.planning.job import job
from optide.show import plotting, rates_figure
from optide.studies import rates

with job(snakemake) as root:
    rows = rates.read(snakemake.input.rates)
    figure = rates_figure.draw(rows, snakemake.params.rates)
    record = provenance.describe([snakemake.input.rates], snakemake.params.settings, root)
    for path in snakemake.output:
        plotting.save(figure, path, record)
    Path(snakemake.log[0]).write_text(f"{len(rows)} rates drawn\n")

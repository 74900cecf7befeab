"""Draw the decay rates, as PNG and as PDF."""

from pathlib import Path

from optide import plotting, provenance, rates, rates_figure
from optide.errors import one_line

with one_line(snakemake.log[0]):
    rows = rates.read(snakemake.input.rates)
    figure = rates_figure.draw(rows, snakemake.params.rates)
    record = provenance.describe([snakemake.input.rates], snakemake.params.settings)
    for path in snakemake.output:
        plotting.save(figure, path, record)
    Path(snakemake.log[0]).write_text(f"{len(rows)} rates drawn\n")

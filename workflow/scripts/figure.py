"""Draw one figure, as PNG and as PDF."""

from pathlib import Path

from optide import plotting, traces
from optide.errors import one_line

with one_line(snakemake.log[0]):
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    figure = plotting.draw(snakemake.params.figure, lanes, snakemake.wildcards.continuous, snakemake.params.places)
    for path in snakemake.output:
        plotting.save(figure, path)
    Path(snakemake.log[0]).write_text(f"{len(lanes)} traces drawn\n")

"""Draw the finding of the audit, as PNG and as PDF."""

from pathlib import Path

from optide import audit, audit_figure, plotting, provenance, traces
from optide.errors import one_line
from optide.objectives import OBJECTIVES

with one_line(snakemake.log[0]):
    example = snakemake.params.example
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    chosen = [lane for lane in lanes if audit.is_example(lane.configuration, example)]
    minima = OBJECTIVES[chosen[0].configuration["objective"]].minima
    figure = audit_figure.draw(chosen, minima, example["first"])
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings)
    for path in snakemake.output:
        plotting.save(figure, path, record)
    Path(snakemake.log[0]).write_text(f"{len(chosen)} traces drawn\n")

"""Draw the finding of the audit, as PNG and as PDF."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance, traces
from optide.planning.job import job
from optide.problem.registry import OBJECTIVES
from optide.show import audit_figure, plotting
from optide.studies import audit

with job(snakemake) as root:
    example = snakemake.params.example
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    chosen = [lane for lane in lanes if audit.is_example(lane.configuration, example)]
    minima = OBJECTIVES[chosen[0].configuration["objective"]].minima
    figure = audit_figure.draw(chosen, minima, example["first"])
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    for path in snakemake.output:
        plotting.save(figure, path, record)
    Path(snakemake.log[0]).write_text(f"{len(chosen)} traces drawn\n")

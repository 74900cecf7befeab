"""Compare the models on every configuration: table 1."""

from pathlib import Path

import optide

optide.pin()

from optide.base.errors import one_line
from optide.data import provenance, traces
from optide.problem.objectives import OBJECTIVES
from optide.show import table1
from optide.studies import comparison

with one_line(snakemake.log[0]):
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    rows = comparison.rows(lanes, {name: objective.minima for name, objective in OBJECTIVES.items()})
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, snakemake.params.root)
    for path in snakemake.output:
        table1.write(rows, path, record)
    Path(snakemake.log[0]).write_text(f"{len(rows)} configurations compared\n")

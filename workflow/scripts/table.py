"""Compare the models on every configuration: table 1."""

from pathlib import Path

import optide

optide.pin()

from optide.base.words import counted
from optide.data import provenance, traces
from optide.planning.job import job
from optide.problem.registry import OBJECTIVES
from optide.show import table1
from optide.studies import comparison

with job(snakemake) as root:
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    compared = comparison.table(lanes, {name: objective.minima for name, objective in OBJECTIVES.items()})
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    for path in snakemake.output:
        table1.write(compared, path, record)
    Path(snakemake.log[0]).write_text(f"{counted(len(compared), 'configuration')} compared\n")

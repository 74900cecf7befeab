"""Say what the runs beyond the paper's problems cost, and how the gap falls with the learning rate."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance
from optide.planning.job import job
from optide.show import beyond_tables
from optide.studies import beyond, beyond_orders

with job(snakemake) as root:
    costs = beyond_orders.costs(run for path in snakemake.input.traces for run in beyond.read(path))
    orders = beyond_orders.orders(costs)
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    for path in snakemake.output:
        beyond_tables.write(costs, orders, path, record)
    Path(snakemake.log[0]).write_text(f"{len(costs)} runs, {sum(~costs['converged'])} of them not converged\n")

"""Compute the decay rates of both models."""

from collections import Counter
from pathlib import Path

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import rates, rates_solve

with job(snakemake):
    settings = snakemake.params.rates
    table = rates_solve.compute(settings)
    rates.write(snakemake.output[0], table, settings)
    counts = Counter(table["status"].to_pylist())
    Path(snakemake.log[0]).write_text("".join(f"{count} {status}\n" for status, count in counts.items()))

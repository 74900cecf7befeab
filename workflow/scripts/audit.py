"""Solve all experiments of one optimizer in all ways of the audit."""

from pathlib import Path

import optide

optide.pin()

from optide.planning.job import job
from optide.studies import audit, audit_solve

with job(snakemake):
    part = snakemake.params.part
    table, lanes = audit_solve.compute(part["experiments"], part["audit"])
    audit.write(snakemake.output[0], table, part, lanes)
    solved = audit.read(snakemake.output[0])
    failed = [f"NOT CONVERGED: {one.key} {one.treatment}\n" for one in solved if not one.converged]
    Path(snakemake.log[0]).write_text(f"{len(solved)} solved, {len(failed)} of them not converged\n" + "".join(failed))

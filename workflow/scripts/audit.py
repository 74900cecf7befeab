"""Solve all experiments of one optimizer in all ways of the audit."""

from pathlib import Path

import optide

optide.pin()

from optide.base.errors import one_line
from optide.studies import audit, audit_solve

with one_line(snakemake.log[0]):
    slices, settings = snakemake.params.slices, snakemake.params.audit
    audit.write(snakemake.output[0], audit_solve.compute(slices, settings), {"experiments": slices, "audit": settings})
    solved = audit.read(snakemake.output[0])
    failed = [f"NOT CONVERGED: {one.key} {one.treatment}\n" for one in solved if not one.converged]
    Path(snakemake.log[0]).write_text(f"{len(solved)} solved, {len(failed)} of them not converged\n" + "".join(failed))

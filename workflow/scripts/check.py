"""Compare all artefacts with the accepted manifest (rule check), or accept them (rule accept)."""

import sys
from pathlib import Path

from optide.planning.job import job
from optide.record import compare, manifest

with job(snakemake):
    folder = Path(snakemake.params.folder)
    accepted, reference = manifest.read(folder)
    now = manifest.describe(snakemake.input.results, snakemake.input.files)
    verdicts = compare.compare(accepted, reference, now)
    if snakemake.rule == "accept":
        manifest.write(folder, now, manifest.reference(now))
        report = compare.render_changes(verdicts)
    else:
        report = compare.render(verdicts, compare.changes(accepted["environment"], now["environment"]))
    Path(snakemake.log[0]).write_text(report, encoding="utf-8")
    print(report, end="")
    if snakemake.rule == "check" and compare.failed(verdicts):
        sys.exit(1)

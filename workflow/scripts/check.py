"""Compare all artefacts with the accepted manifest (rule check), or accept them (rule accept)."""

import sys
from contextlib import chdir
from pathlib import Path

import optide

optide.pin()

from optide.base.files import named
from optide.planning.job import job
from optide.record import compare, manifest

folder = Path(snakemake.params.folder)
with job(snakemake) as root:
    results, files = ([named(path, root) for path in part] for part in (snakemake.input.results, snakemake.input.files))
    with chdir(root):
        accepted, reference = manifest.read(folder)
        now = manifest.describe(results, files)
        verdicts = compare.compare(accepted, reference, now)
        if snakemake.params.task == "accept":
            manifest.write(folder, now, manifest.reference(now))
            report = compare.render_changes(verdicts)
        else:
            report = compare.render(verdicts, compare.changes(accepted["environment"], now["environment"]))
    Path(snakemake.log[0]).write_text(report, encoding="utf-8")
    print(report, end="")
    if snakemake.params.task == "check" and compare.failed(verdicts):
        sys.exit(1)

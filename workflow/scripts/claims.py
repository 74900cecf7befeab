"""Judge the claims."""

from pathlib import Path

import optide

optide.pin()

from optide.claims import judge
from optide.data import provenance, traces
from optide.planning.job import job
from optide.show import claims as render

with job(snakemake) as root:
    claims = snakemake.params.claims
    lanes = [lane for path in snakemake.input.traces for lane in traces.lanes(path)]
    findings = judge.judge(claims, lanes)
    record = provenance.describe(snakemake.input.traces, snakemake.params.settings, root)
    for path in snakemake.output:
        render.write(claims, findings, snakemake.params.not_judged, path, record)
    Path(snakemake.log[0]).write_text(render.summary(findings) + "\n")

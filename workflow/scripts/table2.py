"""Take the gap between the models apart: table 2."""

from pathlib import Path

from optide import audit, provenance, table2, traces
from optide.errors import one_line

with one_line(snakemake.log[0]):
    settings = snakemake.params.audit
    lanes = (lane for path in snakemake.input.traces for lane in traces.lanes(path))
    solved = (one for path in snakemake.input.audits for one in audit.read(path))
    rows = table2.rows(lanes, solved, settings)
    record = provenance.describe([*snakemake.input.traces, *snakemake.input.audits], snakemake.params.settings)
    for path in snakemake.output:
        table2.write(rows, path, record, settings)
    Path(snakemake.log[0]).write_text(table2.summary(rows))

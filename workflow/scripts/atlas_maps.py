"""Draw the planes of the atlas, as PNG and as PDF, and say in numbers what is seen in them."""

from pathlib import Path

import optide

optide.pin()

from optide.data import provenance
from optide.planning.job import job
from optide.show import atlas_maps, plotting, tables
from optide.studies import atlas_planes, atlas_seen

with job(snakemake) as root:
    part = snakemake.params.part
    planes = atlas_planes.of_maps(snakemake.input.rows, part)
    record = provenance.describe(snakemake.input.rows, snakemake.params.settings, root)
    figures, seen = atlas_maps.drawn(planes, part["points"]), atlas_seen.table(planes, part["points"])
    for path in snakemake.output.figures:
        plotting.save(figures[Path(path).stem], path, record)
    for path in snakemake.output.table:
        tables.write(path, record, seen, {})
    Path(snakemake.log[0]).write_text(f"{len(seen)} planes drawn\n")

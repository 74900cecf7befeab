"""Sum up what all jobs took."""

from pathlib import Path

import optide

optide.pin()

from optide.planning.job import job
from optide.show import times

with job(snakemake) as root:
    jobs, missing = times.read(root / "results/benchmarks", snakemake.input)
    for path in snakemake.output:
        times.write(jobs, missing, path)
    without = "".join(f"no record of {path}\n" for path in missing)
    Path(snakemake.log[0]).write_text(f"{len(jobs)} jobs summed up\n{without}")

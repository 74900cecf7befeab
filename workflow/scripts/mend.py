"""Delete what is damaged or outdated, and what killed jobs left behind (rule mend)."""

from pathlib import Path

from optide.planning.job import job
from optide.record.mend import mend, recorded

with job(snakemake):
    folders, artefacts = (list(map(Path, paths)) for paths in (snakemake.params.folders, snakemake.params.artefacts))
    deleted = mend(folders, artefacts, recorded(Path(snakemake.params.crate)))
    report = "".join(f"deleted {line}\n" for line in deleted) + f"{len(deleted)} files deleted\n"
    Path(snakemake.log[0]).write_text(report, encoding="utf-8")
    print(report, end="")

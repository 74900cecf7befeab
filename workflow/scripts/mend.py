"""Delete what is damaged or outdated, and what killed jobs left behind (rule mend)."""

from contextlib import chdir
from pathlib import Path

import optide

optide.pin()

from optide.base.words import counted
from optide.planning.job import job
from optide.record.mend import mend, recorded

with job(snakemake) as root:
    folders, artefacts = (list(map(Path, paths)) for paths in (snakemake.params.folders, snakemake.params.artefacts))
    with chdir(root):
        deleted = mend(folders, artefacts, recorded(Path(snakemake.params.crate)), snakemake.config)
    lines = [f"deleted {root / path}: {reason}\n" for path, reason in deleted.items()]
    report = "".join(lines) + f"{counted(len(deleted), 'file')} deleted\n"
    Path(snakemake.log[0]).write_text(report, encoding="utf-8")
    print(report, end="")

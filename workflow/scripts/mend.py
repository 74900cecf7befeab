"""Delete damaged and outdated traces, and what killed jobs left behind (rule mend)."""

from pathlib import Path

from optide.errors import one_line
from optide.mend import mend

with one_line(snakemake.log[0]):
    deleted = mend(map(Path, snakemake.params.folders))
    report = "".join(f"deleted {line}\n" for line in deleted) + f"{len(deleted)} files deleted\n"
    Path(snakemake.log[0]).write_text(report, encoding="utf-8")
    print(report, end="")

"""Clear away what would otherwise be read or kept by mistake, so that the next run builds it again."""

from collections.abc import Iterable
from pathlib import Path

from optide import traces
from optide.files import PARTIAL


def mend(folders: Iterable[Path]) -> list[str]:
    """Delete damaged and outdated traces, and what killed jobs left half-written, in some folders.

    Returns:
        One line for each file deleted.
    """
    deleted = []
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.name.endswith(PARTIAL):
            deleted.append(f"{path}: left behind by a job that was killed")
            path.unlink()
        elif path.suffix == ".parquet":
            try:
                traces.read(path)
            except traces.TraceError as error:
                deleted.append(str(error).removesuffix(f"; {traces.REMEDY}"))
                path.unlink()
    return deleted

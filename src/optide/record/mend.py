"""Clear away what would otherwise be read or kept by mistake, so that the next run builds it again."""

import glob
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from optide.base.errors import OptideError
from optide.base.files import PARTIAL
from optide.data import current, digests, provenance, seal, traces
from optide.settings.config import Config
from optide.studies import atlas, audit, beyond, rates

READERS = {
    "results/traces/**/*.parquet": traces.read,
    "results/audit/*.parquet": audit.read,
    "results/rates.parquet": rates.read,
    "results/beyond/*/*.parquet": beyond.read,
    "results/atlas/data/*/*.parquet": atlas.read,
    "results/atlas/curves/*.parquet": atlas.read_curves,
    "results/atlas/shards/rows/*/*.parquet": atlas.read,
    "results/atlas/shards/curves/*/*.parquet": atlas.read_curves,
}
"""What reads the files of a pattern, and says what is wrong with them."""


def recorded(crate: Path) -> dict[str, str]:
    """SHA-256 of the files of the last whole run, by path, as its RO-Crate has them; empty if there is none.

    A crate that cannot be read is deleted: it is itself a result, which the next run writes again.
    """
    if not crate.exists():
        return {}
    try:
        entities = json.loads(crate.read_text(encoding="utf-8"))["@graph"]
        return {entity["@id"]: entity["sha256"] for entity in entities if "sha256" in entity}
    except (ValueError, KeyError, TypeError, RecursionError):
        crate.unlink()
        return {}


def mend(
    folders: Iterable[Path],
    artefacts: Iterable[Path],
    digests_of_run: Mapping[str, str],
    config: Config,
    readers: Mapping[str, Callable[[Path], Any]] = READERS,
) -> dict[Path, str]:
    """Delete what is damaged or outdated, and what killed jobs left half-written.

    A Parquet file knows its own digest, and what it was computed for.  A figure or table is compared with what the
    last whole run recorded; one that it did not record must at least carry its provenance.

    Args:
        folders: where to look for leftovers.
        artefacts: figures and tables, relative to the working directory; those that are there are looked at.
        digests_of_run: SHA-256 by path (`recorded`).
        config: what results are to be of.
        readers: by a pattern of the files they read.

    Returns:
        Why each file was deleted, by path.
    """
    reasons: dict[Path, str | None] = {}
    for path in sorted(path for folder in folders for path in folder.rglob(f"*{PARTIAL}")):
        reasons[path] = "left behind by a job that was killed"
    for pattern, read in readers.items():
        for path in map(Path, sorted(glob.glob(pattern, recursive=True))):
            reasons[path] = _error(read, path) or current.difference(path, config)
    for path in artefacts:
        if not path.exists():
            continue
        if str(path) not in digests_of_run:
            reasons[path] = _error(provenance.read, path)
        elif digests.of_file(path) != digests_of_run[str(path)]:
            reasons[path] = "not the bytes that the last whole run recorded"
    deleted = {path: reason for path, reason in reasons.items() if reason}
    for path in deleted:
        path.unlink()
    return deleted


def _error(read: Callable[[Path], Any], path: Path) -> str | None:
    """What a reader says against a file, or None."""
    try:
        read(path)
    except OptideError as error:
        return str(error).removeprefix(f"{path}: ").removesuffix(f"; {seal.REMEDY}")
    return None

"""Whether a result was computed for the configuration that there is now; each says what it was computed for.

Snakemake solves again what other settings were asked of, as far as it has its record of it: not of what was restored
from an archive, or copied.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from optide.base.errors import FileError
from optide.data import seal
from optide.settings import atlas
from optide.settings.config import Config, beyond_slice, experiment_slice, rates_slice
from optide.settings.figures import audit_slice

_ASKED: dict[str, Callable[..., Config]] = {
    r"traces/([^/]+)/([^/]+)/lr([^/]+)\.parquet": lambda config, scheme, name, rate: {
        "scheme": scheme,
        **experiment_slice(config, name, float(rate)),
    },
    r"rates\.parquet": lambda config: rates_slice(config["rates"]),
    r"audit/([^/]+)\.parquet": audit_slice,
    r"beyond/([^/]+)/([^/]+)\.parquet": lambda config, problem, of: beyond_slice(config["beyond"], problem, of),
    r"atlas/(?:data/region=([^/]+)/rows-\d+|curves/([^/]+))\.parquet": lambda config, data, curves: atlas.region_slice(
        config["atlas"], data or curves
    ),
}
"""What a result depends on, by the pattern of its path."""


def difference(path: str | Path, config: Config) -> str | None:
    """What is against a result, if it was computed for another configuration; else None.

    A file that cannot be read, or is no result of this configuration, is for others to judge.
    """
    wanted, found = _wanted(Path(path), config), _computed_for(path)
    if wanted is None or found is None:
        return None
    others = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    return f"computed for another configuration, which differs in {', '.join(others)}" if others else None


def demand(paths: Iterable[str | Path], config: Config) -> None:
    """Make sure that results were computed for a configuration.

    Raises:
        FileError: one was computed for another; says how to mend it.
    """
    for path in paths:
        if against := difference(path, config):
            raise FileError(f"{path}: {against}; {seal.REMEDY}")


def _wanted(path: Path, config: Config) -> Config | None:
    """As it comes back from a file."""
    for pattern, asked in _ASKED.items():
        if found := re.search(f"(?:^|/)results/{pattern}$", path.as_posix()):
            try:
                wanted: Config = json.loads(json.dumps(asked(config, *found.groups())))
            except (KeyError, ValueError):  # nothing asks for it
                return None
            return wanted
    return None


def _computed_for(path: str | Path) -> Config | None:
    try:
        metadata = pq.read_schema(path).metadata or {}
        described = json.loads(metadata[b"optide"])
        scheme = {name: described[name] for name in ("scheme",) if name in described}
        found: Config = scheme | described["configuration"]
    except (OSError, pa.ArrowException, ValueError, KeyError):
        return None
    return found

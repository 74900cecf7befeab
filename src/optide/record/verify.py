"""What a figure or a table carries, held against what is there now.

python -m optide.record.verify figures/converged/fig05.png
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from optide.base.errors import ConfigError, FileError, OptideError, tell
from optide.data import digests, seal
from optide.data.provenance import CLAIMS, CONFIGURATION, INPUTS, Record, read
from optide.settings import yamlfile
from optide.settings.config import Config, entry


class Item(NamedTuple):
    """One part of a record, compared with what is there now.

    Attributes:
        verdict: "verified", "differs" or "missing".
        name: path of a trace, or key of the configuration.
        detail: the digest on record, and what else there is to say.
    """

    verdict: str
    name: str
    detail: str


def verify(record: Record, config: Config, directory: str | Path = ".", source: str = CONFIGURATION) -> list[Item]:
    """Compare a record with a configuration, that of the file `source`, and with the traces under a directory."""
    return [
        *(_verify_setting(key, recorded, config, source) for key, recorded in record["configuration"].items()),
        *(_verify_trace(path, recorded, Path(directory)) for path, recorded in record["traces"].items()),
    ]


def _verify_setting(key: str, recorded: str, config: Config, source: str) -> Item:
    name = f"{CLAIMS if key.startswith(('claims.', 'atlas_claims.')) else source}: {key}"
    try:
        return _compare(name, recorded, digests.of_setting(entry(config, key)))
    except ConfigError:
        return Item("missing", name, recorded)


def _verify_trace(path: str, recorded: str, directory: Path) -> Item:
    if not (directory / path).exists():
        return Item("missing", path, recorded)
    try:
        return _compare(path, recorded, digests.of_table(seal.read(directory / path)))
    except FileError:
        return Item("differs", path, f"{recorded}, now not a trace")


def _compare(name: str, recorded: str, now: str) -> Item:
    return Item("verified", name, recorded) if now == recorded else Item("differs", name, f"{recorded}, now {now}")


def _configuration(path: Path, directory: Path) -> Config:
    """The entries of a configuration and, if there is one, of the directory's claims.yaml."""
    return _mapping(path) | (_mapping(directory / CLAIMS) if (directory / CLAIMS).exists() else {})


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yamlfile.read(path)
    except ConfigError as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({error})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: not a mapping of keys to entries")
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and verify what each file carries.

    Returns:
        0 if everything is verified, 1 if not, or if a file cannot be read or carries nothing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m optide.record.verify",
        description="Print what a figure or a table was made from, and verify it against what is there now.",
    )
    parser.add_argument("file", nargs="+", help="a .png, .pdf, .md, .html, .tex or .csv file that the workflow wrote")
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="where results/, config.yaml and claims.yaml are (default .)"
    )
    parser.add_argument(
        "--configfile",
        type=Path,
        help="the configuration to verify against (default config.yaml of the directory, or where it has none "
        f"{INPUTS}/{CONFIGURATION}, that of the last whole run)",
    )
    options = parser.parse_args(arguments)
    directory = options.directory
    own, ran = directory / CONFIGURATION, directory / INPUTS / CONFIGURATION
    chosen = options.configfile or (ran if ran.exists() and not own.exists() else own)
    source = str(chosen.relative_to(directory) if chosen.is_relative_to(directory) else chosen)
    failures = 0
    for file in options.file:
        try:
            record = read(file)
            items = verify(record, _configuration(chosen, directory), directory, source)
            given_otherwise = (
                _differ(record, items)
                and ran.exists()
                and not _differ(record, verify({**record, "traces": {}}, _configuration(ran, directory)))
            )
        except OptideError as error:
            tell(error)
            failures += 1
            continue
        verified = sum(item.verdict == "verified" for item in items)
        print(file, *(f"  {verdict:<8}  {name}  {detail}" for verdict, name, detail in items), sep="\n")
        print(f"  {verified} of {len(items)} verified")
        if given_otherwise:
            print(f"  the last whole run was given another configuration: verify with `--configfile {ran}`")
        failures += verified < len(items)
    return 1 if failures else 0


def _differ(record: Record, items: Sequence[Item]) -> bool:
    """Whether entries of the configuration, which come first, are not those on record."""
    return any(item.verdict != "verified" for item in items[: len(record["configuration"])])


if __name__ == "__main__":
    sys.exit(main())

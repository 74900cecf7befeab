"""The installed packages against the lock file, without a network: versions, hashes, every file, and licences.

python -m optide.planning.environment                 # what is not as locked or as recorded, a line each
python -m optide.planning.environment --licences      # the page docs/dependencies.md
"""

import argparse
import base64
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from optide.base.errors import FileError, tell

OWN = {"optide", "pip"}
"""What is installed and not locked: the project, and what installs."""
LOCK, PAGE = Path("requirements.lock"), Path("docs/dependencies.md")


class Locked(NamedTuple):
    """An entry of a lock file.

    Attributes:
        version: the only one that may be installed.
        hashes: of the files that may be downloaded, "sha256:..." each.
    """

    version: str
    hashes: list[str]


def canonical(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(text: str) -> dict[str, Locked]:
    """The entries of a lock file, by name.

    Raises:
        FileError: an entry names no single version, or has no SHA-256, without which any file of that name would do.
    """
    found = {}
    for line in re.sub(r"\\\n|#.*", " ", text).splitlines():
        if not line.strip():
            continue
        entry = re.fullmatch(r"([\w.-]+)==([\w.!+-]+)((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", line)
        if not entry:
            raise FileError(f"{' '.join(line.split()[:1])}: must be NAME==VERSION with at least one --hash=sha256:...")
        name, version, hashes = entry.groups()
        found[canonical(name)] = Locked(version, re.findall(r"sha256:\w+", hashes))
    return found


def installed(path: Sequence[str] | None = None) -> dict[str, Distribution]:
    """The packages that are installed, by name; of two copies the one that is imported."""
    found: dict[str, Distribution] = {}
    for package in distributions() if path is None else distributions(path=[*path]):
        found.setdefault(canonical(package.name), package)
    return found


def problems(locked: Mapping[str, Locked], packages: Mapping[str, Distribution]) -> Iterator[str]:
    """What is not as it was locked, or not as its installer recorded it, one line each."""
    for name in sorted({*locked, *packages} - OWN):
        if name not in packages:
            yield f"{name}: not installed; {locked[name].version} is locked"
        elif name not in locked:
            yield f"{name}: {packages[name].version} is installed, and not locked"
        elif packages[name].version != locked[name].version:
            yield f"{name}: {packages[name].version} is installed; {locked[name].version} is locked"
        else:
            yield from (f"{name}: {line}" for line in _damage(packages[name].files))


def _damage(files: Iterable[PackagePath] | None) -> Iterator[str]:
    """Files that are missing or not those that were installed; the record hashes neither itself nor compiled code."""
    if files is None:
        yield "no record of its files"
    for file in files or ():
        if file.hash is None:
            continue
        path = Path(file.locate())
        if not path.is_file():
            yield f"{file} is missing"
        elif file.hash.value != _hash(path, file.hash.mode):
            yield f"{file} is not the file that was installed"


def _hash(path: Path, mode: str) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, mode).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def licences(locked: Iterable[str], packages: Mapping[str, Distribution]) -> str:
    """The page of the locked packages and their licences, as their metadata have them."""
    there = [packages[name] for name in sorted(locked) if name in packages]
    # either is written, as the installer is older or newer
    rows = [(one.name.replace("_", "-"), one.version, _licence(one)) for one in there]
    return (
        "# Dependencies and their licences\n\n"
        "The locked environment, as its packages describe themselves; `make docs` renews this page.\n\n"
        f"{tabulate(rows, headers=['Name', 'Version', 'Licence'], tablefmt='github', disable_numparse=True)}\n"
    )


def _licence(package: Distribution) -> str:
    """An SPDX expression, else what the classifiers say, else the first line of the free text."""
    about = package.metadata
    classified = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License :: ")
    ]
    expression, free = ("".join(about.get_all(field, [])[:1]) for field in ("License-Expression", "License"))
    return expression or "; ".join(sorted(classified)) or free.strip().partition("\n")[0] or "not stated"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the environment of this process against the lock file, or print the page of licences.

    Returns:
        0 if everything is as locked, as recorded and as on the page, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m optide.planning.environment",
        description="Check the installed packages against requirements.lock.",
    )
    parser.add_argument("--licences", action="store_true", help=f"print {PAGE} instead")
    options = parser.parse_args(arguments)
    try:
        locked = read(LOCK.read_text(encoding="utf-8"))
    except (FileError, OSError) as error:
        tell(FileError(f"{LOCK}: {error}"))
        return 1
    packages = installed()
    page = licences(locked, packages)
    if options.licences:
        print(page, end="")
        return 0
    found = [*problems(locked, packages)]
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        found.append(f"{PAGE}: not the licences of what is installed; `make docs` renews it")
    for line in found:
        tell(FileError(line))
    if not found:
        print(f"{len(locked)} packages: versions and files as locked and installed, licences as in {PAGE}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

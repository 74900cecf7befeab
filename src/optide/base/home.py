"""Where the files of the workflow are, the paper's configuration among them: in an installed package, or a clone."""

from pathlib import Path

from optide.base.errors import FileError

PACKAGED = "project"
"""The folder within the installed package that has the workflow's files (setup.py puts them there)."""


def home() -> Path:
    """The folder of the Snakefile: in the installed package, or the root of a clone.

    Raises:
        FileError: there is none.
    """
    library = Path(__file__).resolve().parents[1]
    places = [library / PACKAGED, library.parents[1]]
    found = next((place for place in places if (place / "Snakefile").is_file()), None)
    if not found:
        raise FileError(f"Snakefile: neither in {' nor in '.join(map(str, places))}; install the package again")
    return found

"""Names of results that were asked for and that there are not, in words."""

import difflib
import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath


def unknown(name: str, rules: Collection[str], files: Collection[str]) -> str:
    """One line about a name that is neither a rule nor a file that a rule makes.

    Args:
        name: that was asked for.
        rules: that can be asked for.
        files: paths of all results.

    Returns:
        The name, the nearest one, and what there is: the files of its folder, or the rules and the folders.
    """
    paths = [*map(PurePosixPath, files)]
    siblings = [path for path in paths if path.parent == PurePosixPath(name).parent != PurePosixPath()]
    folders = dict.fromkeys("/".join(path.parts[:-1][:2]) for path in paths if path.parts[:-1])
    there = _in_short(siblings) if siblings else f"the rules {', '.join(rules)}, and files in {', '.join(folders)}"
    return f"{name}: no rule makes this; there are {there}{_hint(name, [*rules, *files])}"


def _hint(name: str, names: Iterable[str]) -> str:
    """The name nearest to one, by its path or else by its last part, whatever zeros its numbers begin with."""

    def plain(text: str) -> str:
        return re.sub(r"(?<![\d.])0+(?=\d)", "", text)

    for spelt in (plain, lambda text: plain(PurePosixPath(text).name)):
        spellings = {spelt(candidate): candidate for candidate in names}
        if near := difflib.get_close_matches(spelt(name), spellings, n=1):
            return f"; did you mean {spellings[near[0]]!r}?"
    return ""


def _in_short(paths: Iterable[PurePosixPath]) -> str:
    """Names of files, those with the same endings together: "fig01 and fig02 (.png, .pdf)"."""
    endings: dict[str, list[str]] = {}
    for path in paths:
        endings.setdefault(path.stem, []).append(path.suffix)
    stems: dict[str, list[str]] = {}
    for stem, suffixes in endings.items():
        stems.setdefault(", ".join(suffixes), []).append(stem)
    return "; ".join(f"{' '.join(names)} ({suffixes})" for suffixes, names in stems.items())

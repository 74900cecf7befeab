"""A whole run in one file, ready for a deposit; and its results back from there: python -m optide.record.archive.

The index of an archive is the run's RO-Crate, which has the SHA-256 of every file that went in or came out.  The same
run is the same archive, to the byte.
"""

import argparse
import hashlib
import io
import lzma
import re
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import optide
from optide.base.errors import INTERRUPTED, ConfigError, FileError, OptideError, say, tell
from optide.base.files import aside, named, write_all
from optide.base.home import home
from optide.base.words import counted, shown
from optide.data import digests
from optide.problem import plugins
from optide.record.mend import recorded
from optide.settings import layers, yamlfile

CRATE = "ro-crate-metadata.json"
INPUTS = "results/inputs/"
LIBRARY = "src/optide"
RESULTS = ".parquet"
"""What is put back: results, of which all else is drawn."""


def pack(root: Path, archive: Path) -> int:
    """Write an archive of the last whole run; returns how many files are in it.

    Raises:
        FileError: there was none, or a file is not what it recorded; or something else has the name of the archive.
    """
    if archive.is_file() and archive.stat().st_size and not _is_archive(archive):
        raise FileError(f"{archive}: is there already, and no archive; nothing was written")
    files = recorded(root / CRATE)
    if not files:
        raise FileError(f"{root / CRATE}: no record of a whole run; run `optide run` first")
    for name, digest in files.items():
        if not (root / name).is_file() or digests.of_file(root / name) != digest:
            raise FileError(f"{root / name}: not what the last whole run recorded; run `optide run` first")
    names = sorted([CRATE, *files])
    with aside(archive) as path, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            content = (root / name).read_bytes()
            member = tarfile.TarInfo(name)  # of the year 1970, and nobody's
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return len(names)


def _is_archive(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except EOFError:  # compressed, and cut off
        return False


def restore(archive: Path, root: Path, sources: Mapping[str, bytes]) -> int:
    """Put the results of an archive into a folder, all of them or none; returns how many.

    Args:
        archive: as `pack` writes it.
        root: the folder.
        sources: what goes into a run here, by name: an archive of anything else is foreign.

    Raises:
        FileError: it is none, or damaged, or of other sources; says which file.
    """
    contents = _contents(archive)
    if CRATE not in contents:
        raise FileError(f"{archive}: no record of a whole run")
    with tempfile.TemporaryDirectory() as folder:
        crate = Path(folder, CRATE)
        crate.write_bytes(contents.pop(CRATE))
        files = recorded(crate)
    if not files:
        raise FileError(f"{archive}: damaged: {CRATE} is no record of a whole run")
    for name, digest in files.items():
        if name not in contents:
            raise FileError(f"{archive}: damaged: {name} is missing")
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise FileError(f"{archive}: damaged: {name} is not what its run recorded")
    if others := contents.keys() - files.keys():
        raise FileError(f"{archive}: damaged: its run recorded no {min(others)}")
    for name, content in sorted(sources.items()):
        if not _same(name, contents.get(f"{INPUTS}{name}"), content):
            raise FileError(f"{archive}: of another run: its {name} is not the one here")
    # templates, which no result depends on, may be others
    modules = {name.removeprefix(INPUTS) for name in contents if re.match(f"{INPUTS}{LIBRARY}/.*[.]py$", name)}
    if more := modules - sources.keys():
        raise FileError(f"{archive}: of another run: there is no {min(more)} here")
    results = sorted(name for name in files if name.startswith("results/") and name.endswith(RESULTS))
    write_all({root / name: contents[name] for name in results})
    return len(results)


def _same(name: str, copy: bytes | None, own: bytes) -> bool:
    """Whether a copy of what went in is what is there; of a configuration, whatever its layout and comments."""
    if copy is None or not name.endswith(".yaml"):
        return copy == own
    with suppress(ConfigError):  # what cannot be read is another
        return digests.of_setting(yamlfile.parse(copy)) == digests.of_setting(yamlfile.parse(own))
    return False


class _Damaged(tarfile.TarError):
    """Behind what was read there is something else than a file or the end, as tarfile takes both for the end."""


class _Member(tarfile.TarInfo):
    """A file of an archive that goes on to its end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_Member":
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # so are the stubs
            raise
        except tarfile.HeaderError as error:
            if not tar.offset:  # of the first file: this may be no archive at all
                raise
            raise _Damaged(f"at byte {tar.offset}: {error}") from None
        except ValueError:  # of what should be a number
            raise _Damaged(f"at byte {tar.offset}: invalid header") from None


def _contents(archive: Path) -> dict[str, bytes]:
    """All files of an archive."""
    found = {}
    try:
        with tarfile.open(archive, "r|*", tarinfo=_Member) as tar:  # from its begin to its end, as a pipe has it
            for member in tar:
                # a link may lead anywhere, and holes may be of any size
                file = tar.extractfile(member) if member.isfile() and not member.issparse() else None
                name = Path(member.name)
                if file is None or name.is_absolute() or ".." in name.parts or "\0" in member.name:
                    raise FileError(f"{archive}: damaged: {shown(member.name)} is no file below a folder")
                found[member.name] = file.read()
    except _Damaged as error:
        raise FileError(f"{archive}: damaged: {error}") from None
    except (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition(":\n")[0]
        raise FileError(f"{archive}: cannot be read: {reason}") from None
    return found


def sources(root: Path, configfiles: Iterable[Path] = ()) -> dict[str, bytes]:
    """What decides over results, by the name that its copy has in an archive: configuration, plug-ins and library.

    Args:
        root: the folder whose `config.yaml` counts where the working directory has none: that of the Snakefile.
        configfiles: given beside it, as to `optide run`.

    Raises:
        ConfigError: the configuration or a plug-in cannot be read.
    """
    given = layers.given(root, configfiles, {})
    plugins.load(layers.plugin_files(given))
    own = {name: path for plugin in plugins.PLUGINS.values() for name, path in plugin.files.items()}
    library = Path(optide.__file__).parent
    modules = sorted([*library.glob("*.py"), *library.glob("*/*.py")])
    paths = {**own, **{f"{LIBRARY}/{named(path, library)}": path for path in modules}}
    return {"config.yaml": layers.as_yaml(given).encode(), **{name: path.read_bytes() for name, path in paths.items()}}


def main(arguments: list[str] | None = None) -> int:
    """Pack or restore; returns 1 after an error, which is told in one line."""
    parser = argparse.ArgumentParser(prog="python -m optide.record.archive", description="A whole run in one file.")
    parser.add_argument("action", choices=["pack", "restore"])
    parser.add_argument("archive", type=Path)
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], help="what the run was given with it (restore)"
    )
    options = parser.parse_args(arguments)
    root = Path()
    try:
        if options.action == "pack":
            say(f"{options.archive}: {counted(pack(root, options.archive), 'file')}")
        else:
            files = restore(options.archive, root, sources(home(), options.configfile))
            say(f"results are back: {counted(files, 'file')}")
    except (OptideError, OSError) as error:
        tell(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())

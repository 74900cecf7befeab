"""A whole run in one file, and its results back from there."""

import contextlib
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from conftest import ROOT
from optide.base.errors import INTERRUPTED, ConfigError, FileError
from optide.data import digests
from optide.problem import plugins
from optide.record import archive
from optide.settings import yamlfile

FILES = {
    "results/traces/a.parquet": b"a trace",
    "results/rates.parquet": b"rates",
    "figures/fig01.png": b"a figure",
    "results/inputs/config.yaml": b"# as it ran\nalpha: {a: 1, b: 2}\n",
    "results/inputs/src/optide/a.py": b"a = 1\n",
}


@pytest.fixture
def run(tmp_path):
    """A folder with a whole run, its record and what went in."""
    root = tmp_path / "run"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    entities = [{"@id": name, "sha256": digests.of_file(root / name)} for name in FILES]
    (root / archive.CRATE).write_text(json.dumps({"@graph": [{"@id": "./"}, *entities]}))
    return root


@pytest.fixture
def sources():
    """The same configuration in another layout, and the same code."""
    return {"config.yaml": b"alpha:\n  b: 2\n  a: 1\n", "src/optide/a.py": b"a = 1\n"}


@pytest.fixture
def packed(run, tmp_path):
    assert archive.pack(run, tmp_path / "run.tar") == 1 + len(FILES)
    return tmp_path / "run.tar"


def back(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_results_come_back_and_nothing_else(packed, sources, tmp_path):
    assert archive.restore(packed, tmp_path / "new", sources) == 2
    assert back(tmp_path / "new") == {name: FILES[name] for name in FILES if name.endswith(".parquet")}


def test_the_same_run_is_the_same_archive(run, packed, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    archive.pack(copy, tmp_path / "copy.tar")
    assert (tmp_path / "copy.tar").read_bytes() == packed.read_bytes()
    with tarfile.open(packed) as tar:
        assert tar.getnames() == sorted([archive.CRATE, *FILES])


@pytest.mark.parametrize("name", FILES)
def test_what_is_not_what_the_run_recorded_is_not_packed(run, tmp_path, name):
    (run / name).write_bytes(b"edited")
    with pytest.raises(FileError, match="not what the last whole run recorded"):
        archive.pack(run, tmp_path / "x.tar")
    (run / name).unlink()
    with pytest.raises(FileError, match="not what the last whole run recorded"):
        archive.pack(run, tmp_path / "x.tar")
    assert not (tmp_path / "x.tar").exists()


def test_without_a_run_there_is_nothing_to_pack(tmp_path):
    with pytest.raises(FileError, match="no record of a whole run; run `optide run` first"):
        archive.pack(tmp_path, tmp_path / "x.tar")


def changed(packed, edit):
    """An archive whose members an edit has changed."""
    with tarfile.open(packed) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    edit(members)
    with tarfile.open(packed, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


WRONG = {
    "a flipped bit": (lambda m: m.update({"results/rates.parquet": b"ratet"}), "damaged: results/rates.parquet is not"),
    "a lost file": (lambda m: m.pop("results/traces/a.parquet"), "damaged: results/traces/a.parquet is missing"),
    "another file": (lambda m: m.update({"results/b.parquet": b""}), "damaged: its run recorded no results/b.parquet"),
    "no record": (lambda m: m.pop(archive.CRATE), "no record of a whole run"),
    "above": (lambda m: m.update({"../b": b""}), "damaged: '../b' is no file below a folder"),
    "absolute": (lambda m: m.update({"/tmp/b": b""}), "damaged: '/tmp/b' is no file below a folder"),
}


@pytest.mark.parametrize(("edit", "message"), WRONG.values(), ids=WRONG)
def test_of_a_damaged_archive_nothing_is_restored(packed, sources, tmp_path, edit, message):
    changed(packed, edit)
    with pytest.raises(FileError, match=message):
        archive.restore(packed, tmp_path / "new", sources)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("target", ["nowhere", "a.parquet", "link.parquet", "/etc/hostname"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_is_no_file(packed, sources, tmp_path, kind, target):
    with tarfile.open(packed, "a") as tar:
        member = tarfile.TarInfo("results/link.parquet")
        member.type, member.linkname = kind, target
        tar.addfile(member)
    with pytest.raises(FileError, match=r"damaged: 'results/link\.parquet' is no file below a folder"):
        archive.restore(packed, tmp_path / "new", sources)


ODD = {
    "a name with a zero byte": ({"path": "results/a\0b"}, "damaged: .* is no file below a folder"),
    "holes of any size": ({"GNU.sparse.map": "0,0", "GNU.sparse.size": f"{10**15}"}, "damaged: .* is no file below"),
    "no number of a hole": ({"GNU.sparse.map": "a"}, r"damaged: at byte \d+: invalid header"),
    "no size": ({"GNU.sparse.size": "a"}, r"damaged: at byte \d+: invalid header"),
}


@pytest.mark.parametrize(("headers", "message"), ODD.values(), ids=ODD)
def test_headers_that_no_run_writes_are_one_line(packed, sources, tmp_path, headers, message):
    with tarfile.open(packed, "a", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("results/odd")
        member.pax_headers = headers
        tar.addfile(member)
    with pytest.raises(FileError, match=rf"run\.tar: {message}"):
        archive.restore(packed, tmp_path / "new", sources)
    assert not (tmp_path / "new").exists()


def test_a_compressed_archive_that_is_cut_off_is_not_written_over(run, packed):
    packed.write_bytes(gzip.compress(packed.read_bytes())[:15])
    with pytest.raises(FileError, match=r"run\.tar: is there already, and no archive"):
        archive.pack(run, packed)


@pytest.mark.parametrize("content", [b"no archive", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00"])
def test_what_is_no_archive_is_one_line(packed, sources, tmp_path, content):
    packed.write_bytes(content + bytes(range(256)) * 50)
    with pytest.raises(FileError, match=r"run\.tar: cannot be read: [^\n]+$"):
        archive.restore(packed, tmp_path / "new", sources)


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_compressed_archive_is_one_too_unless_it_is_damaged(packed, sources, tmp_path, compression):
    small = tmp_path / "small.tar"
    with tarfile.open(small, f"w:{compression}") as tar, tarfile.open(packed) as large:
        for member in large:
            tar.addfile(member, large.extractfile(member))
    assert archive.restore(small, tmp_path / "new", sources) == 2
    whole = small.read_bytes()
    for at in range(0, len(whole), 7):
        small.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with contextlib.suppress(FileError):  # a name or a time in a header may be another
            archive.restore(small, tmp_path / "other", sources)


@pytest.mark.parametrize("in_the_way", ["results/traces/a.parquet/mine", "results/traces"])
def test_where_one_result_cannot_be_written_nothing_is_changed(packed, sources, tmp_path, in_the_way):
    mine = {"results/rates.parquet": b"mine", in_the_way: b"mine"}
    for name, content in mine.items():
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / name).write_bytes(content)
    with pytest.raises(FileError, match=r"a\.parquet: cannot be written: (Is a|Not a) directory"):
        archive.restore(packed, tmp_path / "new", sources)
    assert back(tmp_path / "new") == mine


@pytest.mark.parametrize("cut", [0, 100, 5000])
def test_a_part_of_an_archive_or_none_is_one_line(packed, sources, tmp_path, cut):
    packed.write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(FileError, match=r"run\.tar: "):
        archive.restore(packed, tmp_path / "new", sources)
    with pytest.raises(FileError, match=r"none\.tar: cannot be read"):
        archive.restore(tmp_path / "none.tar", tmp_path / "new", sources)
    assert not (tmp_path / "new").exists()


def test_a_flipped_bit_anywhere_in_an_archive_is_damage_unless_nobody_reads_it(packed, sources, tmp_path):
    whole = packed.read_bytes()
    with tarfile.open(packed) as tar:
        members = tar.getmembers()
    # no file has more than a block; the record has no digest of itself, and what fills blocks up is not read
    read = [place for one in members if one.name != archive.CRATE for place in (one.offset, one.offset_data)]
    end = members[-1].offset_data + 512 * -(-members[-1].size // 512)
    for at in [*(place + i for place in read for i in (0, 4)), end, end + 100]:
        packed.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        # before the first file there is nothing that says what this is
        with pytest.raises(FileError, match="cannot be read: bad checksum" if at < 512 else "damaged: "):
            archive.restore(packed, tmp_path / "new", sources)


def test_a_record_that_cannot_be_read_is_damage(packed, sources, tmp_path):
    changed(
        packed, lambda members: members.update({archive.CRATE: members[archive.CRATE].replace(b"@graph", b"@grapi")})
    )
    with pytest.raises(FileError, match=f"damaged: {archive.CRATE} is no record of a whole run"):
        archive.restore(packed, tmp_path / "new", sources)


@pytest.mark.parametrize("at", [0, 60, 150])
@pytest.mark.parametrize("name", [archive.CRATE, "results/rates.parquet", "results/inputs/config.yaml"])
def test_a_damaged_header_does_not_end_an_archive(packed, sources, tmp_path, name, at):
    with tarfile.open(packed) as tar:
        place = tar.getmember(name).offset
    content = bytearray(packed.read_bytes())
    content[place + at] ^= 4
    packed.write_bytes(content)
    with pytest.raises(FileError, match=f"damaged: at byte {place}: (bad checksum|invalid header)"):
        archive.restore(packed, tmp_path / "new", sources)
    packed.write_bytes(content[:place])
    with pytest.raises(FileError, match=f"damaged: at byte {place}: empty header"):
        archive.restore(packed, tmp_path / "new", sources)


def test_a_folder_without_a_configuration_takes_back_a_run_of_the_papers(packed, tmp_path, monkeypatch, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    run = tmp_path / "run"
    for name, content in archive.sources(ROOT).items():
        path = run / archive.INPUTS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (run / archive.INPUTS / "src/optide/a.py").unlink()
    (run / archive.CRATE).unlink()
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    entities = [{"@id": name, "sha256": digests.of_file(path)} for name, path in files.items()]
    (run / archive.CRATE).write_text(json.dumps({"@graph": entities}))
    archive.pack(run, packed)
    assert archive.main(["restore", str(packed)]) == 0
    assert capsys.readouterr().out == "results are back: 2 files\n"
    assert back(empty) == {name: FILES[name] for name in FILES if name.endswith(".parquet")}


@pytest.mark.parametrize(("name", "text"), [("config.yaml", "alpha: {a: 1, b: 3}\n"), ("src/optide/a.py", "a = 2\n")])
def test_a_foreign_archive_is_refused_by_the_first_file_that_differs(packed, sources, tmp_path, name, text):
    sources[name] = text.encode()
    with pytest.raises(FileError, match=f"of another run: its {name} is not the one here"):
        archive.restore(packed, tmp_path / "new", sources)
    assert not (tmp_path / "new").exists()


def test_configuration_plugins_and_library_are_compared_wherever_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("config.yaml", "ideas.py"):
        shutil.copy(ROOT / "examples" / "ideas" / name, tmp_path)
    try:
        found = archive.sources(tmp_path)
    finally:
        plugins.unload("ideas.py")
    assert yamlfile.parse(found["config.yaml"]) == yamlfile.read("config.yaml")
    assert found["ideas.py"] == (tmp_path / "ideas.py").read_bytes()
    assert found["src/optide/record/archive.py"] == Path(archive.__file__).read_bytes()
    (tmp_path / "config.yaml").write_text("plugins: [none.py]\n")
    with pytest.raises(ConfigError, match=r"none\.py: No such file"):
        archive.sources(tmp_path)


def test_an_archive_of_more_modules_than_there_are_is_foreign(packed, sources, tmp_path):
    del sources["src/optide/a.py"]
    with pytest.raises(FileError, match=r"of another run: there is no src/optide/a\.py here"):
        archive.restore(packed, tmp_path / "new", sources)


@pytest.mark.parametrize(("text", "told"), [("a: [\n", "line 2, column 1: "), (None, "neither here nor beside")])
def test_a_configuration_here_that_cannot_be_read_is_named(tmp_path, monkeypatch, text, told):
    monkeypatch.chdir(tmp_path)
    if text:
        Path("config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=f"^config.yaml: {told}"):
        archive.sources(Path())


def test_a_configuration_is_what_was_given_with_configfile(tmp_path, monkeypatch, capsys):
    """Over that of the folder, if there is one."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("alpha: {a: 1}\n")
    Path("b.yaml").write_text("alpha: {b: 2}\n")
    both = archive.sources(Path(), [Path("b.yaml")])["config.yaml"]
    assert yamlfile.parse(both) == {"alpha": {"a": 1, "b": 2}}
    Path("config.yaml").unlink()
    assert yamlfile.parse(archive.sources(Path(), [Path("b.yaml")])["config.yaml"]) == {"alpha": {"b": 2}}
    assert archive.main(["restore", "none.tar", "--configfile", "nowhere.yaml"]) == 1
    assert capsys.readouterr().err == "optide: error: nowhere.yaml: No such file or directory\n"


@pytest.mark.parametrize("name", ["results/traces/a.parquet", "config.yaml"])
def test_an_archive_takes_the_place_of_no_other_file(run, packed, name):
    (run / "config.yaml").write_text("alpha: 1\n")
    before = back(run)
    with pytest.raises(FileError, match=f"{name}: is there already, and no archive"):
        archive.pack(run, run / name)
    assert back(run) == before
    archive.pack(run, packed)


@pytest.mark.parametrize("name", [".", "", "pipe", "/dev/null"])
def test_an_archive_is_written_to_files_only(run, monkeypatch, capsys, name):
    monkeypatch.chdir(run)
    os.mkfifo("pipe")
    before = [path.lstat().st_mode for path in (Path("pipe"), Path("/dev/null"))]
    assert archive.main(["pack", name]) == 1
    line = capsys.readouterr().err
    assert re.fullmatch("optide: error: .*: cannot be written: (Is a directory|Not a regular file)\n", line)
    assert [path.lstat().st_mode for path in (Path("pipe"), Path("/dev/null"))] == before


def test_an_archive_may_come_through_a_pipe(packed, sources, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cp", packed, tmp_path / "pipe"]):
        assert archive.restore(tmp_path / "pipe", tmp_path / "new", sources) == 2


def test_an_interrupt_is_no_traceback(monkeypatch, run):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(run)
    monkeypatch.setattr(archive, "pack", interrupted)
    assert archive.main(["pack", "x.tar"]) == INTERRUPTED


def test_the_command_ends_with_one_line(run, packed, monkeypatch, capsys):
    monkeypatch.chdir(run)
    assert archive.main(["pack", "own.tar"]) == 0
    assert capsys.readouterr().out == f"own.tar: {1 + len(FILES)} files\n"
    (run / "config.yaml").write_text("alpha: 1\n")
    assert archive.main(["restore", "none.tar"]) == 1
    assert capsys.readouterr().err.startswith("optide: error: none.tar: cannot be read")

"""Whole files or none, whoever else writes them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from optide.base import files
from optide.base.errors import FileError


def test_of_several_writers_of_a_file_the_last_has_it_whole(tmp_path):
    contents = [bytes([i]) * 100_000 for i in range(4)]

    def write(content):
        for _ in range(50):
            with files.aside(tmp_path / "same") as path:
                path.write_bytes(content)
            assert (tmp_path / "same").read_bytes() in contents

    with ThreadPoolExecutor(4) as pool:
        [*pool.map(write, contents)]
    assert [path.name for path in tmp_path.iterdir()] == ["same"]


def test_of_two_names_of_one_file_neither_is_written(tmp_path):
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(FileError, match=r"link: cannot be written: it is the file of .*a, too$"):
        files.write_all({tmp_path / "a": b"1", tmp_path / "link": b"2"})
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_folder_that_is_a_link_to_nowhere_is_named(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileError, match=r"a: cannot be written: .*link is a link that leads nowhere$"):
        files.write_all({tmp_path / "link" / "new" / "a": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


@pytest.mark.parametrize("names", [("a", "a/b/c"), ("a/b/c", "a")])
def test_a_file_is_no_folder_of_another(tmp_path, names):
    with pytest.raises(FileError, match=r"c: cannot be written: .*a is a file$"):
        files.write_all({tmp_path / "new" / name: b"1" for name in names})
    assert not [*tmp_path.iterdir()]

"""Whole files or none, whoever else writes them."""

from concurrent.futures import ThreadPoolExecutor

from optide.base import files


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

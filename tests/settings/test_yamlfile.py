import os

import pytest
import yaml

from conftest import ROOT
from optide.base.errors import ConfigError
from optide.settings import yamlfile


@pytest.mark.parametrize("path", ["config.yaml", "tests/reduced/config.yaml"])
def test_the_configurations_read_as_any_reader_of_yaml_reads_them(path):
    assert yamlfile.read(ROOT / path) == yaml.safe_load((ROOT / path).read_text())


def test_scalars_are_those_of_yaml_1_2():
    text = b"[1e-3, 010, on, 2024-01-01, 1:30, .inf, -.5, ~, '', true, '1', +7, 1_000, 0x1f]"
    found = yamlfile.parse(text)
    assert found == [1e-3, 10, "on", "2024-01-01", "1:30", float("inf"), -0.5, None, "", True, "1", 7, "1_000", "0x1f"]
    # whatever version a file says it is of
    assert yamlfile.parse(b"%YAML 1.1\n---\n[on, 010]") == ["on", 10]
    assert yamlfile.parse(b"a:") == {"a": None}
    assert yamlfile.parse(b"9" * 5000) == float("inf")


def test_anchors_and_merge_keys_are_written_out():
    found = yamlfile.parse(b"a: &a {x: 1, y: [2]}\nb: {<<: *a, x: 3}\nc: *a")
    assert found == {"a": {"x": 1, "y": [2]}, "b": {"x": 3, "y": [2]}, "c": {"x": 1, "y": [2]}}


BILLION = b"a: &a [1,1,1,1,1,1,1,1,1,1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in b"bcdefghi"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: 2\na: 3", "line 3, column 1: key 'a' is given twice"),
        (b"1: a\n01: b", "line 2, column 1: key '01' is given twice"),
        (b"1: a\n1.0: b", "line 2, column 1: key '1.0' is given twice"),
        (b"{true: a, 1: b}", "line 1, column 11: key '1' is given twice"),
        (b"%YAML 1.1\n---\na: &x on\non: *x\non: b", "line 5, column 1: key 'on' is given twice"),
        (b"a: &x [*x]", "line 1, column 8: alias 'x' is inside its own anchor"),
        (b"a: &x {<<: *x}", "line 1, column 12: alias 'x' is inside its own anchor"),
        (BILLION, "line 5, column .*: more than 50 levels, or 100000 values"),
        (b"[" * 5000, "line 1, column 51: more than 50 levels"),
        (
            b"a0: &a0 [1]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (i, i, i - 1) for i in range(1, 60)),
            "line 50.*50 levels",
        ),
        (b"a: !!python/object/apply:os.system [id]", "line 1, column 4: tag .*os.system' is not allowed"),
        (b"a: !!timestamp x", "tag .* is not allowed"),
        (b"a: !!set {x}", "tag .*:set' is not allowed"),
        (b"a: !!str 1", "tag .*:str' is not allowed"),
        (b"a: *x", "line 1, column 4: found undefined alias 'x'"),
        (b"? [a]\n: b", "unhashable key"),
        (b"<<: 3", "expected a mapping or list of mappings for merging"),
        (b"a: [1", "line 1, column 6: while parsing a flow sequence, did not find expected ',' or ']'"),
        (b"\ta: 1", r"line 1, column 1: .*found character '\\t' that cannot start any token"),
        (b"a: 1\n--- \nb: 2", "line 2, column 1: expected a single document"),
        (b"a: 1\nb: \xe9", "line 2: byte 0xe9 is not UTF-8"),
        ("a: 1".encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
        (b"a: \x00", "unacceptable character #x0000"),
        (b"a: " + b"x" * 100_000, "100003 bytes; at most 100000"),
    ],
)
def test_what_is_no_plain_data_is_named_in_one_line(content, message):
    with pytest.raises(ConfigError, match=message) as error:
        yamlfile.parse(content)
    assert "\n" not in str(error.value)


def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="Not a regular file"):
        yamlfile.read(tmp_path / "pipe")


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "absent.yaml"):
        with pytest.raises(ConfigError, match="directory"):
            yamlfile.read(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("010", 10), ("null", None), ("", None), ("false", False), ("on", "on"), ("<<", "<<")]
    + [(text, text) for text in ("adam", "a: b", "a # b", "[1]", "'1'", "*x", "1 2")],
)
def test_a_single_scalar_is_what_it_is_in_a_file(text, value):
    found = yamlfile.scalar(text)
    assert (type(found), found) == (type(value), value)


# text that one of the two versions of YAML takes for something else, and values that are hard to write
HARD = ["1e-3", "010", "0x1f", "1_000", "on", "No", "~", "", "null", "<<", "=", "12:30", "2024-01-01", ".5", "1.", "-"]
HARD += [1e-9, 1e50, 0.1, 10**30, -0.0, True, None, "a: b", "a # b", "a\nb", "é", "x" * 300, [], {}, float("inf")]


def test_what_is_written_is_read_back_by_readers_of_either_version():
    shared = [1, 2]
    value = {"hard": HARD, "once": shared, "again": shared, "010": 1}
    text = yamlfile.dump(value)
    assert yamlfile.parse(text.encode()) == yaml.safe_load(text) == value
    assert [*map(type, yamlfile.parse(text.encode())["hard"])] == [*map(type, HARD)]

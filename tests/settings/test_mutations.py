"""Mutated configurations: each is an error of one line that names a key or a line, or it runs.

What is called here is what the Snakefile calls; `test_workflow.py` sends a few through Snakemake.
"""

import copy
import functools

import numpy as np
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mutations import CONFIG, PATHS, REDUCED, SCHEMA, misspelt, mutated, mutations
from optide.base.errors import OptideError
from optide.settings import yamlfile
from optide.settings.config import experiment_slice
from optide.settings.examine import examine
from optide.settings.schema import key_of
from optide.studies import experiments


def error_of(check, *arguments):
    """The error that a check raises on purpose, or None."""
    try:
        check(*arguments)
    except OptideError as error:
        return str(error)
    return None


def judge(config):
    """The error of a configuration, or None if it is valid; an error is one line that names a key."""
    error = error_of(examine, config, SCHEMA)
    if error is not None:
        assert "\n" not in error
        assert error.startswith(("experiments", "figures", "rates", "audit", "top level", *map(key_of, zip(config))))
    return error


def run_discrete_scheme(config):
    """Every discrete run of a valid configuration, in a few steps: all values are finite."""
    for name, experiment in config["experiments"].items():
        for rate in experiment["learning_rates"]:
            part = experiment_slice(config, name, rate)
            part["sets"] = [{**entry, "steps": min(entry["steps"], 7)} for entry in part["sets"]]
            table, _ = experiments.run(part, "discrete")
            for column in ("theta", "loss", "t"):
                assert np.isfinite(table[column].to_numpy()).all()


@mutations(max_examples=400)
@given(mutated())
def test_mutated_values_are_named_or_run(config):
    if judge(config) is None:
        run_discrete_scheme(config)


@mutations(max_examples=200)
@given(st.sampled_from([path for path in PATHS if not isinstance(path[-1], int)]), st.integers(0, 12))
def test_a_misspelt_key_is_named_with_the_nearest_name(path, at):
    config = copy.deepcopy(CONFIG)
    *way, last = path
    place = functools.reduce(lambda value, key: value[key], way, config)
    wrong = misspelt(last, at)
    place[wrong] = place.pop(last)
    error = judge(config)
    if tuple(path[:-1]) in (("figures",), ("rates", "curves")) and error is None:
        return  # a figure or a curve by another name
    if tuple(path[:-1]) == ("captions",):
        error = " ".join(examine(config, SCHEMA))  # a warning
    assert wrong in error or repr(last) in error


edits = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [b"\n", b"\t", b": ", b"- ", b"[", b"}", b"&a ", b"*a", b"<<: *a", b"!!int ", b"? ", b"#", b"'", b"|", b"---\n"]
    ),
)


@mutations(max_examples=400)
@given(st.data())
def test_mutated_text_is_named_or_run(data):
    content = REDUCED.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.sampled_from([0, 0, 1, 2, 40]))
        content = content[:start] + data.draw(edits) + content[end:]
    error = error_of(yamlfile.parse, content)
    if error is not None:
        assert "\n" not in error
        assert "line " in error or "character" in error
    elif judge(config := yamlfile.parse(content)) is None:
        run_discrete_scheme(config)


@mutations(max_examples=50)
@given(st.sampled_from([path for path in PATHS if isinstance(path[-1], str)]))
def test_a_line_given_twice_is_never_read_silently(path):
    lines = yaml.safe_dump(CONFIG, sort_keys=False, width=10_000).splitlines()
    doubled = [i for i, line in enumerate(lines) if line.strip().startswith(f"{path[-1]}: ")]
    for i in doubled:
        error = error_of(yamlfile.parse, "\n".join([*lines[: i + 1], *lines[i:]]).encode())
        assert f"key {path[-1]!r} is given twice" in error

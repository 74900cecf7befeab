"""A configuration from several files and the command line: what they give together, and who brought a mistake in."""

import copy
import os

import pytest
import yaml
from hypothesis import given

from conftest import ROOT
from mutations import mutated, mutations, values
from optide.base.errors import ConfigError
from optide.settings import layers, yamlfile
from optide.settings.layers import COMMAND_LINE, Layer

SCHEMA = yamlfile.read(ROOT / "workflow/schemas/config.schema.yaml")
REDUCED = ROOT / "tests" / "reduced" / "config.yaml"
BASE = Layer("config.yaml", yamlfile.read(REDUCED), REDUCED.read_text())


def settle(*contents):
    """The base, and layers with the names 1, 2, ... over it."""
    return layers.settle([BASE, *(Layer(str(i), content) for i, content in enumerate(contents, 1))], SCHEMA)


def rates(*values):
    return {"experiments": {"double_well-adam": {"learning_rates": list(values)}}}


def test_mappings_are_merged_and_all_else_is_replaced_and_no_layer_is_changed():
    below = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}
    above = {"a": {"y": [3]}, "b": {"n": None}, "c": None}
    before = copy.deepcopy((below, above))
    merged = layers.merged([Layer("1", below), Layer("2", above)])
    assert merged == {"a": {"x": 1, "y": [3]}, "b": {"n": None}, "c": None}
    assert (below, above) == before
    assert layers.merged([Layer("1", None), Layer("2", {"a": 1})]) == {"a": 1}


@pytest.mark.parametrize("off", [None, False])
@pytest.mark.parametrize("part", layers.PARTS)
def test_a_part_that_is_switched_off_is_left_out_with_a_warning(part, off):
    config, warnings = settle({part: off})
    assert config == {name: value for name, value in BASE.content.items() if name != part}
    assert warnings == [f"1: {part} is off: no {layers.PARTS[part]}"]
    assert settle({part: off}, {part: BASE.content[part]}) == (BASE.content, [])


@pytest.mark.parametrize(
    ("part", "value"), [("audit", 0), ("audit", ""), ("rates", []), ("experiments", None), ("figures", False)]
)
def test_nothing_else_is_off(part, value):
    with pytest.raises(ConfigError, match=rf"^1: {part} = .*: must be a mapping"):
        settle({part: value})


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        # the layer that has the entry
        ([{"audit": {"order": 3}}, {}], "1: audit.order = 3: must be an integer >= 1 and <= 2"),
        ([{}, {"audit": {"order": 3}}], "2: audit.order = 3: must be an integer >= 1 and <= 2"),
        ([{"audit": {"order": 1}}, {"audit": {"order": 3}}], "2: audit.order = 3: must be"),
        ([{"audit": {"order": 4}}, {"audit": {"order": 3}}], "2: audit.order = 3: must be"),
        ([{"audti": None}, {"captions": None}], "1: audti: unknown key; allowed: .*; did you mean 'audit'"),
        # the layer since which an entry of another contradicts the rest
        (
            [{"captions": None}, rates(0.2)],
            r"2: figures.fig02.rows\[1\].insets\[0\].learning_rate = 0.1: double_well-adam has \[0.2\] "
            r"\(set in config.yaml\)$",
        ),
        ([rates(0.2, 0.3), {}], r"1: experiments.double_well-adam.sets\[0\].steps = \[10\]: needs .* in config.yaml"),
        # a mistake that is not a layer's alone
        ([{"figures": {"x": {"quantity": "G"}}}, {"figures": {"x": {"rows": []}}}], r"2: figures.x.rows = \[\]: must"),
        ([{"figures": {"x": {"quantity": "G"}}}, {}], "1: figures.x.rows: missing"),
    ],
)
def test_a_mistake_is_blamed_on_the_layer_that_brought_it_in(contents, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        settle(*contents)


def test_a_mistake_in_the_first_layer_is_its_own_whatever_is_over_it():
    first = Layer("config.yaml", {**BASE.content, "audit": {**BASE.content["audit"], "order": 3}})
    with pytest.raises(ConfigError, match=r"^config\.yaml: audit\.order = 3"):
        layers.settle([first, Layer("1", {"captions": None})], SCHEMA)
    # and none if it is set right
    assert layers.settle([first, Layer("1", {"audit": {"order": 1}})], SCHEMA)[0] == BASE.content


@mutations(max_examples=150)
@given(mutated(), values)
def test_whatever_is_given_is_merged_or_refused_in_one_line(content, value):
    try:
        message = settle(content, {"audit": value}) and "1: fine"
    except ConfigError as error:
        message = str(error)
    assert message.startswith(("config.yaml: ", "1: ", "2: "))
    assert "\n" not in message


def test_a_warning_names_the_layer_it_is_about():
    assert settle({"captions": {"fig1": {"look": "?"}}})[1] == [
        "1: captions.fig1: there is no such figure; did you mean 'fig01'?"
    ]


def test_the_command_line_is_read_as_yaml_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("a: 1\n")
    # as Snakemake reads: values of one word are parsed, nested ones are text
    given = {"b": {"c": ["1e-3", "null", "adam", "true", "a: b"], "d": "<<"}, "e": "false", "f": 0.5, "g": None}
    (_, layer) = layers.given(ROOT, [], given)
    assert layer == (
        COMMAND_LINE,
        {"b": {"c": [1e-3, None, "adam", True, "a: b"], "d": "<<"}, "e": False, "f": 0.5, "g": None},
        "",
    )
    # and as it hands the same on to its jobs
    assert layers.given(ROOT, [], {"e": "False", "g": "None"})[1].content == {"e": False, "g": None}


@pytest.mark.parametrize(
    ("target", "told"),
    [("nowhere.yaml", "No such file"), ("config.yaml", "Too many levels"), ("pipe", "Not a regular")],
)
def test_a_link_that_leads_to_no_file_is_not_as_if_there_were_none(tmp_path, monkeypatch, target, told):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.symlink(target, "config.yaml")
    with pytest.raises(ConfigError, match=f"^config.yaml: {told}"):
        layers.given(ROOT, [], {})


@pytest.mark.parametrize("content", [None, [], "text"])
def test_a_file_that_is_no_mapping_is_told_what_it_must_be(content):
    with pytest.raises(ConfigError, match=r"^config\.yaml: top level = .*: must be a mapping of keys to entries$"):
        layers.settle([Layer("config.yaml", content)], SCHEMA)


def test_the_working_directory_comes_before_the_folder_of_the_snakefile(tmp_path, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    monkeypatch.chdir(here)

    def names(*configfiles):
        return [layer.name for layer in layers.given(home, configfiles, {})]

    message = rf"^config\.yaml: neither here nor beside the Snakefile \({home}\); --configfile names another$"
    with pytest.raises(ConfigError, match=message):
        names()
    for path in (home / "config.yaml", tmp_path / "other.yaml", here / "small.yaml"):
        path.write_text("a: 1\n")
    assert names() == [str(home / "config.yaml")]
    assert names(tmp_path / "other.yaml", here / "small.yaml") == [str(tmp_path / "other.yaml"), "small.yaml"]
    (here / "config.yaml").write_text("a: 1\n")
    assert names() == ["config.yaml"]
    assert names(here / "small.yaml") == ["config.yaml", "small.yaml"]
    assert names(here / "small.yaml", here / "config.yaml") == ["small.yaml", "config.yaml"]
    (here / "small.yaml").write_text("a: 1\na: 2\n")
    with pytest.raises(ConfigError, match=r"^small\.yaml: line 2, column 1: key 'a' is given twice"):
        names(here / "small.yaml")


def test_what_ran_is_written_with_how_it_was_given():
    assert layers.as_yaml([BASE]) == f"# The configuration that ran, as it was given by:\n#   config.yaml\n{BASE.text}"
    over = [Layer("small.yaml", {"captions": {"fig01": {"look": "1e-3"}}}), Layer(COMMAND_LINE, {"audit": None})]
    text = layers.as_yaml([BASE, *over])
    assert text.startswith(
        "# The configuration that ran, as it was given by:\n#   config.yaml\n#   small.yaml\n#   --config audit=null\n"
    )
    merged = layers.merged([BASE, *over])
    assert merged["audit"] is None
    assert yamlfile.parse(text.encode()) == yaml.safe_load(text) == merged


def test_who_names_a_plugin_that_is_not_there_is_told():
    base = Layer("config.yaml", {"plugins": ["own.py"]}, "")
    for layer, told in [
        (base, r"config\.yaml: plugins: own\.py: there is no such Python file"),
        (Layer("far/away.yaml", {"plugins": ["gone.py"]}, ""), r"far/away\.yaml: plugins: far/gone\.py: there is no"),
    ]:
        with pytest.raises(ConfigError, match=f"^{told}"):
            layers.settle([base, layer], {})


def test_a_configuration_that_is_copied_names_plugins_beside_the_copy():
    text = "plugins: [../ideas.py]  # ours\na: 1\n"
    copy = layers.as_yaml([Layer("config.yaml", yamlfile.parse(text.encode()), text)])
    assert yamlfile.parse(copy.encode()) == {"plugins": ["ideas.py"], "a": 1}
    text = text.replace("../", "")
    assert layers.as_yaml([Layer("config.yaml", yamlfile.parse(text.encode()), text)]).endswith(text)

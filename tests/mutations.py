"""Configurations with mistakes in them, as hypothesis thinks them up."""

import copy
import functools

from hypothesis import settings
from hypothesis import strategies as st

from conftest import ROOT
from optide.settings import yamlfile

SCHEMA = yamlfile.read(ROOT / "workflow/schemas/config.schema.yaml")
REDUCED = (ROOT / "tests/reduced/config.yaml").read_text()
CONFIG = yamlfile.parse(REDUCED.encode())

# the same examples in every run and in every order of the tests
mutations = functools.partial(settings, derandomize=True, deadline=None, database=None)


def paths(value, path=()):
    """The path of every value in a configuration."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


PATHS = [path for path in paths(CONFIG) if path]
numbers = st.sampled_from(
    [0, -0.0, 1, 3, 7, -1, 0.5, 0.1, 1e-9, 1e-320, 1e50, 1e51, 1e308, 10**30, float("nan"), float("inf"), -float("inf")]
)
texts = st.sampled_from(
    ["", "x", "adam", "rmsprop", "quadratic", "zero", "origin", "v", "loss", "A", "1e-3", "a\nb", "ü"]
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, st.floats(), st.integers())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(texts, scalars), inner, max_size=2)),
    max_leaves=4,
)


def misspelt(name, at):
    return name[:at] + name[at + 1 :] if isinstance(name, str) and at < len(name) else f"{name}x"


@st.composite
def mutated(draw):
    """A configuration with one to three values replaced, removed, doubled, or under another key."""
    config = copy.deepcopy(CONFIG)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(PATHS))
        try:
            place = functools.reduce(lambda value, key: value[key], way, config)
            value = place[last]
        except (KeyError, IndexError, TypeError):  # an earlier mutation took it away
            continue
        match draw(st.sampled_from(["replace", "remove", "double", "rename", "empty"])):
            case "replace":
                place[last] = draw(values)
            case "remove":
                del place[last]
            case "double" if isinstance(place, list):
                place.append(value)
            case "rename" if isinstance(place, dict):
                place[misspelt(last, draw(st.integers(0, 12)))] = place.pop(last)
            case "empty" if isinstance(value, dict | list):
                value.clear()
    return config

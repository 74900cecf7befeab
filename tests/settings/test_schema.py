import pytest

from conftest import ROOT
from optide.claims import check
from optide.settings import yamlfile
from optide.settings.schema import first_error, nearest, reference
from optide.settings.vocabulary import complete


@pytest.mark.parametrize(
    ("schema", "page", "words", "keys"),
    [("config", "configuration", complete, 161), ("claims", "claims", check.complete_schema, 74)],
)
def test_the_reference_page_is_up_to_date_and_describes_every_key(schema, page, words, keys):
    text = reference(words(yamlfile.read(ROOT / f"workflow/schemas/{schema}.schema.yaml")))
    assert (ROOT / f"docs/{page}.md").read_text() == text, "run `make docs`"
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == keys
    assert not [row for row in rows if row.endswith("|  |")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"optimizr": "adam"},
            "optimizr: unknown key; allowed: optimizer, rates, few, name; did you mean 'optimizer'?",
        ),
        ({"optimizer": "adma"}, "optimizer = 'adma': must be one of adam, adagrad; did you mean 'adam'?"),
        ({"optimizer": "sgd"}, "optimizer = 'sgd': must be one of adam, adagrad"),
        ({"rates": [0.1, float("nan")]}, "rates[1] = nan: must be a number > 0 and <= 9"),
        ({"rates": [float("inf")]}, "rates[0] = inf: must be a number > 0 and <= 9"),
        ({"rates": [True]}, "rates[0] = True: must be a number > 0 and <= 9"),
        ({"rates": [1, 1.0]}, "rates = [1, 1.0]: must be a list of at least 1, all different, each a number > 0"),
        ({"rates": []}, "rates = []: must be a list of at least 1"),
        ({"rates": 10**80}, f"rates = 1{56 * '0'}...: must be a list of at least 1"),
        ({"few": [1, 2, 3, 4]}, "few = [1, 2, 3, 4]: must be a list of 1 to 3, each a number"),
        ({"name": "a b"}, "name = 'a b': must be a word"),
        ({1: 2}, "[1]: unknown key"),
    ],
)
def test_an_error_names_key_value_what_is_allowed_and_the_nearest_name(change, message):
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["optimizer"],
        "properties": {
            "optimizer": {"enum": ["adam", "adagrad"]},
            "rates": {"$ref": "#/$defs/rates"},
            "few": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "number"}},
            "name": {"type": "string", "title": "a word", "pattern": "^[a-z]+$"},
        },
        "$defs": {
            "rates": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 9},
            }
        },
    }
    assert first_error({"optimizer": "adam", **change}, schema).startswith(message)
    assert first_error({"rates": [1]}, schema) == "optimizer: missing; needed: optimizer"
    assert first_error([], schema) == "top level = []: must be a mapping of keys to entries"


def test_nothing_is_suggested_where_nothing_is_close():
    assert nearest("zzz", ["adam"]) == ""

"""JSON Schema in words: what a schema allows, what a value breaks, and a reference page of all keys.

`python -m optide.settings.schema FILE` prints the reference page of a schema.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from optide.base.words import nearest, shown
from optide.settings import yamlfile
from optide.settings.vocabulary import complete

Schema = Mapping[str, Any]

_BOUNDS = {"exclusiveMinimum": "> {}", "minimum": ">= {}", "exclusiveMaximum": "< {}", "maximum": "<= {}"}


def _is_number(_: Any, value: Any) -> bool:
    """A number that float64 holds, which no infinity is and not every integer; NaN compares as false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


# JSON Schema knows no NaN and no infinity, and takes 20.0 for an integer
_Validator = extend(  # type: ignore[no-untyped-call]  # so are the stubs
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number).redefine(
        "integer", lambda _, value: isinstance(value, int) and _is_number(_, value)
    ),
)


def first_error(value: Any, schema: Schema) -> str | None:
    """The first thing wrong with a value, in one line (see `explain`), or None.

    Unknown keys come before all else, since a misspelt key is also a missing one.
    """
    errors = sorted(_Validator(schema).iter_errors(value), key=_rank)
    return explain(errors[0], schema) if errors else None


def _rank(error: ValidationError) -> bool:
    return error.validator != "additionalProperties"


def explain(error: ValidationError, schema: Schema) -> str:
    """What a value breaks: the path of its key, the value, what is allowed, and the nearest name."""
    if error.validator == "anyOf" and isinstance(error.instance, Mapping):
        # of a mapping what is wrong with it, not that it might be something else
        below = [other for other in error.context or () if other.validator != "type" or other.relative_path]
        error = min(below, key=_rank, default=error)
    path = [*error.absolute_path]
    broken: Any = error.schema
    value: Any = error.instance
    needed: Any = error.validator_value
    if error.validator == "additionalProperties":
        allowed = [*broken["properties"]]
        unknown = next(key for key in value if key not in allowed)
        return f"{key_of([*path, unknown])}: unknown key; allowed: {', '.join(allowed)}{nearest(unknown, allowed)}"
    if error.validator == "required":
        missing = next(key for key in needed if key not in value)
        return f"{key_of([*path, missing])}: missing; needed: {', '.join(needed)}"
    if "propertyNames" in error.absolute_schema_path:
        return f"{key_of(path)}: name {shown(value)} must be {in_words(broken, schema)}"
    hint = nearest(value, broken.get("enum", ()))
    # the title of the whole is that of its page
    words = in_words(broken if path else {**broken, "title": "a mapping of keys to entries"}, schema)
    return f"{key_of(path)} = {shown(value)}: must be {words}{hint}"


def key_of(path: Iterable[str | int]) -> str:
    """A path of keys and positions as text: figures.fig01.rows[0]."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return " ".join(text.removeprefix(".").split()) or "top level"


def in_words(part: Schema, schema: Schema) -> str:
    """What a part of a schema allows."""
    part = _resolved(part, schema)
    if "title" in part:
        title: str = part["title"]
        return title
    if "enum" in part:
        return f"one of {', '.join(map(str, part['enum']))}"
    match part["type"]:
        case "number" | "integer" as kind:
            bounds = " and ".join(text.format(part[name]) for name, text in _BOUNDS.items() if name in part)
            return f"{'an integer' if kind == 'integer' else 'a number'} {bounds}".strip()
        case "array":
            least, most = part.get("minItems", 0), part.get("maxItems")
            count = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            different = ", all different" if part.get("uniqueItems") else ""
            of = "" if least == 0 and most is None else f" of {count}"
            return f"a list{of}{different}, each {in_words(part['items'], schema)}"
        case "object":
            count = ", not empty" if part.get("minProperties") else ""
            names = f", each key {in_words(part['propertyNames'], schema)}" if "propertyNames" in part else ""
            return f"a mapping{count}{names}"
        case _:
            return "text"


def reference(schema: Schema) -> str:
    """A page in Markdown that describes every key."""
    lines = [f"# {schema['title']}", "", schema["description"], ""]
    lines += ["| key | what is allowed | |", "|---|---|---|"]
    for key, part, needed in _keys(schema, schema, ""):
        description = " ".join(filter(None, (part.get("description"), "" if needed else "Optional.")))
        lines.append(f"| `{key}` | {in_words(part, schema)} | {description} |")
    return "\n".join(lines) + "\n"


def _keys(part: Schema, schema: Schema, prefix: str) -> Iterator[tuple[str, Schema, bool]]:
    """Every key below a part of a schema, with its own part and whether it is needed."""
    for name, below in part.get("properties", {}).items():
        yield from _key(f"{prefix}{name}", below, schema, name in part.get("required", ()))
    if isinstance(part.get("additionalProperties"), Mapping):
        yield from _key(f"{prefix}NAME", part["additionalProperties"], schema, True)


def _key(key: str, part: Schema, schema: Schema, needed: bool) -> Iterator[tuple[str, Schema, bool]]:
    part = _resolved(part, schema)
    yield key, part, needed
    if "items" in part:
        yield from _keys(_resolved(part["items"], schema), schema, f"{key}[].")
    yield from _keys(part, schema, f"{key}.")


def _resolved(part: Schema, schema: Schema) -> Schema:
    """A part of a schema with its reference written out; what stands beside a reference wins."""
    if "$ref" not in part:
        return part
    return {**schema["$defs"][part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}


if __name__ == "__main__":
    sys.stdout.write(reference(complete(yamlfile.read(sys.argv[1]))))

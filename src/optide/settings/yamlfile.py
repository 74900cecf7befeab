"""YAML as plain data: what is ambiguous, endless or no data is an error, and nothing is evaluated.

Scalars follow the core schema of YAML 1.2: `1e-3` is a number, `010` is ten, `on` and `2024-01-01` are
text.  (YAML 1.1 reads a text, eight, a truth value and a date.)  Anchors, aliases and merge keys work.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from optide.base.errors import ConfigError

MAX_BYTES = 100_000
MAX_DEPTH = 50
MAX_VALUES = 100_000
"""After aliases are written out: a few lines of nested aliases can stand for billions."""


def read(path: str | Path) -> Any:
    """The data in a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8 or not YAML; gives a key twice; has tags, an
            alias inside its own anchor, or more levels or values than a configuration can need.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ConfigError("Not a regular file")  # reading a pipe or a terminal might never end
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{error.strerror}") from None
    return parse(content)


def parse(content: bytes) -> Any:
    """The data in the bytes of a YAML file; see `read`."""
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{len(content)} bytes; at most {MAX_BYTES} are allowed")
    try:
        return yaml.load(content.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ConfigError(f"line {line}: byte 0x{byte:02x} is not UTF-8; the file must be UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        problem = ", ".join(filter(None, (error.context, error.problem)))
        mark = error.problem_mark or error.context_mark
        assert mark is not None  # PyYAML knows where it is
        text = content.decode("utf-8")
        before, here = text[: mark.index], text[mark.index : mark.index + 1]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        # a tab is not seen
        problem = problem.replace("found character that", f"found character {here!r} that")
        raise ConfigError(f"line {line}, column {column}: {problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{' '.join(str(error).split())}") from None


def scalar(text: str) -> Any:
    """What a text stands for where it is written without quotes: a number, a truth value, null, or itself."""
    loader = _Loader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # so are the stubs
    return loader.construct_object(yaml.ScalarNode(tag, text))


def dump(value: Any) -> str:
    """Plain data as YAML that readers of YAML 1.1 and of 1.2 understand alike."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Loader(yaml.composer.Composer, yaml.CSafeLoader):
    """SafeLoader with strict mappings, bounded aliases, no tags and the scalars of YAML 1.2.

    libyaml reads the text, in a tenth of the time that Python takes; what it reads is composed here.
    """

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  (the base class's way of inheriting)

    def __init__(self, content: str):
        yaml.CSafeLoader.__init__(self, content)
        yaml.composer.Composer.__init__(self)
        self._depth = 0
        self._sizes: dict[int, tuple[int, int]] = {}  # by the id of a node: its values and levels

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # the stubs take it for none
        if getattr(event, "tag", None) is not None:
            raise _refused(f"tag {event.tag!r} is not allowed", event)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _endless(event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if not isinstance(event, yaml.AliasEvent):
            self._refuse_duplicates(node)
            self._sizes[id(node)] = self._measure(node)
        elif id(node) not in self._sizes:
            raise _refused(f"alias {event.anchor!r} is inside its own anchor", event)
        size, levels = self._sizes[id(node)]
        if size > MAX_VALUES or levels > MAX_DEPTH:
            raise _endless(event)
        return node

    def _refuse_duplicates(self, node: yaml.Node | None) -> None:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else []:
            if isinstance(key, yaml.ScalarNode):
                # by value: 1, 01 and 1.0 are one key, and so is true
                own = key.tag.endswith(":merge"), self.construct_object(key)
                if own in seen:
                    raise _refused(f"key {key.value!r} is given twice", key)
                seen.add(own)

    def _measure(self, node: yaml.Node | None) -> tuple[int, int]:
        children = node.value if isinstance(node, yaml.SequenceNode) else []
        if isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        below = [self._sizes[id(child)] for child in children]
        return 1 + sum(size for size, _ in below), 1 + max((levels for _, levels in below), default=0)


def _endless(event: yaml.Event) -> yaml.composer.ComposerError:
    return _refused(f"more than {MAX_DEPTH} levels, or {MAX_VALUES} values with aliases written out", event)


def _refused(problem: str, found: Any) -> yaml.composer.ComposerError:
    """An error where an event or a node begins."""
    return yaml.composer.ComposerError(None, None, problem, found.start_mark)


def _scalar(kind: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), [*first, ""] if kind == "null" else list(first)
    )


_scalar("merge", "<<", "<")
_scalar("null", "~|null|Null|NULL|", "~nN")
_scalar("bool", "true|True|TRUE|false|False|FALSE", "tTfF")
# longer ones are floats, and too large for any key; Python refuses to read integers of 4300 digits
_scalar("int", r"[-+]?[0-9]{1,300}", "-+0123456789")
_scalar("float", r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789")
_scalar("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+.")


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _whole)
_Loader.add_constructor("tag:yaml.org,2002:merge", _text)  # "<<" as a value


class _Dumper(yaml.SafeDumper):
    """SafeDumper without anchors, that quotes a text which either version of YAML takes for something else."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (the base class's way of inheriting)
        first: yaml.SafeDumper.yaml_implicit_resolvers.get(first, []) + _Loader.yaml_implicit_resolvers.get(first, [])
        for first in yaml.SafeDumper.yaml_implicit_resolvers | _Loader.yaml_implicit_resolvers
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True

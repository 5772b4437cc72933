"""YAML as kubectl reads it, with the place of every value.

PyYAML follows YAML 1.1 and takes the last of two equal keys in silence; kubectl reads a mixture of 1.1 and 1.2. So only
PyYAML's parser is used, and scalars are resolved here. Not here: what the values mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

NODES_MAX = 100_000  # aliases of aliases multiply; a document of this size is an attack or a mistake

Path = tuple[str | int, ...]
Position = tuple[int, int]

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN_MAX = 1e21  # below it, kubectl writes a whole number without an exponent
_PREFIX = "tag:yaml.org,2002:"


class YamlError(Exception):
    """A document that cannot be read: the `problem`, and `line` and `column` from 1."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem = problem
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Document:
    """A value of plain JSON types, and where each part of it stands: path to (line, column), both from 1."""

    value: Any
    positions: dict[Path, Position] = field(default_factory=dict)
    key_positions: dict[Path, Position] = field(default_factory=dict)

    def position(self, path: Path) -> Position:
        """Where `path` stands; for a part that is not there, the nearest part around it."""
        return _nearest(self.positions, path)

    def key_position(self, path: Path) -> Position:
        """Where the key of `path` stands, or the entry of a list; for a part that is not there, as `position`."""
        return _nearest(self.positions | self.key_positions, path)


def _nearest(positions: dict[Path, Position], path: Path) -> Position:
    while path and path not in positions:
        path = path[:-1]
    return positions.get(path, (1, 1))


def read_yaml(text: str) -> Document:
    """The single document in `text`; an empty text is the value None. Raises YamlError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        if problem == "but found another document":
            problem = "a second document begins here"
        raise YamlError(problem, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).splitlines()[0], 1, 1) from None
    if node is None:
        return Document(None)
    walk = _Walk()
    return Document(walk.value(node, ()), walk.positions, walk.key_positions)


class _Walk:
    """One pass over the parser's nodes."""

    def __init__(self) -> None:
        self.positions: dict[Path, Position] = {}
        self.key_positions: dict[Path, Position] = {}
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        if self._count > NODES_MAX:
            raise _problem(node, f"more than {NODES_MAX} values, aliases counted each time")
        self.positions[path] = _position(node)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open:
            raise _problem(node, "an alias that contains itself")
        self._open.add(id(node))
        value = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        self._open.discard(id(node))
        self.positions[path] = _position(node)  # again: a merged mapping was read under the same path
        return value

    def _sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in sorted(node.value, key=lambda pair: bool(pair[0].value != "<<")):
            if not isinstance(key_node, yaml.ScalarNode):
                raise _problem(key_node, "a key that is not a scalar")
            if key_node.value == "<<" and not key_node.style:
                for source in _merge_sources(value_node):
                    merged = self.value(source, path) | merged
                continue
            key = _key(key_node)
            if key in result:
                raise _problem(key_node, f"the key {key!r} stands here twice")
            result[key] = self.value(value_node, (*path, key))
            self.key_positions[*path, key] = _position(key_node)
        return merged | result


def _position(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _merge_sources(node: yaml.Node) -> Iterator[yaml.Node]:
    sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for source in sources:
        if not isinstance(source, yaml.MappingNode):
            raise _problem(node, "only mappings can be merged with <<")
        yield source


def _key(node: yaml.ScalarNode) -> str:
    value = _scalar(node)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(node.value)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style or node.tag == "!" or _tagged_as_string(node):
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return int(number) if abs(number) < _PLAIN_MAX and number.is_integer() else number
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _tagged_as_string(node: yaml.ScalarNode) -> bool:
    """An explicit `!!str`: the parser marks the node as string though its text would be read as something else."""
    end = node.end_mark.index - node.start_mark.index
    return bool(node.tag == _PREFIX + "str" and end > len(node.value))


def _integer(text: str) -> int:
    digits = text.lstrip("+-").replace("_", "")
    sign = -1 if text.startswith("-") else 1
    if re.fullmatch(r"0[0-7]+", digits):
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _problem(node: yaml.Node, problem: str) -> YamlError:
    return YamlError(problem, node.start_mark.line + 1, node.start_mark.column + 1)

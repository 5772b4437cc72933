"""Label and field selectors: parsed once, asked of raw objects. Knows nothing of HTTP."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from serinus.sandbox.api.errors import bad_request
from serinus.sandbox.api.kinds import Kind, Raw

Labels = dict[str, str]
Test = Callable[[Labels], bool]

_SET_TERM = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_EQUAL_TERM = re.compile(r"^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$")
_KEY = re.compile(r"^!?\s*[A-Za-z0-9][A-Za-z0-9._/-]*$")
_FIELD_TERM = re.compile(r"^([^=!]+?)(==|=|!=)(.*)$")

_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": ("reason", "type", "source", *(f"involvedObject.{name}" for name in _INVOLVED)),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "secrets": ("type",),
    "services": ("spec.clusterIP", "spec.type"),
    "replicasets": ("status.replicas",),
    "jobs": ("status.successful",),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a kind a LIST or WATCH is about. `namespace` is empty for all of them."""

    namespace: str = ""
    label_tests: tuple[Test, ...] = ()
    field_tests: tuple[tuple[str, str, bool], ...] = field(default=())

    def matches(self, raw: Raw) -> bool:
        metadata = raw["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if self.label_tests:
            labels = metadata.get("labels") or {}
            if not all(test(labels) for test in self.label_tests):
                return False
        return all((_field(raw, path) == value) is equal for path, value, equal in self.field_tests)


def select(kind: Kind, namespace: str, label_selector: str = "", field_selector: str = "") -> Selection:
    """Parses both selectors; raises StatusError 400 for one that cannot be read or names an unknown field."""
    return Selection(namespace, parse_labels(label_selector), _parse_fields(kind, field_selector))


def parse_labels(selector: str) -> tuple[Test, ...]:
    """`a=b,c!=d,e in (f,g),h notin (i),j,!k` as one test per term."""
    return tuple(_label_test(term.strip(), selector) for term in _split(selector))


def selector_tests(raw_selector: Raw | None) -> tuple[Test, ...]:
    """The tests of a LabelSelector object (matchLabels, matchExpressions)."""
    selector = raw_selector or {}
    tests = [_equals(key, value) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], frozenset(expression.get("values") or [])
        match expression["operator"]:
            case "In":
                tests.append(_one_of(key, values))
            case "NotIn":
                tests.append(_none_of(key, values))
            case "Exists":
                tests.append(_exists(key))
            case _:
                tests.append(_missing(key))
    return tuple(tests)


def _split(selector: str) -> list[str]:
    """Terms between commas, but not the commas inside parentheses."""
    terms = re.split(r",(?![^(]*\))", selector)
    return [term for term in terms if term.strip()]


def _label_test(term: str, selector: str) -> Test:
    if found := _SET_TERM.match(term):
        key, operator, inside = found.groups()
        values = frozenset(value.strip() for value in inside.split(","))
        return _one_of(key, values) if operator == "in" else _none_of(key, values)
    if found := _EQUAL_TERM.match(term):
        key, operator, value = found.groups()
        return _none_of(key, frozenset((value,))) if operator == "!=" else _equals(key, value)
    if _KEY.match(term):
        key = term.lstrip("! ")
        return _missing(key) if term.startswith("!") else _exists(key)
    raise bad_request(f'unable to parse requirement: found "{term}" in the label selector "{selector}"')


def _equals(key: str, value: str) -> Test:
    return lambda labels: labels.get(key) == value


def _one_of(key: str, values: frozenset[str]) -> Test:
    return lambda labels: labels.get(key) in values


def _none_of(key: str, values: frozenset[str]) -> Test:
    return lambda labels: labels.get(key) not in values


def _exists(key: str) -> Test:
    return lambda labels: key in labels


def _missing(key: str) -> Test:
    return lambda labels: key not in labels


def _parse_fields(kind: Kind, selector: str) -> tuple[tuple[str, str, bool], ...]:
    terms = []
    allowed = ("metadata.name",) + (("metadata.namespace",) if kind.namespaced else ()) + _FIELDS.get(kind.plural, ())
    for term in _split(selector):
        found = _FIELD_TERM.match(term.strip())
        if found is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{term}'")
        path, operator, value = found.groups()
        if path not in allowed:
            if kind.plural in _FIELDS:
                raise bad_request(f"field label not supported: {path}")
            known = '"metadata.name"' + (', "metadata.namespace"' if kind.namespaced else "")
            raise bad_request(f'"{path}" is not a known field selector: only {known}')
        terms.append((path, value, operator != "!="))
    return tuple(terms)


def _field(raw: Raw, path: str) -> str:
    value: object = raw
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if path == "source" and isinstance(value, dict):
        value = value.get("component")
    if value is None:
        return "false" if path in ("spec.unschedulable", "spec.hostNetwork") else ""
    return str(value).lower() if isinstance(value, bool) else str(value)

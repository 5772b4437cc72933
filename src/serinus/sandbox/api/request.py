"""From method, path and query to what is asked: kind, namespace, name, subresource and verb."""

from collections.abc import Mapping
from dataclasses import dataclass

from serinus.sandbox.api.errors import bad_request, method_not_allowed, no_such_path
from serinus.sandbox.api.kinds import NAMESPACE, Kind, kind_at

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get"}


@dataclass(frozen=True, slots=True)
class Target:
    """A resource request. `rest` is what follows a proxy subresource in the path, with its slash."""

    verb: str
    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""


def parse(method: str, path: str, query: Mapping[str, str], custom: tuple[Kind, ...] = ()) -> Target:
    """Raises StatusError 404 for a path that is not served and 405 for a method it does not take."""
    parts = path.strip("/").split("/")
    group, parts = ("", parts[1:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[2:])
    if len(parts) < 2:
        raise no_such_path()
    version, parts = parts[0], parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2 and kind_at(group, version, parts[2], custom) is not None:
        namespace, parts = parts[1], parts[2:]
    kind = kind_at(group, version, parts[0], custom)
    if kind is None or (len(parts) > 3 and parts[2] != "proxy") or (namespace and not kind.namespaced):
        raise no_such_path()
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 else ""
    if subresource and subresource not in kind.subresources:
        raise no_such_path()
    if kind is NAMESPACE:
        namespace = ""
    elif name and kind.namespaced and not namespace:
        raise no_such_path()
    rest = path.split("/proxy", 1)[1] if subresource == "proxy" else ""
    return Target(_verb(method, name, query), kind, namespace, name, subresource, rest)


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    verb = _VERBS.get(method)
    if verb is None:
        raise method_not_allowed()
    if name:
        return "watch" if verb == "get" and is_true(query.get("watch", "")) else verb
    if verb == "get":
        return "watch" if is_true(query.get("watch", "")) else "list"
    if verb == "delete":
        return "deletecollection"
    if verb in ("update", "patch"):
        raise method_not_allowed()
    return verb


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """A number of the query, `default` when it is not there; raises StatusError 400 for anything else."""
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax ({name})')
    return int(text)


def is_true(value: str) -> bool:
    return value.lower() in ("1", "t", "true")

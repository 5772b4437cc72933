"""Who may ask what: callers, and the rules of the Role, ClusterRole and binding objects in the store.

Not here: roles that come with a cluster (view, edit, admin), aggregation, and the check against granting too much.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, NAMESPACE, ROLE, ROLE_BINDING, Kind, Raw
from serinus.sandbox.api.request import Target
from serinus.sandbox.api.store import Store

_MASTERS = "system:masters"
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class User:
    """A caller's name and groups. The group `system:masters` may do everything."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants to do. `resource` has its subresource: `pods/log`."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


def wish_of(target: Target) -> Wish:
    resource = target.kind.plural + (f"/{target.subresource}" if target.subresource else "")
    namespace = target.name if target.kind == NAMESPACE else target.namespace
    return Wish(target.verb, target.kind.group, resource, namespace, target.name)


class Authorizer:
    """Judges wishes by the objects in the store, as they are at that moment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, user: User, target: Target) -> None:
        """Raises StatusError 403."""
        wish = wish_of(target)
        if not self.allows(user, wish):
            raise _forbidden(user, wish, target.kind)

    def allows(self, user: User, wish: Wish) -> bool:
        if _MASTERS in user.groups:
            return True
        return any(_covers(rule, wish) for rule in self.rules(user, wish.namespace))

    def allows_path(self, user: User, verb: str, path: str) -> bool:
        """The same for paths that are no resources."""
        if _MASTERS in user.groups:
            return True
        return any(
            _has(rule.get("verbs"), verb) and any(_path_matches(each, path) for each in rule["nonResourceURLs"])
            for rule in self.rules(user, "")
            if rule.get("nonResourceURLs")
        )

    def rules(self, user: User, namespace: str) -> Iterator[Raw]:
        """Every rule that counts for a user in a namespace; cluster-wide ones when it is empty."""
        if _MASTERS in user.groups:
            yield {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            yield {"verbs": ["*"], "nonResourceURLs": ["*"]}
            return
        for entry in self._store.collection(CLUSTER_ROLE_BINDING).entries.values():
            yield from self._bound(user, entry.raw, "")
        for (where, _), entry in self._store.collection(ROLE_BINDING).entries.items():
            if namespace and where == namespace:
                yield from self._bound(user, entry.raw, namespace)

    def _bound(self, user: User, binding: Raw, namespace: str) -> Iterator[Raw]:
        if not any(_is_subject(user, subject, namespace) for subject in binding.get("subjects") or []):
            return
        reference = binding["roleRef"]
        kind, key = (ROLE, (namespace, reference["name"]))
        if reference["kind"] == "ClusterRole":
            kind, key = CLUSTER_ROLE, ("", reference["name"])
        role = self._store.get(kind, key)
        yield from (role.raw.get("rules") or []) if role else []


def _is_subject(user: User, subject: Raw, namespace: str) -> bool:
    match subject.get("kind"):
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in (*user.groups, "system:authenticated")
        case _:
            where = subject.get("namespace") or namespace
            return user.name == f"{_SERVICE_ACCOUNT}{where}:{subject['name']}"


def _covers(rule: Raw, wish: Wish) -> bool:
    names = rule.get("resourceNames")
    return (
        _has(rule.get("verbs"), wish.verb)
        and _has(rule.get("apiGroups"), wish.group)
        and _has_resource(rule.get("resources") or [], wish.resource)
        and (not names or wish.name in names)
    )


def _has(allowed: list[str] | None, wanted: str) -> bool:
    return wanted in (allowed or ()) or "*" in (allowed or ())


def _has_resource(allowed: list[str], wanted: str) -> bool:
    _, slash, subresource = wanted.partition("/")
    return "*" in allowed or wanted in allowed or (bool(slash) and f"*/{subresource}" in allowed)


def _path_matches(pattern: str, path: str) -> bool:
    return pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def _forbidden(user: User, wish: Wish, kind: Kind) -> StatusError:
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    named = f' "{wish.name}"' if wish.name else ""
    message = (
        f'{kind.resource}{named} is forbidden: User "{user.name}" cannot {wish.verb} resource "{wish.resource}" '
        f'in API group "{wish.group}" {where}'
    )
    details = {"name": wish.name, "group": kind.group, "kind": kind.plural}
    return StatusError(403, "Forbidden", message, {key: value for key, value in details.items() if value})

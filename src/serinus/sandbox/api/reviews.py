"""SelfSubjectAccessReview and SelfSubjectRulesReview: callers ask what they may do. Every caller may ask."""

from serinus.sandbox.api.errors import Cause, invalid
from serinus.sandbox.api.kinds import Kind, Raw
from serinus.sandbox.api.metadata import timestamp
from serinus.sandbox.api.users import Authorizer, User, Wish

_GROUP = "authorization.k8s.io"
ACCESS = Kind(_GROUP, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", False)
RULES = Kind(_GROUP, "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", False)
_BASE = f"/apis/{_GROUP}/v1/"


def review_at(path: str) -> Kind | None:
    """The review that is posted to a path."""
    for kind in (ACCESS, RULES):
        if path == _BASE + kind.plural:
            return kind
    return None


def answer_review(authorizer: Authorizer, user: User, kind: Kind, raw: Raw) -> Raw:
    """The review with its status filled in."""
    status = _access(authorizer, user, raw) if kind == ACCESS else _rules(authorizer, user, raw)
    answer: Raw = {"kind": kind.name, "apiVersion": kind.api_version}
    metadata = {"creationTimestamp": timestamp()}
    return answer | {"metadata": metadata, "spec": raw.get("spec") or {}, "status": status}


def _access(authorizer: Authorizer, user: User, raw: Raw) -> Raw:
    spec = raw.get("spec") or {}
    resource: Raw | None = spec.get("resourceAttributes")
    path: Raw | None = spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        given = "exactly one of resourceAttributes or nonResourceAttributes must be specified"
        raise invalid(ACCESS, "", [Cause("spec.resourceAttributes", f"Invalid value: null: {given}")])
    if resource is None:
        path = path or {}
        return {"allowed": authorizer.allows_path(user, path.get("verb", ""), path.get("path", ""))}
    name = resource.get("resource", "")
    if resource.get("subresource"):
        name += f"/{resource['subresource']}"
    wish = Wish(
        resource.get("verb", ""),
        resource.get("group", ""),
        name,
        resource.get("namespace", ""),
        resource.get("name", ""),
    )
    return {"allowed": authorizer.allows(user, wish)}


def _rules(authorizer: Authorizer, user: User, raw: Raw) -> Raw:
    rules = list(authorizer.rules(user, (raw.get("spec") or {}).get("namespace", "")))
    return {
        "resourceRules": [rule for rule in rules if not rule.get("nonResourceURLs")],
        "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": False,
    }

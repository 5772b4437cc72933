"""What is served: /api, /apis, resource lists in both forms, OpenAPI, the version."""

from aiohttp import web

from serinus.sandbox.api.kinds import KINDS, Kind, Raw
from serinus.sandbox.api.openapi import openapi_documents
from serinus.sandbox.api.reviews import ACCESS, RULES

GIT_VERSION = "v1.37.1"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_VERBS = {
    "status": ["get", "patch", "update"],
    "scale": ["get", "patch", "update"],
    "log": ["get"],
    "binding": ["create"],
    "eviction": ["create"],
    "proxy": ["create", "delete", "get", "patch", "update"],
}
_SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
}


class Discovery:
    """Answers discovery paths; every document is made once. `custom`: kinds beside those of the table."""

    def __init__(self, custom: tuple[Kind, ...] = ()) -> None:
        kinds = (*KINDS, ACCESS, RULES, *custom)
        major, minor = GIT_VERSION.lstrip("v").split(".")[:2]
        self.version: Raw = {"major": major, "minor": minor, "gitVersion": GIT_VERSION, "platform": "linux/amd64"}
        groups = sorted({kind.group for kind in kinds if kind.group})
        self._documents: dict[str, Raw] = {
            "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, kinds) for name in groups]},
            "/api/v1": _resource_list("", kinds),
        }
        for name in groups:
            self._documents[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, kinds)
            self._documents[f"/apis/{name}/{_group_version(name, kinds)}"] = _resource_list(name, kinds)
        self._documents |= openapi_documents()
        self._aggregated = {"/api": _aggregated([""], kinds), "/apis": _aggregated(groups, kinds)}

    def answer(self, path: str, accept: str) -> web.Response | None:
        """None for a path that is no discovery path."""
        path = path.rstrip("/")
        if path in self._aggregated and "as=APIGroupDiscoveryList" in accept and "v=v2" in accept:
            response = web.json_response(self._aggregated[path])
            response.headers["Content-Type"] = _AGGREGATED
            return response
        document = self._documents.get(path)
        return None if document is None else web.json_response(document)


Kinds = tuple[Kind, ...]


def _kinds_of(group: str, kinds: Kinds) -> list[Kind]:
    return [kind for kind in kinds if kind.group == group]


def _group_version(group: str, kinds: Kinds) -> str:
    return _kinds_of(group, kinds)[0].version


def _group(name: str, kinds: Kinds) -> Raw:
    number = _group_version(name, kinds)
    version = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _verbs(kind: Kind) -> list[str]:
    return ["create"] if kind in (ACCESS, RULES) else _VERBS


def _resource_list(group: str, kinds: Kinds) -> Raw:
    resources: list[Raw] = []
    for kind in _kinds_of(group, kinds):
        resource: Raw = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.name,
            "verbs": _verbs(kind),
        }
        if kind.short_names:
            resource["shortNames"] = list(kind.short_names)
        if kind.categories:
            resource["categories"] = list(kind.categories)
        resources.append(resource)
        resources += [_subresource(kind, name) for name in kind.subresources]
    group_version = _kinds_of(group, kinds)[0].api_version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _subresource(kind: Kind, name: str) -> Raw:
    plain_name = {"proxy": f"{kind.name}ProxyOptions", "binding": "Binding"}.get(name, kind.name)
    group, version, kind_name = _SUBRESOURCE_KINDS.get(name, ("", "", plain_name))
    resource: Raw = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind_name,
        "verbs": _SUBRESOURCE_VERBS[name],
    }
    return resource | ({"group": group, "version": version} if name in _SUBRESOURCE_KINDS else {})


def _aggregated(groups: list[str], kinds: Kinds) -> Raw:
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_aggregated_group(name, kinds) for name in groups],
    }


def _aggregated_group(group: str, kinds: Kinds) -> Raw:
    resources = [_aggregated_resource(kind) for kind in _kinds_of(group, kinds)]
    version = {"version": _group_version(group, kinds), "resources": resources, "freshness": "Current"}
    return {"metadata": {"name": group} if group else {}, "versions": [version]}


def _aggregated_resource(kind: Kind) -> Raw:
    def response_kind(of: tuple[str, str, str]) -> Raw:
        return {"group": of[0], "version": of[1], "kind": of[2]}

    own = (kind.group, kind.version, kind.name)
    resource: Raw = {
        "resource": kind.plural,
        "responseKind": response_kind(own),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind),
    }
    if kind.short_names:
        resource["shortNames"] = list(kind.short_names)
    if kind.categories:
        resource["categories"] = list(kind.categories)
    if kind.subresources:
        resource["subresources"] = [
            {
                "subresource": name,
                "responseKind": response_kind(_SUBRESOURCE_KINDS.get(name, own)),
                "verbs": _SUBRESOURCE_VERBS[name],
            }
            for name in kind.subresources
        ]
    return resource

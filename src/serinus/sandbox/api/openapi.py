"""OpenAPI v3 as far as kubectl apply needs it: which kinds can be patched, and that patches take `fieldValidation`.

The schemas of the kinds are left out on purpose: kubectl then merges lists by the keys compiled into it, rightly.
"""

from serinus.sandbox.api.kinds import KINDS, Kind, Raw

ROOT = "/openapi/v3"


def openapi_documents() -> dict[str, Raw]:
    """Path to document: the index, and one document for each group and version."""
    bases = {_base(kind): [other for other in KINDS if _base(other) == _base(kind)] for kind in KINDS}
    index = {base: {"serverRelativeURL": f"{ROOT}/{base}?hash=0"} for base in bases}
    documents: dict[str, Raw] = {ROOT: {"paths": index}}
    for base, kinds in bases.items():
        documents[f"{ROOT}/{base}"] = {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "unversioned"},
            "paths": {_path(base, kind): _operations(kind) for kind in kinds},
            "components": {"schemas": {}},
        }
    return documents


def _base(kind: Kind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _path(base: str, kind: Kind) -> str:
    scope = "namespaces/{namespace}/" if kind.namespaced else ""
    return f"/{base}/{scope}{kind.plural}/{{name}}"


def _operations(kind: Kind) -> Raw:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    return {
        "patch": {
            "operationId": f"patch{kind.name}",
            "parameters": parameters,
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.name},
        }
    }

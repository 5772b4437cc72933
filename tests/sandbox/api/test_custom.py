"""CustomResourceDefinitions: what they define is discovered and served until they go, with all objects of the kind."""

import pytest

from serinus.sandbox.rest import Api, ApiError, Raw

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
QUEUES = "/apis/shop.example/v1/namespaces/default/queues"


def definition() -> Raw:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "queues", "singular": "queue", "kind": "Queue", "listKind": "QueueList"}
    spec = {"group": "shop.example", "scope": "Namespaced", "names": names, "versions": [version]}
    metadata = {"name": "queues.shop.example"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": spec,
    }


async def groups(api: Api) -> set[str]:
    return {group["name"] for group in (await api.call("GET", "/apis"))["groups"]}


async def test_what_a_definition_defines_is_served_and_goes_with_it(api: Api) -> None:
    with pytest.raises(ApiError):
        await api.call("GET", QUEUES)
    await api.call("POST", DEFINITIONS, definition())
    assert "shop.example" in await groups(api)
    listing = await api.call("GET", "/apis/shop.example/v1")
    assert [resource["kind"] for resource in listing["resources"]] == ["Queue"]
    one = {"apiVersion": "shop.example/v1", "kind": "Queue", "metadata": {"name": "one"}, "spec": {"length": 3}}
    await api.call("POST", QUEUES, one)
    path = f"{QUEUES}/one"
    changed = await api.call("PATCH", path, {"spec": {"length": 4}}, "application/merge-patch+json")
    assert (changed["spec"], changed["metadata"]["generation"]) == ({"length": 4}, 2)
    found = await api.call("GET", QUEUES, fieldSelector="metadata.name=one")
    assert [raw["spec"]["length"] for raw in found["items"]] == [4]
    await api.call("DELETE", f"{DEFINITIONS}/queues.shop.example")
    assert "shop.example" not in await groups(api)
    await api.call("POST", DEFINITIONS, definition())
    assert (await api.call("GET", QUEUES))["items"] == []

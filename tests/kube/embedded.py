"""The embedded API with a namespace and a client; its objects are written by the test, as no controller runs."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from serinus.kube.client import Client
from serinus.kube.config import User
from serinus.kube.resources import DEPLOYMENTS, NAMESPACES, REPLICASETS, SERVICES
from serinus.sandbox.api import User as ApiUser
from serinus.sandbox.api import serve
from tests.fakes.clock import FakeClock
from tests.kube.support import client_for

ADMIN = "secret"
RUNNER = "of the runner"
"""A token whose user may do what the test's Roles grant."""


@contextlib.asynccontextmanager
async def embedded(clock: FakeClock | None = None) -> AsyncIterator[tuple[Client, str]]:
    """An administrator's client, and the server's address."""
    tokens = {ADMIN: ApiUser("admin", ("system:masters",)), RUNNER: ApiUser("runner")}
    async with serve(tokens=tokens) as server, client_for(server.url, clock, User(token=ADMIN)) as client:
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield client, server.url


def service(**labels: str) -> dict[str, Any]:
    spec = {"selector": {"app": "checkout"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    metadata = {"name": "checkout", "namespace": "shop", "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def deployment(name: str = "checkout-v1", labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "app", "image": "shop/checkout:v1", "ports": [{"containerPort": 8080}]}
    template = {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [container]}}
    whole = {"replicas": 4, "selector": {"matchLabels": {"app": "checkout"}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": dict(labels or {})},
        "spec": whole | spec,
    }


async def furnish(client: Client, raw_deployment: dict[str, Any], **labels: str) -> dict[str, Any]:
    """The Service and its Deployment; the Deployment as it was stored."""
    await client.create(SERVICES, service(**labels), "shop")
    return await client.create(DEPLOYMENTS, raw_deployment, "shop")


async def replicaset(client: Client, raw: dict[str, Any], name: str, **labels: str) -> dict[str, Any]:
    """A ReplicaSet such as the Deployment controller would make of this Deployment's template."""
    template = raw["spec"]["template"]
    all_labels = template["metadata"]["labels"] | {"pod-template-hash": name.rpartition("-")[2]} | labels
    metadata = {"name": name, "namespace": "shop", "labels": all_labels}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": raw["metadata"]["name"], "controller": True}
    metadata["ownerReferences"] = [owner | {"uid": raw["metadata"]["uid"]}]
    body = {"metadata": {"labels": all_labels}, "spec": template["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": all_labels}, "template": body}
    return await client.create(
        REPLICASETS, {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}, "shop"
    )

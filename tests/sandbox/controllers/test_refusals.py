"""What the controllers do when the API refuses them: here by RBAC, which embedded and real API know alike."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest_asyncio

from serinus.sandbox import api as embedded
from serinus.sandbox.controllers import run_controllers
from serinus.sandbox.rest import Api, Raw, Server
from tests.sandbox.controllers.cluster import NODE, Cluster, condition, deployment, marked

RIGHTS = "/apis/rbac.authorization.k8s.io/v1"


def role(*may_create: str) -> Raw:
    everything = {
        "apiGroups": ["*"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch", "update", "patch", "delete"],
    }
    creations = {"apiGroups": ["*"], "resources": list(may_create), "verbs": ["create"]}
    return {"metadata": {"name": "controllers"}, "rules": [everything, creations]}


@pytest_asyncio.fixture
async def weak_cluster() -> AsyncIterator[Cluster]:
    """The embedded cluster, its controllers without the right to create pods."""
    users = {"strong": embedded.User("admin", ("system:masters",)), "weak": embedded.User("controllers", ())}
    async with (
        embedded.serve(tokens=users) as running,
        Api(Server(running.url, "strong")) as strong,
        Api(Server(running.url, "weak")) as weak,
    ):
        await strong.call("POST", f"{RIGHTS}/clusterroles", role("events", "replicasets"))
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "controllers"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "controllers"}
        binding = {"metadata": {"name": "controllers"}, "roleRef": reference, "subjects": [subject]}
        await strong.call("POST", f"{RIGHTS}/clusterrolebindings", binding)
        await strong.call("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        task = asyncio.create_task(run_controllers(weak))
        try:
            async with marked(strong, "weak") as cluster:
                yield cluster
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_refused_pods_are_said_everywhere_and_made_once_they_may_be(weak_cluster: Cluster) -> None:
    await weak_cluster.create("deployments", deployment("shop", 2))

    async def failed() -> Raw | None:
        return condition(await weak_cluster.get("deployments", "shop"), "ReplicaFailure")

    failure = await weak_cluster.until("ReplicaFailure", failed)
    assert failure["reason"] == "FailedCreate"
    assert "forbidden" in failure["message"]

    async def repeated() -> bool:
        events = await weak_cluster.listed("events", group="v1")
        told = [event for event in events if event["reason"] == "FailedCreate"]
        return len(told) == 1 and told[0]["count"] > 2

    await weak_cluster.until("one event, counted", repeated)
    await weak_cluster.api.call("PUT", f"{RIGHTS}/clusterroles/controllers", role("events", "replicasets", "pods"))
    done = await weak_cluster.rolled_out("shop", 2)
    assert condition(done, "ReplicaFailure") == {}

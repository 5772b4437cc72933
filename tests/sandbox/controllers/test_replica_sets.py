"""ReplicaSets over HTTP: whom they take, whom they let go, which pods they remove first, what stops them."""

from serinus.sandbox.rest import Raw
from tests.sandbox.controllers.cluster import Cluster, names

LABELS = {"app": "job"}
POD: Raw = {"containers": [{"name": "app", "image": "v1"}]}


def replica_set(replicas: int) -> Raw:
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "job"}, "spec": spec}


async def has_ready(cluster: Cluster, wanted: int) -> None:
    async def ready() -> bool:
        status: Raw = (await cluster.get("replicasets", "job")).get("status", {})
        counters = (status.get("replicas", 0), status.get("readyReplicas", 0), status.get("terminatingReplicas", 0))
        return counters == (wanted, wanted, 0)

    await cluster.until(f"{wanted} ready", ready)


async def test_it_adopts_an_orphan_and_makes_only_the_rest(cluster: Cluster) -> None:
    await cluster.create("pods", {"metadata": {"name": "lonely", "labels": LABELS}, "spec": POD}, group="v1")
    await cluster.create("replicasets", replica_set(3))
    await has_ready(cluster, 3)
    assert "lonely" in names(await cluster.pods())
    assert len(await cluster.pods()) == 3


async def test_it_releases_a_pod_whose_label_was_taken_and_makes_another(cluster: Cluster) -> None:
    await cluster.create("replicasets", replica_set(2))
    await has_ready(cluster, 2)
    chosen = min(names(await cluster.pods()))
    await cluster.patch("pods", chosen, {"metadata": {"labels": {"app": "looked-at"}}}, group="v1")

    async def replaced() -> bool:
        return len(await cluster.pods("app=job")) == 2 and len(await cluster.pods()) == 3

    await cluster.until("replaced", replaced)

    async def free() -> bool:
        return not (await cluster.get("pods", chosen, group="v1"))["metadata"].get("ownerReferences")

    await cluster.until("released", free)


async def test_it_removes_pods_that_are_not_ready_first(cluster: Cluster) -> None:
    await cluster.create("replicasets", replica_set(4))
    await has_ready(cluster, 4)
    ill = sorted(names(await cluster.pods()))[1:3]
    cluster.marker.is_ready = lambda pod: pod["metadata"]["name"] not in ill
    cluster.marker.look_again()

    async def half() -> bool:
        return bool((await cluster.get("replicasets", "job"))["status"].get("readyReplicas") == 2)

    await cluster.until("two not ready", half)
    await cluster.patch("replicasets", "job", {"spec": {"replicas": 2}})
    await has_ready(cluster, 2)
    assert names(await cluster.pods()).isdisjoint(ill)


async def test_it_removes_the_pod_with_the_lowest_deletion_cost(cluster: Cluster) -> None:
    await cluster.create("replicasets", replica_set(3))
    await has_ready(cluster, 3)
    cheap = max(names(await cluster.pods()))
    cost = {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"}}}
    await cluster.patch("pods", cheap, cost, group="v1")
    await cluster.patch("replicasets", "job", {"spec": {"replicas": 2}})
    await has_ready(cluster, 2)
    assert cheap not in names(await cluster.pods())


async def test_a_pod_that_was_deleted_or_failed_is_replaced(cluster: Cluster) -> None:
    await cluster.create("replicasets", replica_set(2))
    await has_ready(cluster, 2)
    gone, failed = sorted(names(await cluster.pods()))
    await cluster.delete("pods", gone, "Background", group="v1")
    path = cluster.path("pods", f"{failed}/status", group="v1")
    body = {"status": {"phase": "Failed"}}
    await cluster.api.call("PATCH", path, body, "application/merge-patch+json")

    async def replaced() -> bool:
        return len(names(await cluster.pods()) - {gone, failed}) == 2

    await cluster.until("two fresh pods", replaced)
    await has_ready(cluster, 2)

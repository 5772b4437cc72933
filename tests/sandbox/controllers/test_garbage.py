"""Deletion over HTTP: background, foreground, orphan, and owners that never were."""

import pytest

from serinus.sandbox.rest import ApiError, Raw
from tests.sandbox.controllers.cluster import Cluster, deployment, names


async def empty(cluster: Cluster) -> None:
    async def nothing() -> bool:
        return not (await cluster.listed("deployments") + await cluster.replica_sets() + await cluster.pods())

    await cluster.until("nothing is left", nothing)


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_a_deleted_deployment_takes_replica_sets_and_pods_along(cluster: Cluster, policy: str) -> None:
    await cluster.create("deployments", deployment("shop", 3))
    await cluster.rolled_out("shop", 3)
    await cluster.delete("deployments", "shop", policy)
    await empty(cluster)


async def test_in_the_foreground_the_owner_stays_until_its_dependents_are_gone(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    cluster.marker.finishes = False
    await cluster.delete("deployments", "shop", "Foreground")

    async def pods_leave() -> bool:
        return all(pod["metadata"].get("deletionTimestamp") for pod in await cluster.pods())

    await cluster.until("pods leave", pods_leave)
    assert "foregroundDeletion" in (await cluster.get("deployments", "shop"))["metadata"]["finalizers"]
    (replica_set,) = await cluster.replica_sets()
    assert "foregroundDeletion" in replica_set["metadata"]["finalizers"]
    cluster.marker.finishes = True
    cluster.marker.look_again()
    await empty(cluster)


async def test_in_the_background_the_owner_goes_at_once(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    cluster.marker.finishes = False
    await cluster.delete("deployments", "shop", "Background")

    async def only_pods() -> bool:
        return not await cluster.listed("deployments") and not await cluster.replica_sets()

    await cluster.until("only pods are left", only_pods)
    assert len(await cluster.pods()) == 2
    cluster.marker.finishes = True
    cluster.marker.look_again()
    await empty(cluster)


async def test_orphaned_dependents_stay_and_have_no_owner(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    before = names(await cluster.pods())
    await cluster.delete("deployments", "shop", "Orphan")

    async def alone() -> Raw | None:
        if await cluster.listed("deployments"):
            return None
        (replica_set,) = await cluster.replica_sets()
        return None if replica_set["metadata"].get("ownerReferences") else replica_set

    replica_set = await cluster.until("orphaned", alone)
    assert replica_set["spec"]["replicas"] == 2
    assert names(await cluster.pods()) == before


async def test_an_orphaned_replica_set_keeps_its_pods_when_it_is_orphaning_too(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    await cluster.delete("deployments", "shop", "Orphan")

    async def free() -> Raw | None:
        found = await cluster.replica_sets()
        return found[0] if found and not found[0]["metadata"].get("ownerReferences") else None

    replica_set = await cluster.until("orphaned", free)
    await cluster.delete("replicasets", replica_set["metadata"]["name"], "Orphan")

    async def pods_free() -> bool:
        return not await cluster.replica_sets() and not any(
            pod["metadata"].get("ownerReferences") for pod in await cluster.pods()
        )

    await cluster.until("pods are free", pods_free)
    assert len(await cluster.pods()) == 2


def owned_map(name: str, *owners: Raw) -> Raw:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        for owner in owners
    ]
    return {"metadata": {"name": name, "ownerReferences": references}, "data": {}}


async def test_an_object_whose_owner_never_was_is_collected(cluster: Cluster) -> None:
    ghost = {"metadata": {"name": "ghost", "uid": "11111111-2222-3333-4444-555555555555"}}
    await cluster.create("configmaps", owned_map("child", ghost), group="v1")

    async def gone() -> bool:
        return "child" not in names(await cluster.listed("configmaps", group="v1"))

    await cluster.until("collected", gone)


async def test_an_owner_of_the_same_name_with_another_uid_does_not_count(cluster: Cluster) -> None:
    real = await cluster.create("configmaps", {"metadata": {"name": "parent"}}, group="v1")
    real["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555"
    await cluster.create("configmaps", owned_map("child", real), group="v1")

    async def gone() -> bool:
        return "child" not in names(await cluster.listed("configmaps", group="v1"))

    await cluster.until("collected", gone)
    assert "parent" in names(await cluster.listed("configmaps", group="v1"))


async def test_an_object_with_one_living_owner_stays_and_forgets_the_dead_one(cluster: Cluster) -> None:
    first = await cluster.create("configmaps", {"metadata": {"name": "first"}}, group="v1")
    second = await cluster.create("configmaps", {"metadata": {"name": "second"}}, group="v1")
    await cluster.create("configmaps", owned_map("child", first, second), group="v1")
    await cluster.delete("configmaps", "first", "Background", group="v1")

    async def owners() -> bool:
        child = await cluster.get("configmaps", "child", group="v1")
        return [owner["name"] for owner in child["metadata"]["ownerReferences"]] == ["second"]

    await cluster.until("one owner", owners)
    await cluster.delete("configmaps", "second", "Background", group="v1")

    async def gone() -> bool:
        try:
            await cluster.get("configmaps", "child", group="v1")
        except ApiError as error:
            return error.status == 404
        return False

    await cluster.until("collected", gone)

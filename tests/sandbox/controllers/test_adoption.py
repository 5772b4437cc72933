"""Promotion by adoption, as field/promotion.md measured it on a real controller-manager, with its traps."""

import pytest

from serinus.sandbox.rest import Raw
from tests.sandbox.controllers.cluster import Cluster, deployment, image_of, image_patch, is_ready, names

RELEASE = {"app": "shop", "release": "r2"}


async def stable_and_canary(cluster: Cluster, stable: int, canary: int) -> set[str]:
    """Both Deployments complete; the names of the canary's pods. Counting starts here."""
    await cluster.create("deployments", deployment("shop", stable))
    await cluster.create("deployments", deployment("shop-r2", canary, "v2", RELEASE))
    await cluster.rolled_out("shop", stable)
    await cluster.rolled_out("shop-r2", canary)
    pods = names(await cluster.pods("release=r2"))

    async def mirrored() -> bool:
        return sum(is_ready(pod) for pod in cluster.marker.pods.objects.values()) == stable + canary

    await cluster.until("the marker sees all", mirrored)
    cluster.marker.measure()
    return pods


async def canary_template(cluster: Cluster) -> Raw:
    canary = await cluster.get("deployments", "shop-r2")
    template: Raw = canary["spec"]["template"]
    return template


def strategy(surge: int | str) -> Raw:
    return {"rollingUpdate": {"maxSurge": surge}}


async def pause_with_template(cluster: Cluster, surge: int) -> None:
    template = await canary_template(cluster)
    await cluster.patch(
        "deployments", "shop", {"spec": {"paused": True, "template": template, "strategy": strategy(surge)}}
    )
    await cluster.seen("shop")


async def orphan_canary(cluster: Cluster) -> None:
    """Delete the canary Deployment and leave its ReplicaSet; wait until stable has taken that."""
    uid = (await cluster.get("deployments", "shop"))["metadata"]["uid"]
    await cluster.delete("deployments", "shop-r2", "Orphan")

    async def adopted() -> bool:
        owners = [
            [owner["uid"] for owner in item["metadata"].get("ownerReferences", [])]
            for item in await cluster.replica_sets()
            if image_of(item) == "v2"
        ]
        return owners == [[uid]]

    await cluster.until("adopted", adopted)
    await cluster.seen("shop")


@pytest.mark.parametrize(("wanted", "left"), [(4, 4), (1, 1), (10, 1), (10, 4)])
async def test_promotion_in_two_patches_keeps_every_canary_pod_and_makes_none(
    cluster: Cluster, wanted: int, left: int
) -> None:
    canary_pods = await stable_and_canary(cluster, left, wanted)
    await pause_with_template(cluster, surge=wanted)
    await orphan_canary(cluster)
    await cluster.patch("deployments", "shop", {"spec": {"replicas": wanted, "strategy": strategy(left)}})
    await cluster.seen("shop")
    await cluster.patch("deployments", "shop", {"spec": {"paused": False, "strategy": strategy("25%")}})
    await cluster.rolled_out("shop", wanted)
    await cluster.settled_sizes({"v1": 0, "v2": wanted})
    assert names(await cluster.pods()) == canary_pods
    assert cluster.marker.created == []
    assert cluster.marker.ready_least == wanted
    revisions = {
        image_of(item): item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        for item in await cluster.replica_sets()
    }
    assert revisions == {"v1": "1", "v2": "2"}


async def test_a_saturated_adopted_replica_set_ends_the_switch_while_still_paused(cluster: Cluster) -> None:
    canary_pods = await stable_and_canary(cluster, 4, 4)
    await pause_with_template(cluster, surge=4)
    await orphan_canary(cluster)
    await cluster.settled_sizes({"v1": 0, "v2": 4})
    assert (await cluster.get("deployments", "shop"))["spec"]["paused"] is True
    assert names(await cluster.pods()) == canary_pods


async def test_all_in_one_patch_asks_for_two_pods_too_many(cluster: Cluster) -> None:
    await stable_and_canary(cluster, 1, 10)
    await pause_with_template(cluster, surge=10)
    await orphan_canary(cluster)
    body = {"replicas": 10, "paused": False, "strategy": strategy("25%")}
    await cluster.patch("deployments", "shop", {"spec": body})
    await cluster.rolled_out("shop", 10)
    await cluster.settled_sizes({"v1": 0, "v2": 10})

    # Whether the two are made before they are taken back is a race of the controllers: their order is told in any case.
    async def told() -> bool:
        events = await cluster.listed("events", group="v1")
        return any(event["message"].endswith(" from 10 to 12") for event in events)

    await cluster.until("scaled to 12", told)


async def test_orphaning_before_stable_has_the_template_loses_the_canary_pods(cluster: Cluster) -> None:
    canary_pods = await stable_and_canary(cluster, 4, 4)
    await cluster.patch("deployments", "shop", {"spec": {"paused": True, "strategy": strategy(4)}})
    await cluster.seen("shop")
    await orphan_canary(cluster)
    await cluster.settled_sizes({"v1": 4, "v2": 0})
    assert canary_pods.isdisjoint(names(await cluster.pods()))


async def test_without_a_stable_pod_left_the_adopted_replica_set_is_scaled_to_nothing(cluster: Cluster) -> None:
    await stable_and_canary(cluster, 0, 4)
    await pause_with_template(cluster, surge=4)
    await orphan_canary(cluster)
    await cluster.settled_sizes({"v1": 0, "v2": 0})


async def test_too_small_a_surge_removes_pods_at_adoption(cluster: Cluster) -> None:
    await stable_and_canary(cluster, 2, 10)
    await pause_with_template(cluster, surge=1)
    await orphan_canary(cluster)

    async def shrunk() -> bool:
        return sum(size for size, _ in (await cluster.sizes()).values()) == 3

    await cluster.until("three pods in all", shrunk)
    await cluster.settled_sizes({"v1": 2, "v2": 1})


async def test_a_changed_template_without_a_pause_makes_a_second_replica_set(cluster: Cluster) -> None:
    await stable_and_canary(cluster, 2, 2)
    await cluster.patch("deployments", "shop", {"spec": {"template": await canary_template(cluster)}})
    await cluster.rolled_out("shop", 2)
    assert sorted(image_of(item) for item in await cluster.replica_sets()) == ["v1", "v2", "v2"]


async def test_a_label_on_one_template_only_makes_a_second_replica_set_follow(cluster: Cluster) -> None:
    canary_pods = await stable_and_canary(cluster, 4, 4)
    await pause_with_template(cluster, surge=4)
    extra = {"metadata": {"labels": {"extra": "one"}}}
    await cluster.patch("deployments", "shop", {"spec": {"template": extra}})
    await cluster.seen("shop")
    await orphan_canary(cluster)
    await cluster.patch("deployments", "shop", {"spec": {"paused": False}})
    await cluster.rolled_out("shop", 4)
    assert sorted(image_of(item) for item in await cluster.replica_sets()) == ["v1", "v2", "v2"]
    assert canary_pods.isdisjoint(names(await cluster.pods()))


async def test_a_replica_set_that_leaves_the_selector_is_released_and_replaced(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    (first,) = names(await cluster.replica_sets())
    await cluster.patch("replicasets", first, {"metadata": {"labels": {"app": "other"}}})

    async def released() -> bool:
        return not (await cluster.get("replicasets", first))["metadata"].get("ownerReferences")

    await cluster.until("released", released)


async def test_a_foreign_replica_set_is_not_adopted(cluster: Cluster) -> None:
    await stable_and_canary(cluster, 1, 1)
    uids = {item["metadata"]["ownerReferences"][0]["uid"] for item in await cluster.replica_sets()}
    assert len(uids) == 2
    await cluster.patch("deployments", "shop", image_patch("v3"))
    await cluster.rolled_out("shop", 1)
    assert (await cluster.sizes())["v2"] == (1, 1)

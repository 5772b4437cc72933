"""Deployments over HTTP: made, scaled, updated, paused."""

import pytest

from serinus.sandbox.rest import Raw
from tests.sandbox.controllers.cluster import Cluster, condition, deployment, image_of, image_patch, names

ANNOTATION = "deployment.kubernetes.io/"


async def test_a_deployment_gets_its_pods(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 4))
    done = await cluster.rolled_out("shop", 4)
    assert condition(done, "Available")["reason"] == "MinimumReplicasAvailable"
    assert condition(done, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert done["metadata"]["annotations"][f"{ANNOTATION}revision"] == "1"
    (replica_set,) = await cluster.replica_sets()
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"shop-{digest}"
    assert replica_set["spec"]["selector"]["matchLabels"] == {"app": "shop", "pod-template-hash": digest}
    assert replica_set["metadata"]["annotations"] == {
        f"{ANNOTATION}revision": "1",
        f"{ANNOTATION}desired-replicas": "4",
        f"{ANNOTATION}max-replicas": "5",
    }
    for pod in await cluster.pods():
        assert pod["metadata"]["labels"] == {"app": "shop", "pod-template-hash": digest}
        assert pod["metadata"]["generateName"] == f"shop-{digest}-"
        assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]


@pytest.mark.parametrize("size", [6, 2, 0])
async def test_a_deployment_is_scaled(cluster: Cluster, size: int) -> None:
    await cluster.create("deployments", deployment("shop", 4))
    await cluster.rolled_out("shop", 4)
    await cluster.patch("deployments", "shop", {"spec": {"replicas": size}})
    await cluster.rolled_out("shop", size)
    assert len(await cluster.pods()) == size
    (replica_set,) = await cluster.replica_sets()
    assert replica_set["metadata"]["annotations"][f"{ANNOTATION}desired-replicas"] == str(size)


async def test_a_rolling_update_keeps_within_surge_and_availability(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 4))
    await cluster.rolled_out("shop", 4)
    cluster.marker.measure()
    await cluster.patch("deployments", "shop", image_patch("v2"))
    done = await cluster.rolled_out("shop", 4)
    assert cluster.marker.ready_least is not None
    assert cluster.marker.ready_least >= 3
    assert cluster.marker.pods_most <= 5
    assert len(cluster.marker.created) == 4
    assert done["metadata"]["annotations"][f"{ANNOTATION}revision"] == "2"
    await cluster.settled_sizes({"v1": 0, "v2": 4})


async def test_an_update_that_never_gets_ready_stops_early(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 4))
    await cluster.rolled_out("shop", 4)
    cluster.marker.is_ready = lambda pod: pod["spec"]["containers"][0]["image"] != "v2"
    await cluster.patch("deployments", "shop", image_patch("v2"))
    await cluster.settled_sizes({"v1": 3, "v2": 2})

    async def counted() -> Raw | None:
        deployment = await cluster.get("deployments", "shop")
        return deployment if deployment["status"].get("unavailableReplicas") == 2 else None

    stuck = await cluster.until("two unavailable", counted)
    assert condition(stuck, "Available")["status"] == "True"
    assert condition(stuck, "Progressing")["reason"] == "ReplicaSetUpdated"


async def test_a_missed_deadline_is_said(cluster: Cluster) -> None:
    cluster.marker.is_ready = lambda _pod: False
    await cluster.create("deployments", deployment("shop", 2, progressDeadlineSeconds=1))

    async def late() -> bool:
        return condition(await cluster.get("deployments", "shop"), "Progressing").get("status") == "False"

    await cluster.until("deadline exceeded", late)
    stuck = await cluster.get("deployments", "shop")
    assert condition(stuck, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert condition(stuck, "Available")["reason"] == "MinimumReplicasUnavailable"


async def test_recreate_removes_all_old_pods_before_the_first_new_one(cluster: Cluster) -> None:
    body = deployment("shop", 3, strategy={"type": "Recreate"})
    await cluster.create("deployments", body)
    await cluster.rolled_out("shop", 3)
    cluster.marker.measure()
    cluster.marker.finishes = False
    await cluster.patch("deployments", "shop", image_patch("v2"))

    async def all_leaving() -> bool:
        return all(pod["metadata"].get("deletionTimestamp") for pod in await cluster.pods())

    await cluster.until("old pods leave", all_leaving)
    await cluster.seen("shop")
    assert {image_of(item) for item in await cluster.replica_sets()} == {"v1"}
    cluster.marker.finishes = True
    cluster.marker.look_again()
    await cluster.rolled_out("shop", 3)
    assert cluster.marker.pods_most == 3


async def test_pods_count_as_available_only_after_their_waiting_time(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2, minReadySeconds=2))

    async def all_ready() -> dict[str, int] | None:
        status: dict[str, int] = (await cluster.get("deployments", "shop")).get("status", {})
        return status if status.get("readyReplicas") == 2 else None

    status = await cluster.until("ready", all_ready)
    assert status.get("availableReplicas", 0) == 0
    await cluster.rolled_out("shop", 2)


async def test_a_paused_deployment_still_scales(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    await cluster.patch("deployments", "shop", {"spec": {"paused": True, "replicas": 5}})
    await cluster.rolled_out("shop", 5)
    paused = await cluster.get("deployments", "shop")
    assert condition(paused, "Progressing")["reason"] == "DeploymentPaused"
    assert condition(paused, "Progressing")["status"] == "Unknown"


async def test_a_paused_deployment_does_not_roll_out_and_a_resumed_one_does(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2, paused=True))
    await cluster.seen("shop")
    assert await cluster.replica_sets() == []
    await cluster.patch("deployments", "shop", {"spec": {"paused": False}})
    await cluster.rolled_out("shop", 2)
    await cluster.patch("deployments", "shop", {"spec": {"paused": True}})
    await cluster.patch("deployments", "shop", image_patch("v2"))
    await cluster.seen("shop")
    assert await cluster.sizes() == {"v1": (2, 2)}


@pytest.mark.parametrize(
    ("paused", "size", "expected"),
    [
        (True, 20, {"v1": 15, "v2": 10}),
        (True, 5, {"v1": 4, "v2": 3}),
        (False, 20, {"v1": 15, "v2": 10}),
        (True, 0, {"v1": 0, "v2": 0}),
    ],
)
async def test_a_half_done_rollout_is_scaled_in_proportion(
    cluster: Cluster, paused: bool, size: int, expected: dict[str, int]
) -> None:
    await cluster.create("deployments", deployment("shop", 10))
    await cluster.rolled_out("shop", 10)
    cluster.marker.is_ready = lambda pod: pod["spec"]["containers"][0]["image"] != "v2"
    await cluster.patch("deployments", "shop", image_patch("v2"))
    await cluster.settled_sizes({"v1": 8, "v2": 5})
    await cluster.patch("deployments", "shop", {"spec": {"paused": paused, "replicas": size}})
    await cluster.settled_sizes(expected)
    for replica_set in await cluster.replica_sets():
        assert replica_set["metadata"]["annotations"][f"{ANNOTATION}desired-replicas"] == str(size)


async def test_old_revisions_beyond_the_limit_are_deleted(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 1, revisionHistoryLimit=1))
    await cluster.rolled_out("shop", 1)
    for image in ("v2", "v3"):
        await cluster.patch("deployments", "shop", image_patch(image))
        await cluster.rolled_out("shop", 1)
    await cluster.settled_sizes({"v2": 0, "v3": 1})


async def test_going_back_to_an_earlier_template_reuses_its_replica_set(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    first = names(await cluster.replica_sets())
    for image in ("v2", "v1"):
        await cluster.patch("deployments", "shop", image_patch(image))
        await cluster.rolled_out("shop", 2)
    replica_sets = await cluster.replica_sets()
    assert len(replica_sets) == 2
    (back,) = [item for item in replica_sets if item["metadata"]["name"] in first]
    assert back["metadata"]["annotations"][f"{ANNOTATION}revision"] == "3"
    assert back["metadata"]["annotations"][f"{ANNOTATION}revision-history"] == "1"


async def test_scaling_is_told_as_events(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 1))
    await cluster.rolled_out("shop", 1)
    (replica_set,) = await cluster.replica_sets()
    (pod,) = await cluster.pods()

    async def told() -> bool:
        events = await cluster.listed("events", group="v1")
        messages = {(event["reason"], event["message"]) for event in events}
        wanted = {
            ("ScalingReplicaSet", f"Scaled up replica set {replica_set['metadata']['name']} from 0 to 1"),
            ("SuccessfulCreate", f"Created pod: {pod['metadata']['name']}"),
        }
        return wanted <= messages

    await cluster.until("events", told)


async def test_a_name_that_belongs_to_something_else_is_avoided(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 1))
    await cluster.rolled_out("shop", 1)
    (taken,) = names(await cluster.replica_sets())
    await cluster.delete("deployments", "shop", "Background")

    async def gone() -> bool:
        return not await cluster.replica_sets() and not await cluster.pods()

    await cluster.until("nothing is left", gone)
    foreign = deployment(taken, 0, "other", {"app": "other"})
    await cluster.create("replicasets", {**foreign, "kind": "ReplicaSet"})
    await cluster.create("deployments", deployment("shop", 1))
    done = await cluster.rolled_out("shop", 1)
    assert done["status"]["collisionCount"] == 1
    assert len(await cluster.replica_sets()) == 2

"""Facts about the real deployment controller on which the promotion by adoption stands.

The stable Deployment takes over the canary's ReplicaSet, so that no proven pod is restarted. Each test replays one row
of what was measured; if a later Kubernetes behaves otherwise, it fails here first.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from serinus.sandbox.rest import MERGE, Api, Mirror, Raw
from tests.real.marker import Marker
from tests.real.plane import ControlPlane
from tests.real.waiting import following, until

STABLE, CANARY = "app", "app-2"


class World:
    """One namespace with a stable Deployment and its canary, and a record of every pod there."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self.deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self._replica_sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
        self.pods = Mirror(api, f"/api/v1/namespaces/{namespace}/pods", self._note)
        self.created: set[str] = set()
        self.least_ready = sys.maxsize

    def _note(self, kind: str, pod: Raw) -> None:
        if kind == "ADDED":
            self.created.add(pod["metadata"]["name"])
        self.least_ready = min(self.least_ready, len(self.ready()))

    def ready(self) -> set[str]:
        """Names of the pods that are ready and stay."""
        return {
            pod["metadata"]["name"]
            for pod in self.pods.objects.values()
            if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] == "Running"
        }

    def forget(self) -> None:
        """Record afresh from here."""
        self.created = set()
        self.least_ready = len(self.ready())

    async def deploy(self, name: str, version: str, replicas: int, **labels: str) -> set[str]:
        """Make a Deployment, wait until it is ready; the names of its pods."""
        labels = {"app": "app", **labels}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": f"app:{version}"}]},
        }
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        before = self.ready()
        await self._api.call("POST", self.deployments, {"metadata": {"name": name}, "spec": spec})

        async def has_its_pods() -> bool:
            return len(self.ready() - before) == replicas

        await until(f"{replicas} pods of {name}", has_its_pods)
        return self.ready() - before

    async def stable(self) -> Raw:
        return await self._api.call("GET", f"{self.deployments}/{STABLE}")

    async def patch_stable(self, spec: Raw) -> None:
        """Change the stable Deployment and wait until its controller has seen the change."""
        await self._api.call("PATCH", f"{self.deployments}/{STABLE}", {"spec": spec}, MERGE)

        async def observed() -> bool:
            return _is_observed(await self.stable())

        await until("the change observed", observed)

    async def shrink_stable(self, replicas: int) -> None:
        await self.patch_stable({"replicas": replicas})
        await self.until_stable_has(replicas)

    async def until_stable_has(self, replicas: int) -> None:
        """Wait until one ReplicaSet of the stable Deployment has all pods, ready, and nothing is on its way."""

        async def settled() -> bool:
            stable, replica_sets = await self.stable(), await self._owned_by_stable()
            if not all(_is_settled(item) for item in replica_sets) or not _is_observed(stable):
                return False
            sizes = [item["spec"]["replicas"] for item in replica_sets if item["spec"]["replicas"]]
            names = {item["metadata"]["name"] for item in replica_sets}
            pods = [pod for pod in self.pods.objects.values() if pod["metadata"]["ownerReferences"][0]["name"] in names]
            return sizes == [replicas] == [len(pods)] and stable["status"].get("availableReplicas") == replicas

        await until(f"{STABLE} complete with {replicas}", settled)

    async def let_stable_adopt(self) -> None:
        """Delete the canary Deployment but not its ReplicaSet, and wait until stable owns that."""
        orphaning = {"propagationPolicy": "Orphan"}
        await self._api.call("DELETE", f"{self.deployments}/{CANARY}", orphaning)

        async def adopted() -> bool:
            return len(await self._owned_by_stable()) == 2

        await until("the ReplicaSet adopted", adopted)

    async def _owned_by_stable(self) -> list[Raw]:
        found = (await self._api.call("GET", self._replica_sets))["items"]
        owned = ([owner["name"] for owner in item["metadata"].get("ownerReferences", [])] for item in found)
        return [item for item, owners in zip(found, owned, strict=True) if owners == [STABLE]]

    async def canary_template(self) -> Raw:
        template: Raw = (await self._api.call("GET", f"{self.deployments}/{CANARY}"))["spec"]["template"]
        return template


def _is_observed(item: Raw) -> bool:
    """Whether its controller has seen the newest change of the object."""
    seen: int = item["status"].get("observedGeneration", 0)
    return seen >= int(item["metadata"]["generation"])


def _is_settled(replica_set: Raw) -> bool:
    return _is_observed(replica_set) and bool(replica_set["status"]["replicas"] == replica_set["spec"]["replicas"])


@pytest_asyncio.fixture
async def world(api: Api, namespace: str) -> AsyncIterator[World]:
    made = World(api, namespace)
    async with Marker(api), following(made.pods):
        yield made


def surge(pods: int | str) -> Raw:
    return {"rollingUpdate": {"maxSurge": pods}}


async def both_tracks(world: World, wanted: int, left: int) -> set[str]:
    """A canary of the wanted size and what is left of stable; the names of the canary's pods."""
    await world.deploy(STABLE, "1", wanted)
    canary = await world.deploy(CANARY, "2", wanted, **{"serinus.dev/release": "2"})
    await world.shrink_stable(left)
    world.forget()
    return canary


async def hand_over(world: World, wanted: int) -> None:
    """Steps 1 and 2: stable, paused, gets the canary's template, then its ReplicaSet."""
    template = await world.canary_template()
    await world.patch_stable({"paused": True, "template": template, "strategy": surge(wanted)})
    await world.let_stable_adopt()


@pytest.mark.parametrize(("wanted", "left"), [(4, 4), (1, 1), (10, 1), (10, 4)])
async def test_adoption_in_two_last_patches_keeps_every_canary_pod_and_makes_none(
    world: World, wanted: int, left: int
) -> None:
    canary = await both_tracks(world, wanted, left)
    await hand_over(world, wanted)
    await world.patch_stable({"replicas": wanted, "strategy": surge(left)})
    await world.patch_stable({"paused": False, "strategy": surge("25%")})
    await world.until_stable_has(wanted)
    assert world.created == set()
    assert world.ready() == canary
    assert world.least_ready == wanted


@pytest.mark.parametrize("size", [4, 1])
async def test_one_last_patch_is_enough_where_stable_was_kept_at_its_size(world: World, size: int) -> None:
    canary = await both_tracks(world, size, size)
    await hand_over(world, size)
    await world.patch_stable({"replicas": size, "paused": False, "strategy": surge("25%")})
    await world.until_stable_has(size)
    assert world.created == set()
    assert world.ready() == canary


async def test_one_last_patch_makes_two_extra_pods_where_ten_are_wanted_and_one_is_left(world: World) -> None:
    canary = await both_tracks(world, 10, 1)
    await hand_over(world, 10)
    await world.patch_stable({"replicas": 10, "paused": False, "strategy": surge("25%")})
    await world.until_stable_has(10)
    assert len(world.created) == 2
    assert world.ready() == canary


async def test_orphaning_before_stable_has_the_template_removes_every_canary_pod(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=2)
    await world.let_stable_adopt()
    await world.until_stable_has(2)
    assert world.ready() & canary == set()
    assert world.least_ready == 2


async def test_where_stable_was_kept_at_its_size_adoption_alone_finishes_the_switch(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=4)
    await hand_over(world, 4)
    await world.until_stable_has(4)
    assert (await world.stable())["spec"]["paused"]
    assert world.ready() == canary


async def test_undo_brings_the_previous_version_back_after_an_adoption(world: World, plane: ControlPlane) -> None:
    canary = await both_tracks(world, wanted=4, left=4)
    await hand_over(world, 4)
    await world.patch_stable({"paused": False, "strategy": surge("25%")})
    await world.until_stable_has(4)

    kubectl = shutil.which("kubectl", path=Path(sys.executable).parent)
    assert kubectl, "the lock brings kubectl beside Python"
    process = await asyncio.create_subprocess_exec(
        kubectl,
        "rollout",
        "undo",
        f"deployment/{STABLE}",
        f"--namespace={world.namespace}",
        env={"KUBECONFIG": str(plane.kubeconfig())},
    )
    assert await process.wait() == 0
    await world.until_stable_has(4)
    assert world.ready() & canary == set()
    assert (await world.stable())["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"

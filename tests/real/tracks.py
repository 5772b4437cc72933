"""A stable Deployment and its canary in one namespace of the real cluster, and a record of what happens to their pods.

The moves of a promotion by adoption, each followed by waiting until the cluster has done it. Not its job: judging.
"""

import sys

from serinus.sandbox.rest import MERGE, Api, Mirror, Raw
from tests.real.waiting import until

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
            stable, replica_sets = await self.stable(), await self._replica_sets_of_stable()
            if not _is_observed(stable) or not all(_has_what_it_wants(item) for item in replica_sets):
                return False
            sizes = [item["spec"]["replicas"] for item in replica_sets if item["spec"]["replicas"]] or [0]
            names = {item["metadata"]["name"] for item in replica_sets}
            pods = [pod for pod in self.pods.objects.values() if pod["metadata"]["ownerReferences"][0]["name"] in names]
            available = stable["status"].get("availableReplicas", 0)
            return sizes == [replicas] == [len(pods)] == [available]

        await until(f"{STABLE} complete with {replicas}", settled)

    async def let_stable_adopt(self) -> None:
        """Delete the canary Deployment but not its ReplicaSet, and wait until stable owns that."""
        orphaning = {"propagationPolicy": "Orphan"}
        await self._api.call("DELETE", f"{self.deployments}/{CANARY}", orphaning)

        async def adopted() -> bool:
            return len(await self._replica_sets_of_stable()) == 2

        await until("the ReplicaSet adopted", adopted)

    async def _replica_sets_of_stable(self) -> list[Raw]:
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


def _has_what_it_wants(replica_set: Raw) -> bool:
    return _is_observed(replica_set) and bool(replica_set["status"]["replicas"] == replica_set["spec"]["replicas"])


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

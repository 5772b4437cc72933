"""The place where a story happens: a namespace of its own, with words to arrange it, act in it and look at it."""

import contextlib
import json
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from serinus.sandbox.rest import MERGE, Api, Raw
from tests.stories.cluster import ADMIN, Cluster
from tests.stories.manifests import PORT, SERVICE
from tests.stories.observer import Observer, is_ready, serves
from tests.stories.session import Result, Session, start_serinus
from tests.stories.traffic import Traffic, users

GROUPS = {"apps/v1": "/apis/apps/v1", "v1": "/api/v1"}
WHAT_MAY_STAY = f"configmaps/serinus-{SERVICE}"
OWN_THINGS = {
    "services": "/api/v1",
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "pods": "/api/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}


class Place:
    """One namespace. `seen` is an independent observer's record of it."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str, home: Path) -> None:
        self.cluster = cluster
        self.api = api
        self.namespace = namespace
        self.home = home
        self.seen = Observer(api, namespace)
        self.began = time.time()
        self._before: dict[str, Raw] = {}
        self._sessions: list[Session] = []

    # Given

    async def apply(self, *raws: Raw) -> None:
        """Create objects."""
        for raw in raws:
            version = raw["apiVersion"]
            root = "/api/v1" if version == "v1" else f"/apis/{version}"
            plural = raw["kind"].lower() + "s"
            await self.api.call("POST", f"{root}/namespaces/{self.namespace}/{plural}", raw)

    async def in_production(self, raws: list[Raw]) -> None:
        """Create objects and wait until users are served by every pod of the Deployments; a story begins here."""
        await self.apply(*raws)
        wanted = sum(raw["spec"]["replicas"] for raw in raws if raw["kind"] == "Deployment")

        def whole() -> bool:
            deployments = self.seen.now("deployments")
            ready = sum((raw.get("status") or {}).get("readyReplicas", 0) for raw in deployments)
            return ready == wanted == self.seen.endpoints()

        await self.seen.until(f"{wanted} pods in production", whole)
        await self.begin()

    async def begin(self) -> None:
        """From here on what happens counts."""
        self._before = await self._things()
        self.began = time.time()

    async def patch(self, path: str, body: Raw) -> None:
        """Merge into the object at a path such as `/api/v1/namespaces/{}/pods/one`."""
        await self.api.call("PATCH", path.format(self.namespace), body, MERGE)

    # When

    async def start(self, *arguments: str, user: str = ADMIN, **environment: str) -> Session:
        """Start a `serinus` command and leave it running."""
        kubeconfig = self.cluster.kubeconfig(user, self.namespace)
        session = await start_serinus(list(arguments), kubeconfig, self.home, environment)
        self._sessions.append(session)
        return session

    async def serinus(self, *arguments: str, user: str = ADMIN, **environment: str) -> Result:
        """Run a `serinus` command to its end."""
        return await (await self.start(*arguments, user=user, **environment)).ended()

    async def deploy(self, image: str, *options: str, **environment: str) -> Result:
        """Release an image with short bakes, to its end."""
        return await self.serinus("deploy", SERVICE, "--image", image, "--bake", "0.2", *options, **environment)

    def users(self, rate: int = 100, connections: str = "both") -> AbstractAsyncContextManager[Traffic]:
        """Users of the Service, as long as the block lasts."""
        address = self.service["spec"]["clusterIP"]
        return users(f"http://{address}:{PORT}/", rate, connections, self.home)

    # Then

    @property
    def service(self) -> Raw:
        found = self.seen.find("services", SERVICE)
        assert found is not None, "the Service is gone"
        return found

    def deployments(self) -> dict[str, int]:
        """Sizes by name."""
        return {raw["metadata"]["name"]: raw["spec"]["replicas"] for raw in self.seen.now("deployments")}

    def pods(self) -> list[Raw]:
        """The pods that serve users."""
        return [raw for raw in self.seen.now("pods") if serves(raw)]

    def ready_pods(self) -> list[Raw]:
        return [raw for raw in self.seen.now("pods") if is_ready(raw)]

    def least_ready(self) -> int:
        """The smallest number of pods that served users since the story began."""
        return self.seen.least_ready(self.began)

    async def left_behind(self) -> list[str]:
        """What is in the namespace now and was not when the story began; the history's ConfigMap may stay."""
        now = await self._things()
        return sorted(name for name in now if name not in self._before and name != WHAT_MAY_STAY)

    async def traces(self) -> list[str]:
        """Everything that differs from when the story began: what a refusal must not leave."""
        now = await self._things()
        return sorted(name for name in {*now, *self._before} if now.get(name) != self._before.get(name))

    async def _things(self) -> dict[str, Raw]:
        """All objects by plural and name: what one would have to undo. Status is the cluster's own affair.

        A pod that took another's place is no trace, so production's pods stand under their Deployment's name.
        """
        things: dict[str, Raw] = {}
        for plural, root in OWN_THINGS.items():
            answer = await self.api.call("GET", f"{root}/namespaces/{self.namespace}/{plural}")
            for raw in answer["items"]:
                metadata = raw["metadata"]
                owners = metadata.get("ownerReferences") or []
                name = owners[0]["name"] if plural == "pods" and owners else metadata["name"]
                kept = {key: metadata.get(key) for key in ("labels", "annotations")}
                things[f"{plural}/{name}"] = {"metadata": kept, "spec": _spec(plural, raw), "data": raw.get("data")}
        return things

    def until(self, what: str, holds: Callable[[], bool]) -> Any:
        return self.seen.until(what, holds)

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()


def _spec(plural: str, raw: Raw) -> Raw | None:
    return None if plural == "pods" else raw.get("spec")


@contextlib.asynccontextmanager
async def open_place(cluster: Cluster) -> AsyncIterator[Place]:
    """A fresh namespace until the block ends."""
    namespace = f"story-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="serinus-story-") as home:
        async with Api(cluster.servers[ADMIN]) as api:
            await api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            place = Place(cluster, api, namespace, Path(home))
            try:
                async with place.seen.watching():
                    yield place
            finally:
                await place.close()
                await api.call("DELETE", f"/api/v1/namespaces/{namespace}")


def story(place: Place, result: Result) -> str:
    """What happened, for whoever reads a failed test."""
    return json.dumps({"code": result.code, "deployments": place.deployments()}) + f"\n{result.output}\n{result.errors}"

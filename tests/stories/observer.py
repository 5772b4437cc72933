"""An observer of one namespace, independent of Serinus: every change that a watch shows, with its time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from serinus.sandbox.rest import Api, Mirror, Raw
from tests.stories.manifests import SERVICE

PATIENCE_SECONDS = 60
PATHS = {
    "pods": "/api/v1/namespaces/{}/pods",
    "services": "/api/v1/namespaces/{}/services",
    "deployments": "/apis/apps/v1/namespaces/{}/deployments",
    "endpointslices": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "horizontalpodautoscalers": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One change: when it was seen (seconds since 1970), ADDED, MODIFIED or DELETED, and the object."""

    at: float
    event: str
    raw: Raw

    @property
    def name(self) -> str:
        return str(self.raw["metadata"]["name"])


class Observer:
    """`seen` has all changes by plural; `ready_pods` each change of the number of pods that serve users."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.seen: dict[str, list[Seen]] = {plural: [] for plural in PATHS}
        self.ready_pods: list[tuple[float, int]] = []
        self._changed = asyncio.Event()
        self._mirrors = {
            plural: Mirror(api, path.format(namespace), self._note(plural)) for plural, path in PATHS.items()
        }

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until the block ends; what is there already has been seen when it begins."""
        tasks = [asyncio.create_task(mirror.run()) for mirror in self._mirrors.values()]
        try:
            await asyncio.gather(*(mirror.synced.wait() for mirror in self._mirrors.values()))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _note(self, plural: str) -> Callable[[str, Raw], None]:
        def note(event: str, raw: Raw) -> None:
            self.seen[plural].append(Seen(time.time(), event, raw))
            self._changed.set()
            if plural == "pods":
                self._count()

        return note

    def _count(self) -> None:
        ready = sum(serves(pod) for pod in self.now("pods"))
        if not self.ready_pods or self.ready_pods[-1][1] != ready:
            self.ready_pods.append((time.time(), ready))

    def now(self, plural: str) -> list[Raw]:
        """The objects as they are."""
        return list(self._mirrors[plural].objects.values())

    def find(self, plural: str, name: str) -> Raw | None:
        return next((raw for raw in self.now(plural) if raw["metadata"]["name"] == name), None)

    def endpoints(self) -> int:
        """How many ready endpoints the Service has."""
        return sum(
            (endpoint.get("conditions") or {}).get("ready") is not False
            for raw in self.now("endpointslices")
            for endpoint in raw.get("endpoints") or []
        )

    def least_ready(self, since: float) -> int:
        """The smallest number of pods that served users at any time from then on."""
        before = [count for at, count in self.ready_pods if at <= since]
        return min([*before[-1:], *(count for at, count in self.ready_pods if at > since)])

    def changes(self, plural: str, name: str, since: float = 0.0) -> Iterator[Seen]:
        return (seen for seen in self.seen[plural] if seen.name == name and seen.at >= since)

    def gone_at(self, plural: str, name: str) -> float:
        """When the object was seen to be deleted."""
        return next(seen.at for seen in self.changes(plural, name) if seen.event == "DELETED")

    async def until(self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until what is seen satisfies a condition."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not seen within {seconds:g} s: {what}") from None


def is_ready(raw_pod: Raw) -> bool:
    conditions = (raw_pod.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def serves(raw_pod: Raw) -> bool:
    """Whether users can meet this pod: ready, behind the Service, and not on its way out."""
    metadata = raw_pod["metadata"]
    behind = (metadata.get("labels") or {}).get("app") == SERVICE
    return behind and is_ready(raw_pod) and "deletionTimestamp" not in metadata


def uids(raw_pods: list[Raw]) -> set[str]:
    return {raw["metadata"]["uid"] for raw in raw_pods}


def restarts(raw_pod: Raw) -> int:
    """How often containers of the pod were started again."""
    return sum(status["restartCount"] for status in (raw_pod.get("status") or {}).get("containerStatuses") or [])


def image_of(raw_pod: Raw) -> str:
    return str(raw_pod["spec"]["containers"][0]["image"])

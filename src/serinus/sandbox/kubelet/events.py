"""Kubernetes Events about pods, kept modest: a repeated one counts up, and at most once in a while."""

import asyncio
import contextlib
import time
import uuid
from dataclasses import dataclass

import aiohttp

from serinus.sandbox.kubelet.clock import api_time
from serinus.sandbox.rest import MERGE, Api, ApiError, Raw

REPEAT_SECONDS = 10.0
REMEMBERED_MAX = 1000
QUEUE_MAX = 1000


@dataclass(slots=True)
class _Sent:
    name: str
    count: int
    at: float


class Events:
    """Sends events in the background; `run` does the sending. What cannot be sent is dropped: events are a courtesy."""

    def __init__(self, api: Api, component: str) -> None:
        self._api = api
        self._component = component
        self._queue: asyncio.Queue[tuple[Raw, str, str, str, str]] = asyncio.Queue(QUEUE_MAX)
        self._sent: dict[tuple[str, ...], _Sent] = {}

    def send(self, raw_pod: Raw, reason: str, message: str, kind: str = "Normal", container: str = "") -> None:
        """Note an event about a pod; `kind` is Normal or Warning."""
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait((raw_pod, reason, message, kind, container))

    async def run(self) -> None:
        while True:
            item = await self._queue.get()
            with contextlib.suppress(ApiError, aiohttp.ClientError, TimeoutError):
                await self._deliver(*item)

    async def _deliver(self, raw_pod: Raw, reason: str, message: str, kind: str, container: str) -> None:
        metadata = raw_pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/events"
        key = (metadata["uid"], container, reason, message)
        sent = self._sent.get(key)
        now = api_time()
        if sent is not None:
            sent.count += 1
            if time.monotonic() - sent.at >= REPEAT_SECONDS:
                sent.at = time.monotonic()
                await self._api.call("PATCH", f"{path}/{sent.name}", {"count": sent.count, "lastTimestamp": now}, MERGE)
            return
        name = f"{metadata['name']}.{uuid.uuid4().hex[:16]}"
        if len(self._sent) >= REMEMBERED_MAX:
            self._sent.pop(next(iter(self._sent)))
        self._sent[key] = _Sent(name, 1, time.monotonic())
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"]}
        about |= {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        about |= {"fieldPath": f"spec.containers{{{container}}}"} if container else {}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": about,
            "reason": reason,
            "message": message[:1024],
            "type": kind,
            "source": {"component": self._component, "host": raw_pod["spec"].get("nodeName", "")},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await self._api.call("POST", path, event)

"""What a controller wants written, as values; and the two that carry it out: `write` and the event recorder."""

import asyncio
import contextlib
import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from serinus.sandbox.controllers.cache import Caches
from serinus.sandbox.controllers.objects import collection_path, format_time, path_of
from serinus.sandbox.rest import MERGE, Api, ApiError, Raw

EVENT_MEMORY = 1024
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels and no look-alikes: no words, and always a valid name
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event about an object: `reason` is the stable word, `message` the sentence."""

    about: Raw
    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changes something, and the events that are told once it has worked."""

    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"
    events: tuple[Event, ...] = field(default=())


def create(item: Raw, *events: Event) -> Write:
    path = collection_path(item["apiVersion"], item["kind"], item["metadata"]["namespace"])
    return Write("POST", path, item, events=events)


def update(item: Raw, *events: Event) -> Write:
    """Replace an object; its resourceVersion makes the API refuse it if our copy was old."""
    return Write("PUT", path_of(item), item, events=events)


def update_status(item: Raw) -> Write:
    return Write("PUT", f"{path_of(item)}/status", item)


def delete(item: Raw, *events: Event) -> Write:
    """Delete this very object, not one that took its name since."""
    return Write("DELETE", path_of(item), {"preconditions": {"uid": item["metadata"]["uid"]}}, events=events)


def set_owners(item: Raw, owners: list[Raw]) -> Write:
    """Replace the owner references of an object, if our copy of it is the newest."""
    metadata = {"ownerReferences": owners, "resourceVersion": item["metadata"]["resourceVersion"]}
    return Write("PATCH", path_of(item), {"metadata": metadata}, MERGE)


def random_suffix(length: int = 5) -> str:
    return "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(length))


class Writer:
    """Carries out writes for one controller and records its events in the background, in order.

    Events are told at best: one that the API refuses is dropped with a line in the log. A repeated event raises the
    count of the first.
    """

    def __init__(self, api: Api, component: str, caches: Caches) -> None:
        self.api = api
        self._caches = caches
        self._component = component
        self._events: asyncio.Queue[Event] = asyncio.Queue(EVENT_MEMORY)
        self._told: dict[tuple[str, ...], Raw] = {}

    async def write(self, wanted: Write) -> Raw:
        """Raises ApiError or aiohttp.ClientError; the events then stay untold."""
        answer = await self.api.call(wanted.method, wanted.path, wanted.body, wanted.content_type)
        if wanted.method in ("PUT", "PATCH"):
            self._caches.learn(answer)
        for event in wanted.events:
            self.tell(event)
        return answer

    def tell(self, event: Event) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._events.put_nowait(event)

    async def run(self) -> None:
        """Record events until cancelled."""
        while True:
            event = await self._events.get()
            try:
                await self._record(event)
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                _log.debug("%s: event %s dropped: %s", self._component, event.reason, error)

    async def _record(self, event: Event) -> None:
        now = format_time(datetime.now(UTC))
        key = (event.about["metadata"]["uid"], event.reason, event.message)
        told = self._told.get(key)
        if told is not None:
            change = {"count": told["count"] + 1, "lastTimestamp": now}
            with contextlib.suppress(ApiError):  # the API may have forgotten the event: tell it as a new one
                path = f"{_events_path(told['metadata']['namespace'])}/{told['metadata']['name']}"
                self._told[key] = await self.api.call("PATCH", path, change, MERGE)
                return
        body = self._body(event, now)
        self._told[key] = await self.api.call("POST", _events_path(body["metadata"]["namespace"]), body)
        if len(self._told) > EVENT_MEMORY:
            del self._told[next(iter(self._told))]

    def _body(self, event: Event, now: str) -> Raw:
        about = event.about
        metadata = about["metadata"]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{secrets.token_hex(8)}", "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": event.reason,
            "message": event.message,
            "type": "Warning" if event.warning else "Normal",
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def _events_path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/events"

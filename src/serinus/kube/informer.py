"""A live copy of one collection: list, watch, and list again when the watch cannot go on. It never polls.

`async with Informer(...) as pods: await pods.synced()` and then read `pods.objects`. A failure after the first list
never ends the informer: it shows in `stale_since` and `last_error`, and goes away by itself. Not here: the stream's own
format (`watch.py`), and any reading of the objects.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from typing import Self, assert_never

from .client import Client, Listing
from .errors import ConfigError, Forbidden, KubeError, Throttled, Unauthorized, Unreachable
from .resources import Raw, Resource
from .watch import Event, watch

WELL_SECONDS_MIN = 10.0  # a watch that held this long was healthy; one that ends sooner counts as a failure


class _Phase(Enum):
    """What the informer does next."""

    LIST = auto()  # nothing is known, or what is known may have holes
    WATCH = auto()  # everything up to the cursor is known


class Informer:
    """The copy. `objects` has the newest known object by name (namespace/name when all namespaces are followed)."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> None:
        self.objects: dict[str, Raw] = {}
        self.stale_since: datetime | None = None
        self.last_error: KubeError | None = None
        self.resource_version = ""
        """How far list and watch have come."""
        self._client = client
        self._clock = client.transport.clock
        self._resource = resource
        self._namespace = namespace
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        self._selectors = {key: text for key, text in selectors.items() if text}
        self._written: set[str] = set()  # keys whose copy came through `put` and was not yet seen by list or watch
        self._subscribers: list[Callable[[], None]] = []
        self._first_list = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._start(_Phase.LIST)
        return self

    def _start(self, phase: _Phase) -> None:
        self._task = asyncio.create_task(self._run(phase))
        self._task.add_done_callback(lambda _: self._notify())

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and self._task.exception() is not None and kind is None:
            self._task.result()

    async def synced(self) -> None:
        """Wait for the first list. Raises KubeError when it cannot be had, after the client's retries."""
        if self._task is None:
            raise RuntimeError("an Informer is used in `async with`")
        waiting = asyncio.create_task(self._first_list.wait())
        try:
            await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        self.check()

    async def refresh(self) -> None:
        """List anew, and watch on from there: afterwards the copy has all that was written before this call.

        Raises KubeError; the copy then stays as it was, and the informer lists again by itself.
        """
        self.check()
        task, self._task = self._task, None
        if task is None:
            raise RuntimeError("an Informer is used in `async with`")
        phase = _Phase.LIST
        try:
            task.cancel()
            await asyncio.wait([task])
            await self._list()
            phase = _Phase.WATCH
        finally:
            self._start(phase)

    def check(self) -> None:
        """Raise what ended the informer, if it has ended: a refused first list, or a defect of ours."""
        if self._task is not None and self._task.done():
            self._task.result()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each change of `objects`, `stale_since` or an end; `event.set` will do. Returns the undo."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def put(self, raw: Raw) -> None:
        """Take in the server's answer to a write of ours, unless list and watch already know better.

        Only for objects that the selectors of this informer match.
        """
        key, version = self._key(raw), version_of(raw)
        known = self.objects.get(key)
        if version <= (version_of(known) if known is not None else _number(self.resource_version)):
            return  # for an unknown object: the watch is past this version, so the object is gone again
        self.objects[key] = raw
        self._written.add(key)
        self._notify()

    async def _run(self, phase: _Phase) -> None:
        failures = 0
        while True:
            began = self._clock.monotonic()
            try:
                match phase:
                    case _Phase.LIST:
                        await self._list()
                        phase = _Phase.WATCH
                        continue
                    case _Phase.WATCH:
                        await self._watch()
                        failed = False
                    case _:
                        assert_never(phase)
            except KubeError as error:
                if not self._first_list.is_set():
                    raise  # the client has tried long enough; later, servers and rights may come back
                self._note_failure(error)
                phase, failed = self._phase_after(phase, error), True
            held = self._clock.monotonic() - began >= WELL_SECONDS_MIN
            failures = (1 if failed else 0) if held else failures + 1
            if failures:
                await self._clock.sleep(self._client.transport.backoff_seconds(failures))

    @staticmethod
    def _phase_after(phase: _Phase, error: KubeError) -> _Phase:
        """A watch that could not be had goes on where it was; one that was answered with an error may have holes."""
        if isinstance(error, Unreachable | Throttled | Unauthorized | Forbidden | ConfigError):
            return phase
        return _Phase.LIST

    async def _list(self) -> None:
        listing = await self._client.list(
            self._resource,
            self._namespace,
            label_selector=self._selectors.get("labelSelector"),
            field_selector=self._selectors.get("fieldSelector"),
        )
        self._take_over(listing)
        self._note_success()
        self._first_list.set()
        self._notify()

    def _take_over(self, listing: Listing) -> None:
        """Become the list; what it no longer has is deleted, but for our own writes that are newer than the list."""
        version = _number(listing.resource_version)
        newer = {
            key: self.objects[key]
            for key in self._written
            if key in self.objects and version_of(self.objects[key]) > version
        }
        self.objects = {self._key(item): item for item in listing.items} | newer
        self._written = set(newer)
        self.resource_version = listing.resource_version

    async def _watch(self) -> None:
        await watch(
            self._client.transport,
            self._resource,
            self._namespace,
            self._selectors,
            self.resource_version,
            self._take_events,
        )

    def _take_events(self, events: list[Event]) -> None:
        for event in events:
            if event.type != "BOOKMARK":
                self._take_event(event)
            self.resource_version = event.object["metadata"]["resourceVersion"]
        if self._note_success() or events:
            self._notify()

    def _take_event(self, event: Event) -> None:
        key = self._key(event.object)
        known = self.objects.get(key)
        if known is not None and version_of(known) > version_of(event.object):
            return  # our own write is ahead of the watch
        self._written.discard(key)
        if event.type == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = event.object

    def _note_failure(self, error: KubeError) -> None:
        self.last_error = error
        if self.stale_since is None:
            self.stale_since = self._clock.now()
        self._notify()

    def _note_success(self) -> bool:
        """Whether this ends a time of failure."""
        was_stale = self.stale_since is not None
        self.stale_since, self.last_error = None, None
        return was_stale

    def _notify(self) -> None:
        for callback in list(self._subscribers):
            callback()

    def _key(self, raw: Raw) -> str:
        metadata = raw["metadata"]
        name: str = metadata["name"]
        return f"{metadata['namespace']}/{name}" if self._namespace is None and metadata.get("namespace") else name


def version_of(raw: Raw) -> int:
    """An object's resourceVersion as a number: within one kind, larger is newer."""
    return _number(raw["metadata"].get("resourceVersion", ""))


def _number(resource_version: str) -> int:
    return int(resource_version) if resource_version.isdigit() else 0

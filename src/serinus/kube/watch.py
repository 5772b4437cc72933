"""One watch: the events of a collection after a version, until the stream ends, falls silent or breaks.

Not here: what to do then; that is `informer.py`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

import msgspec

from serinus.ports import Clock

from .errors import Failure, ServerError, Unreachable, from_failure
from .resources import Raw, Resource
from .transport import Request, Transport

SILENCE_SECONDS_MAX = 70.0  # the server sends a bookmark about every minute
WATCH_SECONDS_MIN = 300.0
WATCH_SECONDS_MAX = 600.0  # spread, so that watches that began together do not end together
LINE_BYTES_MAX = 32 * 1024 * 1024


class Event(msgspec.Struct):
    """One line of the stream. An ERROR never comes out of this module: it is raised."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: Raw


async def watch(
    transport: Transport,
    resource: Resource,
    namespace: str | None,
    selectors: Mapping[str, str],
    resource_version: str,
    on_events: Callable[[list[Event]], None],
) -> None:
    """Hand over the events after `resource_version`, in the groups in which they arrive; returns when the server ends.

    The first group is empty: the stream is open.
    Raises Gone when the version is no longer kept, Unreachable when the stream breaks or is silent for too long,
    ServerError when a line is not an event, and the other errors of the API.
    """
    seconds = WATCH_SECONDS_MIN + (WATCH_SECONDS_MAX - WATCH_SECONDS_MIN) * transport.dice.fraction()
    query = dict(selectors) | {
        "watch": "true",
        "resourceVersion": resource_version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": f"{seconds:.0f}",
    }
    what = f"watch {resource.kind} {namespace or 'in all namespaces'}"
    request = Request(what, "GET", resource.path(namespace), query=query, is_read=True)
    lines = EventLines(what, transport.where)
    try:
        async with _silence_limit(transport.clock) as silence, transport.stream(request) as content:
            on_events([])
            async for chunk in content.iter_any():
                silence.heard()
                if events := lines.take(chunk):
                    on_events(events)
    except TimeoutError:
        raise Unreachable(
            what,
            where=transport.where,
            why=f"the watch was silent for {SILENCE_SECONDS_MAX:.0f} s",
            hint="Check the network between here and the cluster",
            may_have_happened=False,
        ) from None


class EventLines:
    """Chunks in, events out; a chunk may end anywhere. Raises what an ERROR event says, ServerError for the rest."""

    def __init__(self, what: str, where: str) -> None:
        self._what = what
        self._where = where
        self._decoder = msgspec.json.Decoder(Event)
        self._rest = bytearray()

    def take(self, chunk: bytes) -> list[Event]:
        head, newline, tail = chunk.rpartition(b"\n")
        self._rest += head if newline else tail
        if len(self._rest) > LINE_BYTES_MAX:
            raise self._broken(f"a line is longer than {LINE_BYTES_MAX} bytes")
        if not newline:
            return []
        whole, self._rest = self._rest, bytearray(tail)
        return [self._event(line) for line in bytes(whole).split(b"\n") if line.strip()]

    def _event(self, line: bytes) -> Event:
        try:
            event = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._broken("a line of the watch is not an event") from None
        if event.type == "ERROR":
            failure = Failure.of(event.object)
            code = event.object.get("code")
            raise from_failure(self._what, self._where, code if isinstance(code, int) else 500, failure)
        metadata = event.object.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("resourceVersion"), str):
            raise self._broken("an event of the watch holds an object without a version")
        if event.type != "BOOKMARK" and not isinstance(metadata.get("name"), str):
            raise self._broken("an event of the watch holds an object without a name")
        return event

    def _broken(self, why: str) -> ServerError:
        return ServerError(self._what, where=self._where, why=why, hint="The watch is opened again")


class _Silence:
    """How long nothing was heard, by the Clock port."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard_at = clock.monotonic()

    def heard(self) -> None:
        self._heard_at = self._clock.monotonic()

    async def outlast(self, timeout: asyncio.Timeout) -> None:
        """Let `timeout` expire once the silence has been too long."""
        while (left := self._heard_at + SILENCE_SECONDS_MAX - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        timeout.reschedule(asyncio.get_running_loop().time())


@contextlib.asynccontextmanager
async def _silence_limit(clock: Clock) -> AsyncIterator[_Silence]:
    """Raises TimeoutError out of the block when nothing was heard for too long."""
    silence = _Silence(clock)
    async with asyncio.timeout(None) as timeout:
        watchman = asyncio.create_task(silence.outlast(timeout))
        try:
            yield silence
        finally:
            watchman.cancel()

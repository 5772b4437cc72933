"""WATCH: from the store's changes to the events that one watcher shall see. Knows nothing of HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import msgspec

from serinus.sandbox.api.errors import Cause, StatusError, invalid
from serinus.sandbox.api.kinds import Kind, Raw
from serinus.sandbox.api.listing import parse_version
from serinus.sandbox.api.selectors import Selection
from serinus.sandbox.api.store import Change, Entry, Store, Watch, encode, too_large_version

_BOOKMARK_SECONDS = 60.0
_LAST_BOOKMARK_SECONDS = 2.0
_LIST_OPTIONS = Kind("meta.k8s.io", "v1", "ListOptions", "listoptions")

Encoder = Callable[[Entry], bytes]
"""How an object is written into an event: as it is, or as a Table."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """`initial_events` asks for all objects first and a marked bookmark after them (WatchList)."""

    resource_version: str
    timeout_seconds: float
    bookmarks: bool = False
    initial_events: bool = False


def check_options(options: WatchOptions, version_match: str) -> None:
    """Raises StatusError 422 for WatchList without the resourceVersionMatch that it needs."""
    if options.initial_events and version_match != "NotOlderThan":
        message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise invalid(_LIST_OPTIONS, "", [Cause("resourceVersionMatch", message, "FieldValueForbidden")])


class Feed:
    """The events of one watch, encoded one a line. Raises StatusError at once when it can't begin (410, 504)."""

    def __init__(
        self, store: Store, kind: Kind, selection: Selection, options: WatchOptions, write: Encoder | None = None
    ) -> None:
        self._store = store
        self._kind = kind
        self._selection = selection
        self._options = options
        self._write = write or _as_it_is
        asked = options.resource_version
        self._from_now = options.initial_events or asked in ("", "0")
        version = store.version if self._from_now else parse_version(asked)
        if version > store.version:
            raise too_large_version(version, store.version)
        self._watch = Watch(store, kind, version)
        self._initial = list(store.collection(kind).entries.items()) if self._from_now else []

    async def lines(self) -> AsyncIterator[bytes]:
        """Batches of whole lines, until the time is up, the store closes, or the watcher fell behind."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._options.timeout_seconds
        with self._watch:
            yield self._initial_lines()
            next_bookmark = _next_bookmark(loop.time(), end)
            while not self._store.closed and loop.time() < end:
                try:
                    changes = await self._watch.next_changes(max(0.0, min(end, next_bookmark) - loop.time()))
                except StatusError as error:
                    yield _line("ERROR", msgspec.json.encode(error.body()))
                    return
                found = [self._event(change) for change in changes]
                yield b"".join(line for line in found if line)
                if loop.time() >= next_bookmark:
                    next_bookmark = _next_bookmark(loop.time(), end)
                    yield self._bookmark() if self._options.bookmarks else b""

    def _initial_lines(self) -> bytes:
        lines = [
            _line("ADDED", self._write(entry))
            for _, entry in sorted(self._initial, key=lambda item: item[0])
            if self._selection.matches(entry.raw)
        ]
        self._initial = []
        if self._options.initial_events and self._options.bookmarks:
            lines.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
        return b"".join(lines)

    def _bookmark(self, annotations: Raw | None = None) -> bytes:
        meta: Raw = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        raw: Raw = {"kind": self._kind.name, "apiVersion": self._kind.api_version, "metadata": meta}
        return _line("BOOKMARK", self._write(encode(raw, self._store.version)))

    def _event(self, change: Change) -> bytes | None:
        """The event as this watcher's selection sees it: coming into view is ADDED, leaving it is DELETED."""
        now = change.kind != "DELETED" and self._selection.matches(change.entry.raw)
        before = change.previous is not None and self._selection.matches(change.previous.raw)
        if now:
            return _line("MODIFIED" if before else "ADDED", self._write(change.entry))
        if not before or change.previous is None:
            return None
        if change.kind == "DELETED":
            return _line("DELETED", self._write(change.entry))
        last = change.previous.copy()
        last["metadata"]["resourceVersion"] = str(change.version)
        return _line("DELETED", self._write(encode(last, change.version)))


def _next_bookmark(now: float, end: float) -> float:
    """Once a minute, and shortly before the end, so that the watcher can go on from a fresh version."""
    last = end - _LAST_BOOKMARK_SECONDS
    return min(now + _BOOKMARK_SECONDS, last) if last > now else now + _BOOKMARK_SECONDS


def _as_it_is(entry: Entry) -> bytes:
    return entry.encoded


def _line(kind: str, encoded: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), encoded)

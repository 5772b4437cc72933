"""Objects in memory with one global resourceVersion, and for each collection a log of changes that watches read.

It knows kinds only as keys and nothing of validation, patches or HTTP. Every object is encoded once, when it is
written; answers and watch events share those bytes.
"""

import asyncio
import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from serinus.sandbox.api.errors import StatusError, expired, not_found
from serinus.sandbox.api.kinds import Kind, Raw

Key = tuple[str, str]
"""Namespace (empty for cluster-wide kinds) and name."""

LOG_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one object. Never change `raw` in place."""

    raw: Raw
    version: int
    encoded: bytes

    def copy(self) -> Raw:
        """The object, free to be changed."""
        copied: Raw = msgspec.json.decode(self.encoded)
        return copied


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `kind` is ADDED, MODIFIED or DELETED; `entry` carries the write's own resourceVersion."""

    kind: str
    key: Key
    entry: Entry
    previous: Entry | None

    @property
    def version(self) -> int:
        return self.entry.version


def encode(raw: Raw, version: int) -> Entry:
    return Entry(raw, version, msgspec.json.encode(raw))


@dataclass(slots=True)
class Collection:
    """All objects of one kind and the changes made to them, oldest first."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    compacted_version: int = 0
    wakers: set[asyncio.Event] = field(default_factory=set)

    def changes_after(self, version: int) -> list[Change]:
        """Raises StatusError 410 when some of them are no longer in the log."""
        if version < self.compacted_version:
            raise expired(f"too old resource version: {version} ({self.compacted_version})")
        return self.changes[bisect.bisect_right(self.changes, version, key=_version_of) :]

    def at_version(self, version: int) -> dict[Key, Entry]:
        """The entries as they were, by undoing later changes; raises StatusError 410 when the log is too short."""
        later = self.changes_after(version)
        if not later:
            return self.entries
        entries = dict(self.entries)
        for change in reversed(later):
            if change.previous is None:
                entries.pop(change.key, None)
            else:
                entries[change.key] = change.previous
        return entries

    def record(self, change: Change, log_size: int) -> None:
        if change.kind == "DELETED":
            del self.entries[change.key]
        else:
            self.entries[change.key] = change.entry
        self.changes.append(change)
        excess = len(self.changes) - log_size
        if excess > 0:
            self.compacted_version = self.changes[excess - 1].version
            del self.changes[:excess]
        for waker in self.wakers:
            waker.set()


def _version_of(change: Change) -> int:
    return change.version


class Store:
    """The collections. `log_size` bounds how many changes of each kind a watch can look back on."""

    def __init__(self, log_size: int = LOG_SIZE) -> None:
        self.version = 0
        self.closed = False
        self._log_size = log_size
        self._collections: dict[Kind, Collection] = {}

    def collection(self, kind: Kind) -> Collection:
        return self._collections.setdefault(kind, Collection())

    def get(self, kind: Kind, key: Key) -> Entry | None:
        return self.collection(kind).entries.get(key)

    def read(self, kind: Kind, key: Key) -> Entry:
        """Raises StatusError 404 for an object that is not there."""
        entry = self.get(kind, key)
        if entry is None:
            raise not_found(kind, key[1])
        return entry

    def put(self, kind: Kind, key: Key, raw: Raw) -> Entry:
        """Takes `raw` over (its resourceVersion is set here); adds or replaces."""
        previous = self.get(kind, key)
        entry = self._next(raw)
        change = "ADDED" if previous is None else "MODIFIED"
        self.collection(kind).record(Change(change, key, entry, previous), self._log_size)
        return entry

    def remove(self, kind: Kind, key: Key, last: Raw) -> Entry:
        """Removes an object that exists; `last` is its state as watches shall see it go."""
        previous = self.collection(kind).entries[key]
        entry = self._next(last)
        self.collection(kind).record(Change("DELETED", key, entry, previous), self._log_size)
        return entry

    def _next(self, raw: Raw) -> Entry:
        self.version += 1
        raw["metadata"]["resourceVersion"] = str(self.version)
        return encode(raw, self.version)

    def in_namespace(self, namespace: str) -> Iterator[tuple[Kind, Key]]:
        """What a namespace holds, as a list made beforehand so that it may be deleted from."""
        found = [(kind, key) for kind, each in self._collections.items() for key in each.entries if key[0] == namespace]
        return iter(found)

    def close(self) -> None:
        """Ends every watch."""
        self.closed = True
        for collection in self._collections.values():
            for waker in collection.wakers:
                waker.set()


class Watch:
    """A place in a collection's log. Use as a context manager; `next_changes` waits for what comes after it."""

    def __init__(self, store: Store, kind: Kind, after_version: int) -> None:
        self._store = store
        self._collection = store.collection(kind)
        self._version = after_version
        self._waker = asyncio.Event()
        self._collection.changes_after(after_version)

    def __enter__(self) -> "Watch":
        self._collection.wakers.add(self._waker)
        return self

    def __exit__(self, *_: object) -> None:
        self._collection.wakers.discard(self._waker)

    async def next_changes(self, timeout_seconds: float) -> list[Change]:
        """Changes not seen yet; none when the time is up or the store closes. Raises StatusError 410 when too slow."""
        self._waker.clear()
        changes = self._collection.changes_after(self._version)
        if not changes and not self._store.closed:
            try:
                await asyncio.wait_for(self._waker.wait(), timeout_seconds)
            except TimeoutError:
                return []
            changes = self._collection.changes_after(self._version)
        if changes:
            self._version = changes[-1].version
        return changes


def too_large_version(asked: int, current: int) -> StatusError:
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return StatusError(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})

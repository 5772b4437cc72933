"""A work queue of keys: what every controller's loop stands on.

A key added many times while it waits is handled once; one key is never handled twice at the same time; a key added
while it is being handled is handled again afterwards. A failed key comes back after a growing delay. What a key means,
and what is done for it, is the controller's business.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import aiohttp

from serinus.sandbox.rest import ApiError

FIRST_DELAY_SECONDS = 0.005
LONGEST_DELAY_SECONDS = 60.0
WORKERS = 16

_log = logging.getLogger(__name__)
Key = TypeVar("Key", bound=Hashable)


class KeyedQueue(Generic[Key]):
    """Calls `sync(key)` for every key added, from `run`, with at most WORKERS keys at a time."""

    def __init__(self, name: str, sync: Callable[[Key], Awaitable[None]]) -> None:
        self.name = name
        self._sync = sync
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._wanted: set[Key] = set()
        self._running: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def add(self, key: Key) -> None:
        """Have the key handled as soon as a worker is free."""
        if key in self._wanted:
            return
        self._wanted.add(key)
        if key not in self._running:
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key handled after a delay; of several delays for one key the earliest counts."""
        loop = asyncio.get_running_loop()
        when = loop.time() + max(seconds, 0.0)
        earlier = self._timers.get(key)
        if earlier is not None:
            if earlier.when() <= when:
                return
            earlier.cancel()
        self._timers[key] = loop.call_at(when, self._timer_rang, key)

    async def run(self) -> None:
        """Handle keys until cancelled. An error that is not the API's ends it: that is a mistake in the controller."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(WORKERS):
                    group.create_task(self._work())
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()

    def _timer_rang(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            self._wanted.discard(key)
            self._running.add(key)
            try:
                await self._sync(key)
                self._failures.pop(key, None)
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                self._again_later(key, error)
            finally:
                self._running.discard(key)
            if key in self._wanted:
                self._ready.put_nowait(key)

    def _again_later(self, key: Key, error: Exception) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(FIRST_DELAY_SECONDS * 2.0 ** min(failures, 30), LONGEST_DELAY_SECONDS)
        level = logging.DEBUG if _passes_by_itself(error) else logging.WARNING
        _log.log(level, "%s: %s failed, again in %.3f s: %s", self.name, key, delay, error)
        self.add_after(key, delay)


def _passes_by_itself(error: Exception) -> bool:
    """An old copy, which the watch mends, or a namespace on its way out: not worth a warning."""
    if not isinstance(error, ApiError):
        return False
    return error.status in (404, 409) or (error.status == 403 and "is being terminated" in str(error))

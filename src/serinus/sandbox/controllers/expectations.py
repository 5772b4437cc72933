"""What a controller has asked for and not yet seen, so that a late watch does not make it ask twice."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable

from serinus.sandbox.controllers.objects import ObjectKey

FORGET_SECONDS = 300.0
"""An expectation older than this is dropped: its event was lost, for example over a watch that broke."""


class Expectations:
    """Per owner, the things in flight: names about to be created, uids about to be deleted."""

    def __init__(self) -> None:
        self._in_flight: dict[ObjectKey, dict[Hashable, float]] = defaultdict(dict)

    def expect(self, owner: ObjectKey, thing: Hashable) -> None:
        """Call before the request goes out: its event can come back before its answer."""
        self._in_flight[owner][thing] = asyncio.get_running_loop().time() + FORGET_SECONDS

    def seen(self, owner: ObjectKey, thing: Hashable) -> None:
        things = self._in_flight.get(owner)
        if things is not None:
            things.pop(thing, None)
            if not things:
                del self._in_flight[owner]

    def forget(self, owner: ObjectKey) -> None:
        self._in_flight.pop(owner, None)

    def satisfied(self, owner: ObjectKey) -> bool:
        now = asyncio.get_running_loop().time()
        return all(deadline <= now for deadline in self._in_flight.get(owner, {}).values())

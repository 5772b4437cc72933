"""An event loop whose time is virtual: when nobody has anything to do, it jumps to the next timer."""

import asyncio
import selectors
from typing import Any


class Asleep(Exception):
    """Nothing will ever happen again: every task waits, and no timer is set."""


class _Jump(selectors.SelectSelector):
    """Waits for nothing; the time it was to wait has passed when it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Asleep
        if timeout > 0:
            self.seconds += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Seconds begin at 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.seconds

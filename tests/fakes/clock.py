"""Time and chance in the test's hand: the fakes of the Clock and Dice ports."""

import asyncio
import heapq
import math
from datetime import UTC, datetime, timedelta

REAL_SECONDS_MAX = 10.0


class FakeClock:
    """A clock that stands still until the test moves it; whoever sleeps wakes when its time has come."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._count = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()
        self.slept: list[float] = []
        """How long each sleep so far asked for, in order."""

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._count, future))
        self._changed.set()
        await future

    def sleepers(self) -> list[float]:
        """Seconds from now until each of those asleep wakes, soonest first."""
        return sorted(due - self._elapsed for due, _, future in self._sleepers if not future.done())

    async def until_asleep(self, count: int = 1, seconds_max: float = math.inf) -> None:
        """Wait (in real time, not for long) until so many are asleep, each for at most so long."""
        async with asyncio.timeout(REAL_SECONDS_MAX):
            while sum(left <= seconds_max for left in self.sleepers()) < count:
                self._changed.clear()
                await self._changed.wait()

    def advance(self, seconds: float) -> None:
        """Move time on, and wake all whose time has come."""
        self._elapsed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed + 1e-9:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    async def jump(self) -> float:
        """Wait until somebody sleeps, then move to the moment the first one wakes; returns the seconds passed."""
        await self.until_asleep()
        seconds = self.sleepers()[0]
        self.advance(seconds)
        return seconds


class FakeDice:
    """Chance that always falls the same way."""

    def __init__(self, fraction: float = 1.0 - 2.0**-53, token: str = "00c0ffee") -> None:
        self._fraction = fraction
        self._token = token

    def fraction(self) -> float:
        return self._fraction

    def token(self) -> str:
        return self._token

"""The real clock and the real dice: the only place that may call what the linter bans everywhere else."""

import asyncio
import random  # noqa: TID251 - the adapter behind the Dice port
import time
from datetime import UTC, datetime


class SystemClock:
    """The Clock port over the operating system's clocks and the event loop."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the adapter behind the Clock port

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - the adapter behind the Clock port

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - the adapter behind the Clock port


class SystemDice:
    """The Dice port over the operating system's entropy; with a seed, the same throws every time."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)

    def fraction(self) -> float:
        return self._random.random()

    def token(self) -> str:
        return f"{self._random.getrandbits(32):08x}"

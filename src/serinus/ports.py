"""What the shell may ask of the world, as protocols. Adapters stand elsewhere; `wiring.py` joins the two."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time. Nothing else in the product reads a clock or waits."""

    def now(self) -> datetime:
        """The wall clock's time, aware, in UTC. It may jump; never measure a duration with it."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds; at least one turn of the event loop."""


class Dice(Protocol):
    """Chance. Nothing else in the product is random."""

    def fraction(self) -> float:
        """Uniform in [0, 1)."""

    def token(self) -> str:
        """8 lower-case hexadecimal characters: the names of runners."""

"""The demo in plain lines: for a pipe, a pipeline's log, a file."""

from typing import TextIO

from serinus.cli.demo_run import Scene
from serinus.cli.output import write_line
from serinus.system import SystemClock

TRAFFIC_SECONDS = 5.0


class PlainScreen:
    """One line per event with the seconds since the start, and the traffic's totals now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._traffic_told = 0.0

    def say(self, sentence: str) -> None:
        """One line."""
        write_line(self._stream, f"{self._seconds():5.1f} s  {sentence}")

    def command(self, text: str) -> None:
        """The command, as one would type it."""
        write_line(self._stream, f"\n$ {text}")

    def show(self, scene: Scene) -> None:
        """The totals of the traffic, every few seconds."""
        if self._seconds() < self._traffic_told + TRAFFIC_SECONDS:
            return
        self._traffic_told = self._seconds()
        now = scene.traffic.now
        shares = scene.traffic.shares_percent()
        parts = ", ".join(f"{version} {share:.0f} %" for version, share in sorted(shares.items()))
        self.say(f"traffic: {now['sent']:,} sent, {now['failed']:,} failed, {now['slow']:,} slow; just now {parts}")

    def _seconds(self) -> float:
        return self._clock.monotonic() - self._began

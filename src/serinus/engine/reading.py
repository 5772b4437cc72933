"""When the metrics are read: in the background, an interval apart, and at once when a share is seen to hold.

A reading that was taken is kept until the save that its judgement is in has succeeded.
"""

import asyncio
import math
from dataclasses import dataclass, field

import msgspec

from serinus.core.plan import Plan
from serinus.core.record import Record
from serinus.core.state import State
from serinus.core.world import World
from serinus.engine.judging import judged_with, scraped_pods, seconds_since_start, share_asked, wants_reading
from serinus.judge.scrapes import Scrape
from serinus.ports import Clock, Metrics


@dataclass(slots=True)
class Readings:
    """What one runner remembers of them. `woken` is set when a reading has been taken.

    `begun_at`: when the last one was begun, by the monotonic clock; `begun_in`: in which state, as each state gets one
    of its own at once. `taken`: it is judged in this turn, and not saved yet.
    """

    woken: asyncio.Event
    task: "asyncio.Task[Scrape] | None" = None
    begun_at: float = -math.inf
    begun_in: State | None = None
    taken: Scrape | None = None
    notes: tuple[str, ...] = field(default=())

    def judged(self, record: Record) -> msgspec.Raw:
        """What is to be saved of the judge, with what was read since the last save."""
        if self.taken is None and self.task is not None and self.task.done():
            self.taken, self.task = self.task.result(), None
        return record.judged if self.taken is None else judged_with(record.plan, record.judged, self.taken.reading)

    def saved(self) -> None:
        """The save succeeded."""
        self.taken = None

    def begin(self, metrics: Metrics, clock: Clock, record: Record, world: World) -> None:
        """Begin a reading, if one is due."""
        due_in = self.due_in_seconds(record, clock.monotonic())
        if due_in is None or due_in > 0 or self.task is not None or self.taken is not None:
            return
        self.begun_at, self.begun_in = clock.monotonic(), record.state
        t = seconds_since_start(record, clock.now())
        pods, share_percent = scraped_pods(record, world), share_asked(record.plan, record.state)
        self.task = asyncio.create_task(metrics.read(pods, t, share_percent))
        self.task.add_done_callback(lambda _task: self.woken.set())

    def due_in_seconds(self, record: Record, now: float) -> float | None:
        """In how many seconds the next one is to begin; None: none is, in this state."""
        if not wants_reading(record.plan, record.state):
            return None
        return 0.0 if self.begun_in != record.state else max(0.0, self.begun_at + _interval(record.plan) - now)


def _interval(plan: Plan) -> float:
    return plan.metrics.rules.interval_seconds if plan.metrics is not None else math.inf

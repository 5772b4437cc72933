"""When the metrics are read: in the background, an interval apart, and at once when a share is seen to hold.

What they come to is saved with each change of state, and every SAVE_SECONDS otherwise.
"""

import asyncio
import math
from dataclasses import dataclass

import msgspec

from serinus.core.plan import Plan
from serinus.core.record import Record
from serinus.core.state import Baking, State
from serinus.core.world import World
from serinus.engine.judging import judged_with, scraped_pods, seconds_since_start, share_asked, wants_reading
from serinus.judge.scrapes import Scrape
from serinus.ports import Clock, Metrics

SAVE_SECONDS = 15.0
"""How often the judge's state is saved though nothing else changes: a short interval must not write at each reading."""


@dataclass(slots=True)
class Readings:
    """What one runner remembers of them. `woken` is set when a reading has been taken.

    `begun_at`: when the last one was begun, by the monotonic clock; `begun_in`: in which state, as a share
    that holds gets one at once. `folded`: the judge's state with the readings since it was saved as `folded_from`; a
    run that dies loses it, and nothing with it: counters are cumulative, so the next reading has it all.
    """

    woken: asyncio.Event
    task: "asyncio.Task[Scrape] | None" = None
    begun_at: float = -math.inf
    begun_in: State | None = None
    folded: msgspec.Raw | None = None
    folded_from: msgspec.Raw | None = None

    def judged(self, record: Record) -> msgspec.Raw:
        """The judge's state with all that was read; what another runner saved meanwhile is the base of what comes."""
        if self.folded_from is None or bytes(self.folded_from) != bytes(record.judged):
            self.folded, self.folded_from = None, record.judged
        if self.task is not None and self.task.done():
            reading, self.task = self.task.result().reading, None
            self.folded = judged_with(record.plan, self.folded or record.judged, reading)
        return self.folded or record.judged

    def saved(self, record: Record) -> None:
        """The save succeeded, and this is what is saved now."""
        self.folded, self.folded_from = None, record.judged

    def begin(self, metrics: Metrics, clock: Clock, record: Record, world: World) -> None:
        """Begin a reading, if one is due."""
        due_in = self.due_in_seconds(record, clock.monotonic())
        if due_in is None or due_in > 0 or self.task is not None:
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
        if isinstance(record.state, Baking) and self.begun_in != record.state:
            return 0.0
        return max(0.0, self.begun_at + _interval(record.plan) - now)


def _interval(plan: Plan) -> float:
    return plan.metrics.rules.interval_seconds if plan.metrics is not None else math.inf

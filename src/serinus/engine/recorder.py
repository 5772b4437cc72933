"""Notes what happens in a rollout, for people to read afterwards: what is reported, and every reading.

A courtesy to people: a save that fails is told once, and nothing waits for it. It stands before another Reporter and
hands everything on.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from datetime import datetime

from serinus.core.progress import Progress
from serinus.core.record import Record
from serinus.judge.kept import Kept, Moment, note
from serinus.judge.policy import Policy
from serinus.judge.readings import Reading
from serinus.judge.recording import append
from serinus.ports import Clock, Recordings, Reporter, Trouble

SAVE_SECONDS = 60.0
"""What a run that dies may lose of the recording; its evidence is in the record, and is not lost."""
LAST_SAVE_SECONDS_MAX = 2.0
"""Nobody waits longer than this for the end of a run that is over."""


class Recorder:
    """See the module's text. Made once for each run of the engine; `begin` or `resume` comes first."""

    def __init__(self, recordings: Recordings, clock: Clock, reporter: Reporter) -> None:
        self._recordings = recordings
        self._clock = clock
        self._reporter = reporter
        self._kept: Kept | None = None
        self._saved_at = -math.inf
        self._has_news = False
        self._has_failed = False

    def begin(self, record: Record, policy: Policy | None) -> None:
        """A rollout that begins with this run. `policy`: what its readings are judged by; None: nothing reads any."""
        self._kept = Kept(record.plan.rollout, record.started, policy)

    async def resume(self, record: Record, policy: Policy | None) -> None:
        """A rollout that an earlier run began: go on with what that one kept. One request."""
        self.begin(record, policy)
        try:
            for kept in await self._recordings.load():
                if kept.rollout == record.plan.rollout:
                    self._kept = kept
        except Trouble as trouble:
            self._fail(trouble)

    def take(self, reading: Reading) -> None:
        """One more reading; its time in seconds since the rollout's `Record.started`."""
        if self._kept is not None:
            append(self._kept.recording, reading)
            self._has_news = True

    def report(self, progress: Progress) -> None:
        """See `ports.Reporter`: noted with its time, and handed on."""
        if self._kept is not None:
            t = _seconds_between(self._kept.started, self._clock.now())
            note(self._kept, Moment(t, progress.code, progress.sentence))
            self._has_news = True
        self._reporter.report(progress)

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """While the rollout is driven: saved now and then, and at the end, however it comes."""
        saving = asyncio.create_task(self._save_now_and_then())
        try:
            yield
        finally:
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            try:
                async with asyncio.timeout(LAST_SAVE_SECONDS_MAX):
                    await self.save(is_last=True)
            except TimeoutError:
                self._fail(Trouble(f"the cluster did not take them within {LAST_SAVE_SECONDS_MAX:g} s"))

    async def _save_now_and_then(self) -> None:
        while True:
            await self._clock.sleep(SAVE_SECONDS)
            await self.save(is_last=False)

    async def save(self, is_last: bool) -> None:
        """Save when there is news and the last save is SAVE_SECONDS ago; `is_last`: whenever there is news."""
        now = self._clock.monotonic()
        if self._kept is None or not self._has_news or not (is_last or now - self._saved_at >= SAVE_SECONDS):
            return
        self._saved_at, self._has_news = now, False
        try:
            await self._recordings.save(self._kept)
        except Trouble as trouble:
            self._fail(trouble)

    def _fail(self, trouble: Trouble) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._reporter.report(Progress("trouble", f"the readings of this rollout are not kept: {trouble}"))


def _seconds_between(started: datetime, now: datetime) -> float:
    return (now - started).total_seconds()

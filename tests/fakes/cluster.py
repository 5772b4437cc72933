"""The fake of the Cluster port: the toy cluster of `tests/core/toy.py`, its time and the test's clock as one."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from serinus.core.plan import Plan
from serinus.core.turn import Action
from serinus.core.world import World
from serinus.ports import Trouble
from tests.core.toy import ToyWorld
from tests.fakes.clock import FakeClock


class FakeCluster:
    """Waiting for a change lets the toy's time pass. `before_act` and `after_act` may raise, and so be in the way."""

    def __init__(self, toy: ToyWorld) -> None:
        self.toy = toy
        self.clock = FakeClock(toy.now)
        self.done: list[Action] = []
        self.waits: list[float] = []
        """For how long each wait would have gone on with nothing happening."""
        self.stale_seconds = 0.0
        self.log = ("listening", "boom")
        self.logs_read = 0
        self.refreshes = 0
        self.refusals = 0
        self._looked_at: World | None = None
        self.before_act: Callable[[Action], None] | None = None
        self.after_act: Callable[[Action], None] | None = None

    def observe(self, plan: Plan) -> World:
        self._looked_at = self.toy.observe()
        return replace(self._looked_at, stale_seconds=self.stale_seconds)

    async def changed(self, timeout_seconds: float) -> None:
        self.waits.append(timeout_seconds)
        left = timeout_seconds
        while left > 0 and self.toy.observe() == self._looked_at:
            passed = min(1.0, left)
            self.toy.tick(passed)
            self.clock.advance(passed)
            left -= passed
            await asyncio.sleep(0)  # others may have been waiting for this moment
        await asyncio.sleep(0)

    async def refresh(self) -> None:
        """The toy is always seen as it is; `refusals` times it cannot be."""
        if self.refusals:
            self.refusals -= 1
            raise Trouble("list pods: no connection")
        self.refreshes += 1

    async def act(self, plan: Plan, action: Action) -> None:
        if self.before_act is not None:
            self.before_act(action)
        self.toy.apply(action)
        self.done.append(action)
        if self.after_act is not None:
            self.after_act(action)

    async def job_log(self, job: str) -> tuple[str, ...]:
        self.logs_read += 1
        return self.log

    async def log_tail(self, pod: str, container: str) -> tuple[str, ...]:
        self.logs_read += 1
        return self.log

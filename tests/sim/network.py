"""Between a runner and the API: calls that are lost, late, done twice, refused, or whose sender dies meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

from serinus.ports import LostRace, Trouble
from tests.sim.cluster import Cluster
from tests.sim.faults import CALLS, Fault
from tests.sim.observer import Observer
from tests.sim.scenario import Scenario

TIMEOUT_SECONDS = 10.0
LATE_SECONDS_MAX = 20.0
"""How long after its sender gave it up a call may still be done."""


class Sender:
    """What the network has to know of a runner."""

    name = ""

    def is_alive(self) -> bool:
        raise NotImplementedError

    def die(self) -> None:
        raise NotImplementedError

    def freeze(self, seconds: float) -> None:
        raise NotImplementedError


class Network:
    """One for all runners of a world."""

    def __init__(self, cluster: Cluster, scenario: Scenario, observer: Observer) -> None:
        self.cluster, self.scenario, self.observer = cluster, scenario, observer
        self.dice, self.faults = scenario.dice, scenario.faults
        self.down_until = 0.0
        self.calm = False  # the rollout is over: nothing strikes any more
        self.deaths_left = 4

    def _strikes(self, fault: Fault) -> bool:
        rate = self.faults.rates.get(fault)
        if self.calm or rate is None or self.dice.random() >= rate:
            return False
        self.observer.struck(fault)
        return True

    async def call(self, sender: Sender, what: str, effect: Callable[[], Any]) -> Any:
        """Do `effect` in the true world, as far as the seed lets it. Raises Trouble, LostRace."""
        loop = self.cluster.loop
        if loop.time() < self.down_until:
            await asyncio.sleep(self.dice.uniform(0.05, 3.0))
            raise Trouble(f"{what}: no connection")
        dies = self._dies()
        if dies == "before":
            await self._death(sender)
        fault = next((each for each in CALLS if self._strikes(each)), None)
        seconds = self.dice.uniform(0.005, 0.08)
        if fault is Fault.SLOW:
            seconds = self.dice.uniform(0.5, 6.0)
        elif fault is Fault.THROTTLED:
            await asyncio.sleep(self.dice.choice((1.0, 3.0)))  # the client waits as told, and asks again
            if self.dice.random() < 0.3:
                raise Trouble(f"{what}: too many requests")
        elif fault in (Fault.LOST, Fault.CONFLICT) or (fault is Fault.ERROR and self.dice.random() < 0.5):
            await asyncio.sleep(TIMEOUT_SECONDS if fault is Fault.LOST else seconds)
            raise (LostRace if fault is Fault.CONFLICT and what == "save" else Trouble)(f"{what}: {fault.value}")
        answer: asyncio.Future[Any] = loop.create_future()
        if fault is Fault.LATE:
            loop.call_later(TIMEOUT_SECONDS + self.dice.uniform(0, LATE_SECONDS_MAX), self._late, what, effect)
            await asyncio.sleep(TIMEOUT_SECONDS)
            raise Trouble(f"{what}: timed out", may_come_late=True)
        if fault is Fault.REPEATED:  # the client's connection broke, and it asked again: the second answer counts
            loop.call_later(seconds, self._attempt, f"{sender.name}, first: {what}", effect)
            seconds += self.dice.uniform(0.01, 2.0)
        loop.call_later(seconds, self._do, sender, what, effect, answer, dies == "after")
        result = await answer
        if fault in (Fault.ANSWER_LOST, Fault.ERROR):
            await asyncio.sleep(TIMEOUT_SECONDS if fault is Fault.ANSWER_LOST else 0.05)
            raise Trouble(f"{what}: the answer was lost", may_come_late=True)
        if isinstance(result, Exception):
            raise result
        return result

    def _dies(self) -> str:
        if self.deaths_left <= 0 or not self._strikes(Fault.DIES):
            return ""
        self.deaths_left -= 1
        return self.dice.choice(("before", "after"))

    async def _death(self, sender: Sender) -> None:
        self.cluster.loop.call_soon(sender.die)
        await self.cluster.loop.create_future()

    def _attempt(self, what: str, effect: Callable[[], Any]) -> Any:
        try:
            result = effect()
        except (Trouble, LostRace) as refusal:
            self.cluster.note(f"> {what}: refused, {refusal}")
            return refusal
        self.cluster.note(f"> {what}: done")
        return result

    def _do(
        self, sender: Sender, what: str, effect: Callable[[], Any], answer: "asyncio.Future[Any]", dies: bool
    ) -> None:
        if not self.observer.is_driver(sender.name):  # it was sent before someone else took over
            self.observer.watcher.taken(self.cluster.loop.time(), self.scenario.plan.replicas)
        result = self._attempt(f"{sender.name}: {what}", effect)
        if dies:
            sender.die()
        if not sender.is_alive() or answer.done():
            return
        seconds = self.dice.uniform(0.002, 0.05)
        if self._strikes(Fault.FREEZES):
            seconds = self.dice.uniform(3, 60)
            sender.freeze(seconds)
        self.cluster.loop.call_later(seconds, self._answer, answer, result)

    def _answer(self, answer: "asyncio.Future[Any]", result: Any) -> None:
        if not answer.done():
            answer.set_result(result)

    def _late(self, what: str, effect: Callable[[], Any]) -> None:
        """Its sender has given it up long ago: what it takes, the network took."""
        if not isinstance(self._attempt(f"late: {what}", effect), Exception):
            self.observer.others_changed("late", self.scenario.plan.replicas)

"""A few questions of the crash exam, so that it stays alive, those that were once answered wrongly among them.

`./run crash` asks them all. All sittings run side by side, and each test looks at its own.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from serinus.sandbox.certificate import Certificate
from tests.crash.proxy import Call, Moment
from tests.crash.sitting import Mark, Paper, plain_calls, sit
from tests.stories.cluster import Cluster

AT_ONCE = 4
pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Question:
    """A paper whose call is told by its words; `which` of those in a rollout, the last unless it says otherwise."""

    naming: str
    call: str
    moment: Moment
    then: str
    wake: str = ""
    which: int = -1

    def paper(self, calls: list[Call]) -> Paper:
        number = [call.number for call in calls if str(call) == self.call][self.which]
        return Paper(self.naming, number, self.moment, self.then, self.wake)


QUESTIONS = {
    "killed as the canary is made, resumed": Question("versioned", "create deployments", Moment.AFTER, "resume"),
    "killed as the canary grows, aborted": Question("in-place", "patch deployments/shop-v2", Moment.AFTER, "abort"),
    "killed within the adoption, resumed": Question("in-place", "delete deployments/shop-v2", Moment.AFTER, "resume"),
    "a canary made after the end is removed": Question(
        "in-place", "create deployments", Moment.BEFORE, "rivals", "end"
    ),
    "a shrink of production that comes after the end is refused": Question(
        "in-place", "patch deployments/shop", Moment.BEFORE, "rivals", "end", which=1
    ),
    "a Lease left after the last save is removed by deploy": Question(
        "in-place", "delete leases/serinus-shop", Moment.BEFORE, "resume"
    ),
    "a Lease left before the first save is removed by abort": Question(
        "versioned", "create leases", Moment.AFTER, "abort"
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sittings(cluster: Cluster, certificate: Certificate) -> AsyncIterator[dict[str, asyncio.Task[Mark]]]:
    namings = ("versioned", "in-place")
    calls = await asyncio.gather(*(plain_calls(cluster, certificate, naming) for naming in namings))
    calls_of = dict(zip(namings, calls, strict=True))
    seats = asyncio.Semaphore(AT_ONCE)

    async def seated(question: Question) -> Mark:
        async with seats:
            return await sit(cluster, certificate, question.paper(calls_of[question.naming]))

    tasks = {name: asyncio.create_task(seated(question)) for name, question in QUESTIONS.items()}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_runner_struck_down_leaves_users_served_and_nothing_behind(
    sittings: dict[str, asyncio.Task[Mark]], name: str
) -> None:
    mark = await sittings[name]
    assert mark.broken == [], mark.story
    assert mark.struck is not None

"""A few questions of the crash exam, so that it stays alive; `./run crash` asks them all.

All sittings run side by side, and each test looks at its own.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from serinus.sandbox.certificate import Certificate
from tests.crash.proxy import Moment
from tests.crash.sitting import Mark, Paper, sit
from tests.stories.cluster import Cluster

AT_ONCE = 4
pytestmark = pytest.mark.asyncio(loop_scope="session")

CREATES_CANARY, SCALES_CANARY, LATE = 34, 45, 52
PAPERS = [
    Paper("versioned", CREATES_CANARY, Moment.AFTER, "resume"),
    Paper("versioned", SCALES_CANARY, Moment.BEFORE, "abort"),
    Paper("in-place", SCALES_CANARY, Moment.AFTER, "abort"),
    Paper("in-place", LATE, Moment.BEFORE, "resume"),
    Paper("in-place", CREATES_CANARY, Moment.BEFORE, "rivals", "end"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sittings(cluster: Cluster, certificate: Certificate) -> AsyncIterator[dict[Paper, asyncio.Task[Mark]]]:
    seats = asyncio.Semaphore(AT_ONCE)

    async def seated(paper: Paper) -> Mark:
        async with seats:
            return await sit(cluster, certificate, paper)

    tasks = {paper: asyncio.create_task(seated(paper)) for paper in PAPERS}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize(
    "paper", PAPERS, ids=lambda paper: f"{paper.naming} {paper.title} {paper.number} {paper.moment.value}"
)
async def test_a_runner_struck_down_leaves_users_served_and_nothing_behind(
    sittings: dict[Paper, asyncio.Task[Mark]], paper: Paper
) -> None:
    mark = await sittings[paper]
    assert mark.broken == [], mark.story
    assert mark.struck is not None

"""People beside a rollout: who aborts it, watches it, interrupts it, kills it, or starts a second one."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from tests.stories import manifests
from tests.stories.cluster import Cluster
from tests.stories.manifests import SERVICE
from tests.stories.observer import image_of
from tests.stories.place import Place, open_place
from tests.stories.session import Result, Session

V1, V2 = "demo/checkout:v1", "demo/checkout:v2"
LONG = ("--bake", "600")


async def half_way(place: Place, *options: str) -> Session:
    """A rollout that holds its first share, for as long as it is let."""
    await place.in_production(manifests.in_place(4))
    session = await place.start("deploy", SERVICE, "--image", V2, *LONG, *options)
    await session.says("step 1 of 4")
    return session


async def test_abort_from_another_terminal_takes_it_back(place: Place) -> None:
    session = await half_way(place)
    abort = await place.serinus("abort", SERVICE)
    deploy = await session.ended()
    assert (abort.code, deploy.code) == (0, 4)
    assert "a person asked for the way back" in deploy.output
    assert "version v1 serves everyone" in abort.output
    assert place.least_ready() == 4
    assert await place.left_behind() == []


async def test_abort_with_nothing_under_way_says_so(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    result = await place.serinus("abort", SERVICE)
    assert result.code == 0
    assert f"no rollout of Service {SERVICE} is under way" in result.output
    assert await place.traces() == []


async def test_status_shows_the_share_and_who_drives_and_watches_until_the_end(place: Place) -> None:
    session = await half_way(place)
    status = await place.serinus("status", SERVICE)
    assert "v1 -> v2" in status.output
    assert "step 1 of 4: holding 25 %; serving: 1 canary, 3 stable (25 %)" in status.output
    assert "driven by" in status.output
    watching = await place.start("status", SERVICE, "--watch")
    await watching.says("holding 25 %")
    session.signal(signal.SIGINT)
    assert "finished, aborted" in (await watching.ended()).output.splitlines()[-1]


async def test_status_of_a_service_never_released(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    result = await place.serinus("status", SERVICE)
    assert (result.code, result.output) == (
        0,
        f"Service {SERVICE} in namespace {place.namespace}: never released by Serinus",
    )


async def test_an_interrupted_run_takes_its_canary_back(place: Place) -> None:
    session = await half_way(place)
    async with place.users() as traffic:
        session.signal(signal.SIGINT)
        result = await session.ended()
    assert result.code == 130
    assert traffic.failed == []
    assert place.least_ready() == 4
    assert await place.left_behind() == []


async def test_sigterm_is_an_interruption_too(place: Place) -> None:
    session = await half_way(place)
    session.signal(signal.SIGTERM)
    assert (await session.ended()).code == 130
    assert await place.left_behind() == []


async def test_a_second_run_is_refused_while_one_drives(place: Place) -> None:
    session = await half_way(place)
    second = await place.deploy(V2)
    assert second.code == 2
    assert f"Service {SERVICE} is being released" in second.errors
    other = await place.deploy("demo/checkout:v5")
    assert other.code == 2
    assert "version v5 cannot be released now" in other.errors
    assert place.deployments() == {SERVICE: 3, f"{SERVICE}-v2": 1}
    session.signal(signal.SIGINT)
    assert (await session.ended()).code == 130


@dataclass(frozen=True, slots=True)
class Abandoned:
    """What became of a rollout whose runner was killed: by another deploy, or by an abort."""

    status: Result
    result: Result
    deployments: dict[str, int]
    images: list[str]
    least_ready: int
    left_behind: list[str]


async def _abandon(cluster: Cluster, *way_on: str) -> Abandoned:
    """Kill the runner half way, and go on with another command. Waits for the dead one's lease to run out."""
    async with open_place(cluster) as place:
        await place.in_production(manifests.versioned(4))
        session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "2")
        await session.says("step 2 of 4")
        session.signal(signal.SIGKILL)
        assert (await session.ended()).code == -signal.SIGKILL
        result = await place.serinus(*way_on)
        status = await place.serinus("status", SERVICE)
        images = [image_of(pod) for pod in place.pods()]
        left = await place.left_behind()
        return Abandoned(status, result, place.deployments(), images, place.least_ready(), left)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def abandoned(cluster: Cluster) -> AsyncIterator[dict[str, Abandoned]]:
    """Both ways on at a time, as each waits for its lease."""
    ways = {"deploy": ("deploy", SERVICE, "--version", "v2"), "abort": ("abort", SERVICE)}
    stories = await asyncio.gather(*(_abandon(cluster, *way) for way in ways.values()))
    yield dict(zip(ways, stories, strict=True))


def test_a_rollout_whose_runner_was_killed_is_finished_by_the_next_deploy(abandoned: dict[str, Abandoned]) -> None:
    story = abandoned["deploy"]
    assert story.result.code == 0, story.result.output + story.result.errors
    assert "going on with the unfinished rollout of version v2" in story.result.output
    assert story.deployments == {f"{SERVICE}-v2": 4}
    assert story.images == [V2] * 4
    assert story.least_ready == 4
    assert "finished, promoted" in story.status.output


def test_a_rollout_whose_runner_was_killed_is_taken_back_by_abort(abandoned: dict[str, Abandoned]) -> None:
    story = abandoned["abort"]
    assert story.result.code == 0, story.result.output + story.result.errors
    assert "nobody began with it: taking it back from here" in story.result.output
    assert story.deployments == {f"{SERVICE}-v1": 4}
    assert story.images == [V1] * 4
    assert story.least_ready == 4
    assert story.left_behind == []

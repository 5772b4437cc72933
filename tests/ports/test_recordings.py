"""The exam of the Recordings port, taken by the fake and by the ConfigMap of the cluster."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from serinus.judge.kept import Kept, Moment, note
from serinus.judge.policy import Policy
from serinus.judge.recording import Recording, append
from serinus.kube.recordings import KubeRecordings, recordings_name
from serinus.kube.resources import CONFIGMAPS
from serinus.kube.store import SERVICE_LABEL
from serinus.ports import Recordings
from tests.core.samples import after
from tests.fakes.recordings import FakeRecordings
from tests.kube.embedded import embedded
from tests.report.rollouts import BAD, long_rollout, rollout


@contextlib.asynccontextmanager
async def fake() -> AsyncIterator[tuple[Recordings, Recordings]]:
    both = FakeRecordings()
    yield both, both


@contextlib.asynccontextmanager
async def in_the_cluster() -> AsyncIterator[tuple[Recordings, Recordings]]:
    async with embedded() as (client, _):
        yield KubeRecordings(client, "shop", "checkout"), KubeRecordings(client, "shop", "checkout")


@pytest.fixture(params=[fake, in_the_cluster], ids=["fake", "cluster"])
async def examinees(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Recordings, Recordings]]:
    async with request.param() as made:
        yield made


def kept_of(number: int) -> Kept:
    kept = Kept(f"rollout{number}", after(1000.0 * number), Policy(), [])
    for reading in rollout(BAD):
        append(kept.recording, reading)
    note(kept, Moment(1.0, "create_canary", "creating <canary> & more"))
    return kept


async def test_nothing_is_loaded_before_the_first_save(examinees: tuple[Recordings, Recordings]) -> None:
    assert await examinees[0].load() == ()


async def test_what_one_saved_another_loads(examinees: tuple[Recordings, Recordings]) -> None:
    one, two = examinees
    kept = kept_of(1)
    await one.save(kept)
    assert await two.load() == (kept,)


async def test_a_later_save_of_a_rollout_replaces_the_earlier_one(examinees: tuple[Recordings, Recordings]) -> None:
    one, two = examinees
    kept = kept_of(1)
    await one.save(kept)
    note(kept, Moment(2.0, "leaving", "harm"))
    await two.save(kept)
    assert await one.load() == (kept,)


async def test_the_last_three_rollouts_are_kept_the_newest_first(examinees: tuple[Recordings, Recordings]) -> None:
    one, two = examinees
    for number in (1, 2, 3, 4, 5):
        await one.save(kept_of(number))
    assert [kept.rollout for kept in await two.load()] == ["rollout5", "rollout4", "rollout3"]


async def test_a_rollout_without_metrics_keeps_what_happened(examinees: tuple[Recordings, Recordings]) -> None:
    one, two = examinees
    kept = Kept("plain", after(0), None, [Moment(0.5, "leaving", "a crash loop")], Recording([]))
    await one.save(kept)
    assert await two.load() == (kept,)


async def test_the_configmap_stays_small_and_is_not_taken_for_a_record() -> None:
    async with embedded() as (client, _):
        recordings = KubeRecordings(client, "shop", "checkout")
        for number in range(4):
            kept = Kept(f"long{number}", after(number))
            for reading in long_rollout(0.5, 10):
                append(kept.recording, reading)
            await recordings.save(kept)
        raw = await client.get(CONFIGMAPS, recordings_name("checkout"), "shop")
        assert sum(len(text) for text in raw["data"].values()) < 256 * 1024
        assert SERVICE_LABEL not in raw["metadata"]["labels"]

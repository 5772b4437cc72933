"""The lock between runners, on the embedded API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from serinus.kube import errors
from serinus.kube.client import Client, PatchKind
from serinus.kube.config import User
from serinus.kube.lease import Holder, Lease, LeaseHeld, holder_of
from serinus.kube.resources import LEASES, NAMESPACES
from serinus.sandbox.api import User as ApiUser
from serinus.sandbox.api import serve
from tests.fakes.clock import FakeClock
from tests.fakes.server import answer, failure, never, scripted_server
from tests.kube.support import client_for


@contextlib.asynccontextmanager
async def cluster(clock: FakeClock) -> AsyncIterator[Client]:
    async with (
        serve(tokens={"secret": ApiUser("admin", ("system:masters",))}) as server,
        client_for(server.url, clock, User(token="secret")) as client,
    ):
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield client


def lease(client: Client, identity: str) -> Lease:
    return Lease(client, "checkout", "shop", identity, {"app.kubernetes.io/managed-by": "serinus"})


async def read_holder(client: Client) -> Holder | None:
    try:
        return holder_of(await client.get(LEASES, "checkout", "shop"))
    except errors.NotFound:
        return None


async def test_a_free_lease_is_taken_and_given_back_without_a_trace() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        async with lease(client, "runner-a") as mine:
            holder = await read_holder(client)
            assert holder is not None
            assert (holder.identity, holder.renewed, holder.duration_seconds) == ("runner-a", clock.now(), 15)
            assert holder.is_live(clock.now() + timedelta(seconds=15))
            assert not holder.is_live(clock.now() + timedelta(seconds=16))
            assert not mine.lost.is_set()
        with pytest.raises(errors.NotFound):
            await client.get(LEASES, "checkout", "shop")


async def test_it_is_renewed_every_five_seconds() -> None:
    clock = FakeClock()
    async with cluster(clock) as client, lease(client, "runner-a") as mine:
        for seconds in (5, 10, 15, 20):
            await clock.until_asleep(seconds_max=5)
            clock.advance(5)
            await _renewed_at(client, clock, seconds)
        assert not mine.lost.is_set()


async def test_a_living_holder_is_named() -> None:
    clock = FakeClock()
    async with cluster(clock) as client, lease(client, "runner-a"):
        acquiring = asyncio.create_task(lease(client, "runner-b").acquire())
        await clock.until_asleep(3)  # the holder's renewal, the watch's silence, our patience
        clock.advance(5)
        with pytest.raises(LeaseHeld, match="runner-a holds it") as caught:
            await acquiring
    assert caught.value.holder is not None
    assert caught.value.holder.identity == "runner-a"


async def test_a_dead_holder_is_outlasted_by_our_own_clock() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        await _leave_behind(client, clock, age_seconds=-3600)  # the dead runner's clock was an hour ahead
        mine = lease(client, "runner-b")
        acquiring = asyncio.create_task(mine.acquire())
        await clock.until_asleep(2)  # the watch's silence, our patience
        clock.advance(14.9)
        await asyncio.wait([acquiring], timeout=0.05)
        assert not acquiring.done()
        clock.advance(0.2)
        await acquiring
        raw = await client.get(LEASES, "checkout", "shop")
        await mine.release()
    assert raw["spec"]["holderIdentity"] == "runner-b"
    assert raw["spec"]["leaseTransitions"] == 1


async def test_a_lease_that_expired_long_ago_is_taken_at_once() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        await _leave_behind(client, clock, age_seconds=31)
        async with lease(client, "runner-b"):
            assert clock.monotonic() == 0


async def test_a_lease_that_expired_just_now_is_watched_first() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        await _leave_behind(client, clock, age_seconds=29)
        mine = lease(client, "runner-b")
        acquiring = asyncio.create_task(mine.acquire())
        await clock.until_asleep(2)
        assert not acquiring.done()
        clock.advance(15)
        await acquiring
        await mine.release()


async def test_a_holder_that_leaves_while_we_watch_makes_way() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        await _leave_behind(client, clock, age_seconds=0)
        mine = lease(client, "runner-b")
        acquiring = asyncio.create_task(mine.acquire())
        await clock.until_asleep(2)
        await client.delete(LEASES, "checkout", "shop")
        await acquiring
        assert clock.monotonic() == 0
        await mine.release()


async def test_a_lease_that_another_took_is_lost_and_not_deleted() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        async with lease(client, "runner-a") as mine:
            await clock.until_asleep()
            await _patch_spec(client, holderIdentity="runner-b")
            clock.advance(5)
            async with asyncio.timeout(10):
                await mine.lost.wait()
        assert holder_of(await client.get(LEASES, "checkout", "shop")) is not None


async def test_a_lease_that_another_took_unseen_is_not_deleted() -> None:
    clock = FakeClock()
    async with cluster(clock) as client:
        async with lease(client, "runner-a"):
            await _patch_spec(client, holderIdentity="runner-b")
        holder = await read_holder(client)
    assert holder is not None
    assert holder.identity == "runner-b"


async def test_somebody_who_labels_the_lease_does_not_take_it() -> None:
    clock = FakeClock()
    async with cluster(clock) as client, lease(client, "runner-a") as mine:
        await clock.until_asleep()
        labels = {"metadata": {"labels": {"team": "shop"}}}
        await client.patch(LEASES, "checkout", "shop", labels, kind=PatchKind.MERGE)
        clock.advance(5)
        await clock.until_asleep(seconds_max=1)
        clock.advance(1)
        await _renewed_at(client, clock, 6)
        assert not mine.lost.is_set()


async def test_a_server_that_is_silent_for_ten_seconds_costs_the_lease() -> None:
    clock = FakeClock()
    async with scripted_server() as server, client_for(server.url, clock) as client:
        server.then(failure(404)).then(
            answer({"metadata": {"name": "checkout", "uid": "u", "resourceVersion": "1"}})
        ).then(never())
        mine = lease(client, "runner-a")
        await mine.acquire()
        await clock.until_asleep()
        clock.advance(5)
        await clock.until_asleep(seconds_max=5)
        assert not mine.lost.is_set()
        clock.advance(5)
        async with asyncio.timeout(10):
            await mine.lost.wait()
        await mine.release()
        assert len(server.seen) == 3  # what is lost is not ours to delete


async def _renewed_at(client: Client, clock: FakeClock, seconds: float) -> None:
    assert clock.monotonic() == pytest.approx(seconds)
    async with asyncio.timeout(10):
        while (holder := await read_holder(client)) is None or holder.renewed != clock.now():
            pass


async def _leave_behind(client: Client, clock: FakeClock, age_seconds: float) -> None:
    renewed = (clock.now() - timedelta(seconds=age_seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "runner-a", "renewTime": renewed, "acquireTime": renewed, "leaseDurationSeconds": 15}
    raw = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "checkout"}, "spec": spec}
    await client.create(LEASES, raw, "shop")


async def _patch_spec(client: Client, **fields: object) -> None:
    await client.patch(LEASES, "checkout", "shop", {"spec": fields}, kind=PatchKind.MERGE)

"""The exam of the Cluster port, as far as no pod is needed: taken by the toy and by the adapter on the embedded API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from serinus.core.plan import Plan, Promotion
from serinus.core.turn import (
    CreateCanary,
    HandTemplate,
    MarkVersion,
    OrphanCanary,
    ReleaseStable,
    RemoveCanary,
    RemoveStable,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
)
from serinus.kube.target import follow, open_target
from serinus.kube.world import KubeCluster
from serinus.ports import Cluster, Trouble
from tests.core.samples import plan_of
from tests.core.toy import ToyWorld
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.kube.embedded import deployment, embedded, furnish

Seat = tuple[Cluster, Plan]
ACTION_SECONDS = 10.0


@contextlib.asynccontextmanager
async def toy(plan: Plan) -> AsyncIterator[Seat]:
    yield FakeCluster(ToyWorld(plan)), plan


@contextlib.asynccontextmanager
async def adapter(plan: Plan) -> AsyncIterator[Seat]:
    assert plan.stable is not None
    async with embedded(FakeClock()) as (client, _):
        labels = {"version": plan.stable.version} if plan.mark_version else {}
        raw = await furnish(client, deployment(plan.stable.name), **labels)
        stable = msgspec.structs.replace(plan.stable, uid=raw["metadata"]["uid"])
        plan = msgspec.structs.replace(plan, stable=stable)
        async with open_target(client, "shop", "checkout") as target:
            await follow(target, plan)
            yield KubeCluster(target), plan


@pytest.fixture(params=[toy, adapter], ids=["toy", "adapter"])
async def rename(request: pytest.FixtureRequest) -> AsyncIterator[Seat]:
    async with request.param(plan_of()) as seat:
        yield seat


@pytest.fixture(params=[toy, adapter], ids=["toy", "adapter"])
async def adopt(request: pytest.FixtureRequest) -> AsyncIterator[Seat]:
    async with request.param(plan_of(Promotion.ADOPT)) as seat:
        yield seat


async def test_before_the_start_there_is_production_alone(rename: Seat) -> None:
    cluster, plan = rename
    world = cluster.observe(plan)
    assert world.canary is None
    assert world.stable is not None
    assert (world.stable.wanted, world.stable.paused, world.stable.release) == (4, False, None)
    assert (world.service_version, world.stale_seconds, world.canary_pods_left) == ("v1", 0.0, 0)


async def test_a_canary_that_was_made_is_seen_at_once(rename: Seat) -> None:
    cluster, plan = rename
    await cluster.act(plan, CreateCanary(2))
    canary = cluster.observe(plan).canary
    assert canary is not None
    assert (canary.wanted, canary.release, canary.deleting) == (2, "v2", False)


async def test_making_the_canary_twice_is_making_it_once(rename: Seat) -> None:
    cluster, plan = rename
    await cluster.act(plan, CreateCanary(2))
    await cluster.act(plan, CreateCanary(3))
    canary = cluster.observe(plan).canary
    assert canary is not None
    assert canary.wanted == 2


async def test_sizes_go_from_what_was_seen_to_what_is_wished(rename: Seat) -> None:
    cluster, plan = rename
    await cluster.act(plan, CreateCanary(1))
    await cluster.act(plan, ScaleCanary(1, 2))
    await cluster.act(plan, ScaleStable(4, 2))
    world = cluster.observe(plan)
    assert world.canary is not None
    assert world.stable is not None
    assert (world.canary.wanted, world.stable.wanted, world.stable.settled) == (2, 2, False)


@pytest.mark.parametrize("action", [ScaleCanary(7, 2), ScaleStable(7, 2)])
async def test_a_size_that_is_no_longer_what_was_seen_is_left_alone(
    rename: Seat, action: ScaleCanary | ScaleStable
) -> None:
    cluster, plan = rename
    await cluster.act(plan, CreateCanary(1))
    before = cluster.observe(plan)
    with pytest.raises(Trouble):
        await cluster.act(plan, action)
    assert cluster.observe(plan) == before


async def test_the_label_is_written_and_written_again_without_harm(rename: Seat) -> None:
    cluster, plan = rename
    for version in ("v2", "v2", "v1"):
        await cluster.act(plan, MarkVersion(version))
        assert cluster.observe(plan).service_version == version


@pytest.mark.parametrize("action", [ScaleCanary(1, 2), RemoveCanary()])
async def test_what_is_not_there_cannot_be_changed(rename: Seat, action: ScaleCanary | RemoveCanary) -> None:
    cluster, plan = rename
    with pytest.raises(Trouble):
        await cluster.act(plan, action)


async def test_a_canary_asked_to_go_is_on_its_way_or_gone(rename: Seat) -> None:
    cluster, plan = rename
    await cluster.act(plan, CreateCanary(1))
    await cluster.act(plan, RemoveCanary())
    canary = cluster.observe(plan).canary
    assert canary is None or canary.deleting
    await _until_no_canary(cluster, plan)


async def test_a_previous_version_asked_to_go_is_on_its_way_or_gone(rename: Seat) -> None:
    cluster, plan = rename
    await cluster.act(plan, RemoveStable())
    stable = cluster.observe(plan).stable
    assert stable is None or stable.deleting


async def test_production_takes_over_the_template_paused_and_with_room_for_both(adopt: Seat) -> None:
    cluster, plan = adopt
    await cluster.act(plan, CreateCanary(4))
    await cluster.act(plan, HandTemplate())
    world = cluster.observe(plan)
    assert world.stable is not None
    assert world.adoption is not None
    assert (world.stable.paused, world.stable.release, world.stable.max_surge) == (True, "v2", 4)
    assert world.stable.wanted == 4
    assert world.adoption.templates_equal


async def test_the_size_of_the_adopted_is_set_only_while_paused(adopt: Seat) -> None:
    cluster, plan = adopt
    with pytest.raises(Trouble):
        await cluster.act(plan, SizeAdopted(4, 1))
    await cluster.act(plan, CreateCanary(4))
    await cluster.act(plan, HandTemplate())
    await cluster.act(plan, SizeAdopted(6, 1))
    stable = cluster.observe(plan).stable
    assert stable is not None
    assert (stable.wanted, stable.max_surge, stable.paused) == (6, 1, True)


async def test_production_that_goes_on_has_the_strategy_it_had(adopt: Seat) -> None:
    cluster, plan = adopt
    await cluster.act(plan, CreateCanary(4))
    await cluster.act(plan, HandTemplate())
    await cluster.act(plan, OrphanCanary())
    await cluster.act(plan, ReleaseStable())
    stable = cluster.observe(plan).stable
    assert stable is not None
    assert (stable.paused, stable.max_surge, stable.release) == (False, "25%", "v2")


async def test_a_log_that_cannot_be_had_is_no_error(rename: Seat) -> None:
    cluster, _ = rename
    assert isinstance(await cluster.log_tail("nobody", "app"), tuple)


async def test_a_wait_ends_when_something_changed(rename: Seat) -> None:
    cluster, plan = rename
    cluster.observe(plan)
    await cluster.act(plan, CreateCanary(1))
    async with asyncio.timeout(ACTION_SECONDS):
        await cluster.changed(3600)


async def _until_no_canary(cluster: Cluster, plan: Plan) -> None:
    async with asyncio.timeout(ACTION_SECONDS):
        while cluster.observe(plan).canary is not None:
            await cluster.changed(1.0)

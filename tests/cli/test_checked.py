"""What stands against a plan, and what is to be known of it, on its way to people."""

import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from serinus.cli.checked import Checked, Refused, checked_plan
from serinus.cli.plan import plan_json, plan_text
from serinus.core.resolve import NothingToDo
from serinus.core.spec import Image, Spec, StepSpec
from serinus.kube.target import open_target
from serinus.system import SystemClock, SystemDice
from serinus.wiring import Session
from tests.kube.preflight_world import ADMIN, NAMESPACE, SPEC, World, running_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running_world() as running:
        yield running


async def checked(world: World, spec: Spec) -> Checked | NothingToDo:
    async with world.client(ADMIN) as client, open_target(client, NAMESPACE, spec.service) as target:
        return await checked_plan(Session(client, SystemClock(), SystemDice(), "the test"), target, spec)


async def test_what_the_plan_cannot_be_and_what_the_cluster_lacks_are_said_together(world: World) -> None:
    world.production()
    world.pod("legacy-0", "StatefulSet", "legacy")
    before = world.versions()
    with pytest.raises(Refused) as refused:
        await checked(world, msgspec.structs.replace(SPEC, steps=(StepSpec(3),)))
    assert "3 % of 4 pods cannot be had" in refused.value.message
    assert "StatefulSet legacy stands behind the Service" in refused.value.message
    assert refused.value.exit_code == 2
    assert world.versions() == before


async def test_a_name_that_is_taken_is_said_once(world: World) -> None:
    world.production()
    template = {"metadata": {"labels": {"app": "other"}}, "spec": {"containers": [{"name": "a", "image": "b:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "other"}}, "template": template}
    world.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout-v2"}, "spec": spec})
    with pytest.raises(Refused) as refused:
        await checked(world, SPEC)
    assert refused.value.message.count("where:") == 1
    assert "Deployment checkout-v2 exists already" in refused.value.message


async def test_notes_come_with_the_plan_in_text_and_in_json(world: World) -> None:
    world.production(readinessProbe=None)
    world.node("n1")
    found = await checked(world, SPEC)
    assert not isinstance(found, NothingToDo)
    sentence = "Deployment checkout has a container without a readiness probe: its pods count as ready"
    (line,) = [line for line in plan_text(found).splitlines() if "readiness" in line]
    assert line.startswith(f"  - {sentence}")
    (as_json,) = json.loads(plan_json(found))["notes"]
    assert as_json["check"] == "readiness-probe"
    assert set(as_json) == {"check", "what", "why", "do"}


async def test_nothing_to_do_is_looked_at_no_further(world: World) -> None:
    world.production()
    same = msgspec.structs.replace(SPEC, images=(Image("demo/checkout:v1"),))
    assert await checked(world, same) == NothingToDo("v1", "checkout")
    assert not any(request.method == "POST" for request in world.sent)


@pytest.mark.parametrize(("least", "may_miss"), [(None, 1), (3, 1), (4, 0), ("100%", 0)])
async def test_on_the_way_back_no_more_pods_may_be_missing_than_every_disruption_budget_lets(
    world: World, least: int | str | None, may_miss: int
) -> None:
    world.production()
    if least is not None:
        spec = {"minAvailable": least, "selector": {"matchLabels": {"app": "checkout"}}}
        metadata = {"name": "checkout"}
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
        world.create(budget)
    found = await checked(world, SPEC)
    assert not isinstance(found, NothingToDo)
    assert found.plan.stable is not None
    assert found.plan.stable.max_unavailable == may_miss

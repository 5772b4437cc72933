"""Actions that need objects of their own on the embedded API: the autoscaler, the probe, the template taken back."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.spec import RELEASE_LABEL, Smoke
from serinus.core.turn import (
    CreateCanary,
    CreateProbe,
    HandTemplate,
    OrphanCanary,
    PinAutoscaler,
    RemoveProbe,
    RestoreAutoscaler,
    TakeBackTemplate,
)
from serinus.kube.client import Client, PatchKind
from serinus.kube.resources import DEPLOYMENTS, HPAS, PODS, REPLICASETS
from serinus.kube.target import follow, open_target
from serinus.kube.world import KubeCluster
from serinus.ports import Trouble
from tests.core.samples import plan_of
from tests.fakes.clock import FakeClock
from tests.kube.embedded import deployment, embedded, furnish, replicaset

BEHAVIOR = {"scaleUp": {"selectPolicy": "Max", "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]}}


def hpa(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    body = {"scaleTargetRef": target, "maxReplicas": 9} | spec
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "checkout"},
        "spec": body,
    }


@contextlib.asynccontextmanager
async def seat(plan: Plan, *objects: tuple[Any, dict[str, Any]]) -> AsyncIterator[tuple[Client, KubeCluster, Plan]]:
    """The adapter for this plan, and production with a ReplicaSet of its own."""
    assert plan.stable is not None
    async with embedded(FakeClock()) as (client, _):
        raw = await furnish(client, deployment(plan.stable.name))
        await replicaset(client, raw, f"{plan.stable.name}-5d4c")
        for resource, made in objects:
            await client.create(resource, made, "shop")
        stable = msgspec.structs.replace(plan.stable, uid=raw["metadata"]["uid"])
        plan = msgspec.structs.replace(plan, stable=stable)
        async with open_target(client, "shop", "checkout") as target:
            await follow(target, plan)
            yield client, KubeCluster(target), plan


@pytest.mark.parametrize("before", [{}, {"minReplicas": 3}, {"minReplicas": 3, "behavior": BEHAVIOR}])
async def test_an_autoscaler_is_held_still_and_given_back_what_it_had(before: dict[str, Any]) -> None:
    async with embedded(FakeClock()) as (client, _):
        stored = await client.create(HPAS, hpa(**before), "shop")
    spec = stored["spec"]
    plan = plan_of(Promotion.ADOPT, autoscaler=AutoscalerRef("checkout", spec.get("minReplicas"), spec.get("behavior")))
    async with seat(plan, (HPAS, hpa(**before))) as (client, cluster, plan):
        await cluster.act(plan, PinAutoscaler())
        pinned = cluster.observe(plan).autoscaler
        assert pinned is not None
        assert (pinned.pinned, pinned.as_before) == (True, False)
        await cluster.act(plan, RestoreAutoscaler("checkout-v2"))
        restored = cluster.observe(plan).autoscaler
        assert restored is not None
        assert (restored.pinned, restored.as_before, restored.target) == (False, True, "checkout-v2")
        after = (await client.get(HPAS, "checkout", "shop"))["spec"]
        assert after.get("behavior") == spec.get("behavior")


async def test_an_autoscaler_that_is_gone_is_nothing_to_hold() -> None:
    async with seat(plan_of(Promotion.ADOPT, autoscaler=AutoscalerRef("checkout", 2, None))) as (_, cluster, plan):
        await cluster.act(plan, PinAutoscaler())
        await cluster.act(plan, RestoreAutoscaler("checkout"))
        assert cluster.observe(plan).autoscaler is None


async def test_the_smoke_tests_pod_is_made_once_and_removed() -> None:
    async with seat(plan_of(smoke=Smoke("/", None))) as (client, cluster, plan):
        await cluster.act(plan, CreateProbe())
        await cluster.act(plan, CreateProbe())
        probe = cluster.observe(plan).probe
        assert probe is not None
        assert (probe.ready, probe.deleting) == (False, False)
        assert [raw["metadata"]["name"] for raw in (await client.list(PODS, "shop")).items] == ["checkout-v2-smoke"]
        await cluster.act(plan, RemoveProbe())
        probe = cluster.observe(plan).probe
        assert probe is None or probe.deleting
        await cluster.act(plan, RemoveProbe())


async def test_the_template_taken_back_is_the_one_production_had() -> None:
    async with seat(plan_of(Promotion.ADOPT)) as (client, cluster, plan):
        before = (await client.get(DEPLOYMENTS, "checkout", "shop"))["spec"]
        await cluster.act(plan, CreateCanary(4))
        await cluster.act(plan, HandTemplate())
        await cluster.act(plan, TakeBackTemplate())
        after = (await client.get(DEPLOYMENTS, "checkout", "shop"))["spec"]
        assert not after.pop("paused", False)
        assert after == before


async def test_a_template_that_nothing_remembers_cannot_be_taken_back() -> None:
    async with seat(plan_of(Promotion.ADOPT)) as (client, cluster, plan):
        await client.delete(REPLICASETS, "checkout-5d4c", "shop")
        await _until_forgotten(cluster, plan)
        with pytest.raises(Trouble, match="no ReplicaSet of its own"):
            await cluster.act(plan, TakeBackTemplate())


async def _until_forgotten(cluster: KubeCluster, plan: Plan) -> None:
    while True:
        try:
            await cluster.act(plan, TakeBackTemplate())
        except Trouble:
            return
        await cluster.changed(1.0)


async def test_an_orphaned_replicaset_is_seen_with_its_owner_and_its_template() -> None:
    async with seat(plan_of(Promotion.ADOPT)) as (client, cluster, plan):
        await cluster.act(plan, CreateCanary(4))
        raw = await client.get(DEPLOYMENTS, "checkout-v2", "shop")
        await replicaset(client, raw, "checkout-v2-77aa")
        await cluster.act(plan, HandTemplate())
        await _until_owner(cluster, plan, raw["metadata"]["uid"])
        adoption = cluster.observe(plan).adoption
        assert adoption is not None
        assert adoption.templates_equal
        await cluster.act(plan, OrphanCanary())
        assert plan.stable is not None
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout", "controller": True}
        patch = {"metadata": {"ownerReferences": [owner | {"uid": plan.stable.uid}]}}
        await client.patch(REPLICASETS, "checkout-v2-77aa", "shop", patch, kind=PatchKind.MERGE)
        await _until_owner(cluster, plan, plan.stable.uid)


async def _until_owner(cluster: KubeCluster, plan: Plan, uid: str) -> None:
    while (adoption := cluster.observe(plan).adoption) is None or adoption.owner_uid != uid:
        await cluster.changed(5.0)


async def test_the_canary_carries_the_release_that_the_plan_names() -> None:
    async with seat(plan_of()) as (client, cluster, plan):
        await cluster.act(plan, CreateCanary(2))
        raw = await client.get(DEPLOYMENTS, "checkout-v2", "shop")
        assert raw["spec"]["selector"]["matchLabels"] == {"app": "checkout", RELEASE_LABEL: "v2"}
        assert raw["spec"]["template"]["spec"]["containers"][0]["image"] == "registry/checkout:v2"

"""Before the first write: every right by name, the cluster's own word on the canary, and nothing touched."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from serinus.core.plan import HpaRef, Plan, Promotion
from serinus.core.spec import Smoke
from serinus.core.survey import Problem
from serinus.kube.client import Client
from serinus.kube.config import User
from serinus.kube.errors import Unauthorized
from serinus.kube.preflight import Right, preflight, rights_needed
from serinus.kube.resources import CONFIGMAPS, DEPLOYMENTS, LEASES, NAMESPACES, PODS, REPLICASETS, SERVICES, Resource
from serinus.kube.target import open_target
from tests.core.samples import plan_of
from tests.fakes.clock import FakeClock
from tests.kube.embedded import RUNNER, deployment, embedded, furnish
from tests.kube.support import client_for

ROLES = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles")
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
FULL = plan_of(smoke=Smoke("/healthz", "./smoke.sh"), hpa=HpaRef("checkout", 2, None))
READS = [("get", ""), ("list", ""), ("watch", "")]


def rule(verb: str, resource: Resource, subresource: str = "") -> dict[str, Any]:
    name = f"{resource.plural}/{subresource}" if subresource else resource.plural
    return {"verbs": [verb], "apiGroups": [resource.group], "resources": [name]}


async def grant(client: Client, *rules: dict[str, Any]) -> None:
    """Give the runner these rights in the namespace, besides reading."""
    watched = (SERVICES, DEPLOYMENTS, CONFIGMAPS)
    reads = [rule(verb, resource) for resource in watched for verb, _ in READS]
    await client.create(ROLES, {"metadata": {"name": "runner"}, "rules": [*reads, *rules]}, "shop")
    subject = {"kind": "User", "name": "runner", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "Role", "name": "runner", "apiGroup": "rbac.authorization.k8s.io"}
    await client.create(BINDINGS, {"metadata": {"name": "runner"}, "subjects": [subject], "roleRef": reference}, "shop")


@contextlib.asynccontextmanager
async def shop(plan: Plan, *rules: dict[str, Any]) -> AsyncIterator[tuple[Client, Client, Plan]]:
    """The administrator, the runner with these rights, and the plan for the production that is there."""
    async with embedded(FakeClock()) as (admin, url), client_for(url, FakeClock(), User(token=RUNNER)) as runner:
        if plan.stable is not None:
            raw = await furnish(admin, deployment(plan.stable.name), version="v1")
            stable = msgspec.structs.replace(plan.stable, uid=raw["metadata"]["uid"])
            plan = msgspec.structs.replace(plan, stable=stable)
        await grant(admin, *rules)
        yield admin, runner, plan


async def examine(client: Client, plan: Plan) -> tuple[Problem, ...]:
    async with open_target(client, "shop", "checkout") as target:
        return await preflight(target, plan)


def all_rules(plan: Plan, without: Right | None = None) -> list[dict[str, Any]]:
    return [rule(*right) for right in rights_needed(plan) if right != without]


async def test_with_every_right_there_is_no_problem() -> None:
    async with shop(FULL, *all_rules(FULL)) as (_, runner, plan):
        assert await examine(runner, plan) == ()


@pytest.mark.parametrize(
    "missing",
    [right for right in rights_needed(FULL) if right[:2] != ("create", DEPLOYMENTS)],
    ids=lambda right: f"{right[0]} {right[1].plural} {right[2]}".strip(),
)
async def test_each_missing_right_is_refused_by_its_name(missing: Right) -> None:
    async with shop(FULL, *all_rules(FULL, missing)) as (_, runner, plan):
        (problem,) = await examine(runner, plan)
    verb, resource, subresource = missing
    name = f"{resource.plural}/{subresource}" if subresource else resource.plural
    assert problem.what.startswith(f"no right to {verb} {name}")
    assert f"{verb!r} on {name!r}" in problem.hint


async def test_all_missing_rights_are_told_together() -> None:
    allowed = rule("create", DEPLOYMENTS)  # the dry run's own
    async with shop(FULL, allowed) as (_, runner, plan):
        problems = await examine(runner, plan)
    assert len(problems) == len(rights_needed(FULL)) - 1


async def test_the_right_to_create_deployments_is_refused_like_the_others() -> None:
    missing = ("create", DEPLOYMENTS, "")
    async with shop(FULL, *all_rules(FULL, missing)) as (_, runner, plan):
        (problem,) = await examine(runner, plan)
    assert problem.what == "no right to create deployments (apps)"


async def test_the_right_to_patch_deployments_is_refused_though_the_adoption_is_dry_run_too() -> None:
    plan = plan_of(Promotion.ADOPT)
    missing = ("patch", DEPLOYMENTS, "")
    async with shop(plan, *all_rules(plan, missing)) as (_, runner, there):
        (problem,) = await examine(runner, there)
    assert problem.what == "no right to patch deployments (apps)"


@pytest.mark.parametrize(
    ("plan", "right", "needed"),
    [
        (plan_of(Promotion.ADOPT), ("patch", SERVICES, ""), False),
        (plan_of(), ("patch", SERVICES, ""), True),
        (plan_of(), ("get", PODS, "proxy"), False),
        (plan_of(smoke=Smoke("/", None)), ("get", PODS, "proxy"), True),
        (plan_of(smoke=Smoke(None, "true")), ("get", PODS, "proxy"), False),
        (plan_of(smoke=Smoke(None, "true")), ("create", PODS, ""), True),
        (plan_of(Promotion.FIRST, smoke=Smoke(None, "true")), ("create", PODS, ""), False),
    ],
)
def test_only_rights_that_the_plan_may_use_are_asked_for(plan: Plan, right: Right, needed: bool) -> None:
    assert (right in rights_needed(plan)) is needed


async def test_nothing_is_written() -> None:
    for plan in (FULL, plan_of(Promotion.ADOPT)):
        async with embedded(FakeClock()) as (admin, _):
            assert plan.stable is not None
            raw = await furnish(admin, deployment(plan.stable.name), version="v1")
            stable = msgspec.structs.replace(plan.stable, uid=raw["metadata"]["uid"])
            before = await everything(admin)
            assert await examine(admin, msgspec.structs.replace(plan, stable=stable)) == ()
            assert await everything(admin) == before


async def everything(client: Client) -> list[tuple[str, str]]:
    kinds = (SERVICES, DEPLOYMENTS, CONFIGMAPS, LEASES, PODS, REPLICASETS, NAMESPACES)
    listings = [await client.list(kind, None if kind is NAMESPACES else "shop") for kind in kinds]
    return [
        (item["metadata"]["name"], item["metadata"]["resourceVersion"])
        for listing in listings
        for item in listing.items
    ]


async def test_a_canary_that_the_cluster_would_not_store_is_refused_in_its_words() -> None:
    plan = msgspec.structs.replace(plan_of(), canary_name="Checkout_v2")
    async with shop(plan, *all_rules(plan)) as (_, runner, there):
        (problem,) = await examine(runner, there)
    assert problem.what == "the cluster refuses Deployment Checkout_v2"
    assert "metadata.name" in problem.why


async def test_an_adoption_of_a_production_that_was_made_anew_is_refused() -> None:
    plan = plan_of(Promotion.ADOPT)
    async with shop(plan, *all_rules(plan)) as (_, runner, there):
        assert there.stable is not None
        another = msgspec.structs.replace(there, stable=msgspec.structs.replace(there.stable, uid="another"))
        (problem,) = await examine(runner, another)
    assert problem.what == "the cluster refuses Deployment checkout-v2"


async def test_an_unknown_caller_is_an_error_and_no_list_of_problems() -> None:
    async with embedded(FakeClock()) as (_, url), client_for(url, FakeClock(), User(token="stranger")) as stranger:
        with pytest.raises(Unauthorized):
            await examine(stranger, FULL)

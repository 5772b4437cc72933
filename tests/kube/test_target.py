"""What a survey finds in a namespace, on the embedded API."""

import contextlib
from collections.abc import AsyncIterator

import msgspec

from serinus.core.plan import AutoscalerRef, Plan
from serinus.core.reasons import Outcome, Reason
from serinus.core.record import Record, with_past
from serinus.core.spec import RELEASE_LABEL
from serinus.core.state import Evidence, Finished, Preparing
from serinus.kube.client import Client
from serinus.kube.resources import DEPLOYMENTS, HPAS, SERVICES
from serinus.kube.target import Target, kept_name, open_target, survey, sweep
from tests.core.samples import START, plan_of
from tests.fakes.clock import FakeClock
from tests.kube.embedded import deployment, embedded, furnish, replicaset, service
from tests.kube.test_act import hpa


@contextlib.asynccontextmanager
async def shop(name: str = "checkout") -> AsyncIterator[tuple[Client, Target]]:
    """A namespace with Service checkout and its production; the target is Service `name`."""
    async with embedded(FakeClock()) as (client, _):
        raw = await furnish(client, deployment("checkout-v1"), version="v1")
        await replicaset(client, raw, "checkout-v1-5d4c", **{RELEASE_LABEL: "v1"})
        bystander = deployment("cart")
        for labels in (
            bystander["spec"]["selector"]["matchLabels"],
            bystander["spec"]["template"]["metadata"]["labels"],
        ):
            labels["app"] = "cart"
        await client.create(DEPLOYMENTS, bystander, "shop")
        async with open_target(client, "shop", name) as target:
            yield client, target


async def test_a_survey_has_the_service_and_the_deployments_behind_it() -> None:
    async with shop() as (_, target):
        found = await survey(target)
    assert found.service is not None
    assert (found.service.name, found.service.version) == ("checkout", "v1")
    assert [one.name for one in found.behind] == ["checkout-v1"]
    assert found.deployment_names == {"cart", "checkout-v1"}
    assert found.releases == {"v1"}


async def test_a_survey_has_the_autoscalers_by_what_they_scale() -> None:
    async with shop() as (client, target):
        await client.create(HPAS, hpa(minReplicas=3), "shop")
        assert (await survey(target)).autoscalers == {"checkout": AutoscalerRef("checkout", 3, None)}


async def test_a_service_that_is_not_there_is_answered_with_those_that_are() -> None:
    async with shop("chekout") as (client, target):
        other = service()
        other["metadata"]["name"] = "cart"
        await client.create(SERVICES, other, "shop")
        found = await survey(target)
    assert found.service is None
    assert set(found.service_names) == {"checkout", "cart"}


def promoted(plan: Plan) -> Record:
    end = Finished(START, Outcome.PROMOTED, Reason.COMPLETE, Evidence("fine"), 100.0)
    return with_past(Record(plan, Preparing(START), START), end)


async def test_a_previous_version_that_was_kept_is_known_as_such_and_swept() -> None:
    async with shop() as (client, target):
        await client.create(DEPLOYMENTS, deployment("checkout-v0", replicas=0), "shop")
        stable = plan_of(keep_previous=True).stable
        assert stable is not None
        plan = msgspec.structs.replace(
            plan_of(keep_previous=True), stable=msgspec.structs.replace(stable, name="checkout-v0")
        )
        await target.store.save(promoted(plan), None)
        while "checkout-v0" not in target.deployments.objects:
            await target.changed.wait()
            target.changed.clear()
        assert kept_name(target) == "checkout-v0"
        assert {one.name: one.kept for one in (await survey(target)).behind} == {
            "checkout-v1": False,
            "checkout-v0": True,
        }
        await sweep(target, "checkout-v0")
        names = {raw["metadata"]["name"] for raw in (await client.list(DEPLOYMENTS, "shop")).items}
        assert names == {"cart", "checkout-v1"}


async def test_a_kept_version_that_someone_scaled_up_is_no_longer_ours_to_sweep() -> None:
    async with shop() as (_, target):
        plan = plan_of(keep_previous=True)  # its previous version is checkout-v1, which has pods
        await target.store.save(promoted(plan), None)
        assert kept_name(target) is None

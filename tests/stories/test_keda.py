"""KEDA: its ScaledObject is paused while a release runs and gets back exactly what it had. Its HPA is left alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from serinus.sandbox.rest import Api, ApiError, Raw
from tests.stories import manifests
from tests.stories.cluster import ADMIN, Cluster
from tests.stories.manifests import SERVICE, autoscaler
from tests.stories.place import Place, story

V2 = "demo/checkout:v2"
PAUSED = "autoscaling.keda.sh/paused"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ONE_STEP = ("--steps", "50")
PRODUCTION = {"in-place": manifests.in_place, "versioned": manifests.versioned}
FORMER = [{}, {"team": "payments"}, {f"{PAUSED}-replicas": "2", "team": "payments"}, {PAUSED: "false"}]


def definition() -> Raw:
    """KEDA's, as far as it is documented: what the operator does with it is not needed here."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {
        "plural": "scaledobjects",
        "singular": "scaledobject",
        "kind": "ScaledObject",
        "listKind": "ScaledObjectList",
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {"group": "keda.sh", "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def keda(cluster: Cluster) -> AsyncIterator[None]:
    """A cluster that has the kind, for the stories of this file."""
    async with Api(cluster.servers[ADMIN]) as api:
        await api.call("POST", DEFINITIONS, definition())
        give_up_at = time.monotonic() + 30
        while not await _is_served(api):
            assert time.monotonic() < give_up_at, "the kind is not served"
            await asyncio.sleep(0.1)
        yield
        await api.call("DELETE", f"{DEFINITIONS}/{definition()['metadata']['name']}")


async def _is_served(api: Api) -> bool:
    groups = await api.call("GET", "/apis")
    if "keda.sh" not in {group["name"] for group in groups["groups"]}:
        return False
    with contextlib.suppress(ApiError):
        await api.call("GET", "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects")
        return True
    return False


def scaled_object(target: str, annotations: dict[str, str]) -> Raw:
    trigger = {"type": "cron", "metadata": {"timezone": "UTC", "start": "0 8 * * *", "desiredReplicas": "9"}}
    spec = {"scaleTargetRef": {"name": target}, "minReplicaCount": 2, "maxReplicaCount": 9, "triggers": [trigger]}
    metadata = {"name": "queue", "annotations": annotations}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": spec}


async def now(place: Place) -> Raw:
    path = f"/apis/keda.sh/v1alpha1/namespaces/{place.namespace}/scaledobjects/queue"
    return await place.api.call("GET", path)


def kept(raw: Raw) -> tuple[Raw, Raw]:
    """What must come back: annotations and spec."""
    return raw["metadata"].get("annotations") or {}, raw["spec"]


async def in_production(place: Place, naming: str, annotations: dict[str, str]) -> Raw:
    target = SERVICE if naming == "in-place" else f"{SERVICE}-v1"
    await place.in_production(PRODUCTION[naming](2))
    await place.apply(scaled_object(target, annotations))
    return await now(place)


@pytest.mark.parametrize("annotations", FORMER, ids=["none", "others", "paused at a number", "not paused"])
async def test_it_is_paused_before_any_size_changes_and_gets_back_what_it_had(
    place: Place, annotations: dict[str, str]
) -> None:
    before = await in_production(place, "in-place", annotations)
    session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "1", *ONE_STEP)
    await session.says("step 1 of 2")
    meanwhile = (await now(place))["metadata"]["annotations"]
    assert meanwhile[PAUSED] == "true"
    assert f"{PAUSED}-replicas" not in meanwhile
    result = await session.ended()
    assert result.code == 0, story(place, result)
    assert result.output.index("holding the autoscaler") < result.output.index("creating canary")
    assert kept(await now(place)) == kept(before)


async def test_by_version_it_scales_the_new_deployment_afterwards(place: Place) -> None:
    before = await in_production(place, "versioned", {"team": "payments"})
    result = await place.deploy(V2, *ONE_STEP)
    assert result.code == 0, story(place, result)
    annotations, spec = kept(before)
    assert kept(await now(place)) == (annotations, spec | {"scaleTargetRef": {"name": f"{SERVICE}-v2"}})


@pytest.mark.parametrize("naming", PRODUCTION)
async def test_a_release_that_is_taken_back_leaves_it_as_it_was(place: Place, naming: str) -> None:
    before = await in_production(place, naming, {f"{PAUSED}-replicas": "2"})
    result = await place.deploy("demo/checkout:v2-unpullable", *ONE_STEP)
    assert result.code == 1, story(place, result)
    assert kept(await now(place)) == kept(before)


async def test_after_a_crash_whoever_comes_gives_it_back_what_it_had(place: Place) -> None:
    before = await in_production(place, "versioned", {"team": "payments"})
    killed = await place.start("deploy", SERVICE, "--image", V2, "--bake", "30", *ONE_STEP)
    await killed.says("step 1 of 2")
    await killed.close()
    assert (await now(place))["metadata"]["annotations"][PAUSED] == "true"
    result = await place.serinus("abort", SERVICE)
    assert result.code == 0, story(place, result)
    assert kept(await now(place)) == kept(before)


async def test_one_that_its_owner_has_paused_is_not_touched_at_all(place: Place) -> None:
    before = await in_production(place, "in-place", {PAUSED: "true"})
    result = await place.deploy(V2, *ONE_STEP)
    assert result.code == 0, story(place, result)
    assert (await now(place))["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_when_someone_unpauses_it_meanwhile_it_is_paused_again(place: Place) -> None:
    before = await in_production(place, "in-place", {})
    session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "3", *ONE_STEP)
    await session.says("step 1 of 2")
    path = f"/apis/keda.sh/v1alpha1/namespaces/{place.namespace}/scaledobjects/queue"
    await place.patch(path, {"metadata": {"annotations": {PAUSED: None}}})
    give_up_at = time.monotonic() + 20
    while PAUSED not in ((await now(place))["metadata"].get("annotations") or {}):
        assert time.monotonic() < give_up_at, "it was not paused again"
        await asyncio.sleep(0.05)
    result = await session.ended()
    assert result.code == 0, story(place, result)
    assert kept(await now(place)) == kept(before)


async def test_the_hpa_that_keda_keeps_for_it_is_left_alone(place: Place) -> None:
    before = await in_production(place, "in-place", {})
    hpa = autoscaler(SERVICE, 2, 9)
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "queue", "controller": True}
    hpa["metadata"] = {"name": "keda-hpa-queue", "ownerReferences": [owner | {"uid": before["metadata"]["uid"]}]}
    await place.apply(hpa)
    await place.until("it is there", lambda: place.seen.find("horizontalpodautoscalers", "keda-hpa-queue") is not None)
    result = await place.deploy(V2, *ONE_STEP)
    assert result.code == 0, story(place, result)
    seen = place.seen.changes("horizontalpodautoscalers", "keda-hpa-queue")
    assert len({str(change.raw["spec"]) for change in seen}) == 1
    assert kept(await now(place)) == kept(before)

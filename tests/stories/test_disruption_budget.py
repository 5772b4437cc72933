"""A PodDisruptionBudget that lets no pod go: a release removes pods all the same, and never breaks it."""

import signal

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.observer import is_ready
from tests.stories.place import Place, story

V2 = "demo/checkout:v2"
PODS = 3
PRODUCTION = {"in-place": manifests.in_place, "versioned": manifests.versioned}


def budget() -> Raw:
    """As many pods as production has, of whatever version."""
    spec = {"minAvailable": PODS, "selector": {"matchLabels": {"app": SERVICE}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": SERVICE}, "spec": spec}


def least_healthy(place: Place) -> int:
    """The fewest pods that the budget would have counted as healthy, over every change that a watch showed."""
    healthy: dict[str, bool] = {}
    fewest = PODS
    for change in place.seen.seen["pods"]:
        metadata = change.raw["metadata"]
        counted = (metadata.get("labels") or {}).get("app") == SERVICE and "deletionTimestamp" not in metadata
        healthy[change.name] = change.event != "DELETED" and counted and is_ready(change.raw)
        if change.at >= place.began:
            fewest = min(fewest, sum(healthy.values()))
    return fewest


@pytest.mark.parametrize("naming", PRODUCTION)
async def test_a_release_keeps_within_a_budget_that_lets_no_pod_go(place: Place, naming: str) -> None:
    await place.in_production(PRODUCTION[naming](PODS))
    await place.apply(budget())
    result = await place.deploy(V2, "--steps", "33,67", "--adapt")
    assert result.code == 0, story(place, result)
    assert "PodDisruptionBudget shop lets no pod be evicted" in result.output
    await place.until("production is alone", lambda: len(place.pods()) == PODS == len(place.seen.now("pods")))
    assert least_healthy(place) == PODS == place.least_ready()


@pytest.mark.parametrize("naming", PRODUCTION)
async def test_so_does_its_way_back(place: Place, naming: str) -> None:
    await place.in_production(PRODUCTION[naming](PODS))
    await place.apply(budget())
    session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "1", "--steps", "33,67", "--adapt")
    await session.says("step 2 of 3")
    session.signal(signal.SIGINT)
    assert (await session.ended()).code == 130
    assert least_healthy(place) == PODS == place.least_ready()

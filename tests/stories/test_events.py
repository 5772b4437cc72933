"""What a release leaves in the Events, and what all of it costs the API."""

from collections import Counter
from typing import Any

from serinus.sandbox.api.census import PATH as CENSUS_PATH
from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.place import Place, story

V2 = "demo/checkout:v2"
REQUESTS_MAX = 60


async def _events(place: Place, kind: str) -> list[tuple[str, str, str]]:
    """Type, reason and object, in the order in which they were written."""
    answer = await place.api.call("GET", f"/api/v1/namespaces/{place.namespace}/events")
    ours = [raw for raw in answer["items"] if raw["source"].get("component") == "serinus"]
    ours.sort(key=lambda raw: int(raw["metadata"]["resourceVersion"]))
    about = [(raw["type"], raw["reason"], raw["involvedObject"]) for raw in ours]
    return [(kind_, reason, thing["name"]) for kind_, reason, thing in about if thing["kind"] == kind]


async def test_a_good_release_is_told_on_the_deployment_that_serves_and_on_the_service(place: Place) -> None:
    await place.in_production(manifests.versioned(2))
    result = await place.deploy(V2, "--steps", "50")
    assert result.code == 0, story(place, result)
    told = ["CanaryStarted", "CanaryStepHolds", "CanaryStepHolds", "CanaryPromoting", "CanaryPromoted"]
    assert await _events(place, "Service") == [("Normal", reason, SERVICE) for reason in told]
    names = ["shop-v1"] * 4 + ["shop-v2"]
    events = [("Normal", reason, name) for reason, name in zip(told, names, strict=True)]
    assert await _events(place, "Deployment") == events


async def test_a_bad_release_is_told_with_warnings(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    result = await place.deploy("demo/checkout:v2-crash-on-start", "--steps", "50")
    assert result.code == 1, story(place, result)
    told = [("Normal", "CanaryStarted"), ("Warning", "CanaryLeaving"), ("Warning", "CanaryRolledBack")]
    assert await _events(place, "Deployment") == [(kind, reason, SERVICE) for kind, reason in told]


async def test_a_rollout_of_five_steps_stays_within_its_requests_events_included(place: Place) -> None:
    await place.in_production(manifests.versioned(8))
    before = await _asked(place)
    result = await place.deploy(V2, "--steps", "13,25,50,75")
    asked = await _asked(place) - before
    assert result.code == 0, story(place, result)
    assert "step 5 of 5" in result.output
    assert asked["create events"] == 16
    assert asked.total() <= REQUESTS_MAX, sorted(asked.items())


async def _asked(place: Place) -> "Counter[str]":
    """Every request of the product so far, by verb and resource, watches and the Lease aside."""
    rows: Any = await place.api.call("GET", CENSUS_PATH)
    asked: Counter[str] = Counter()
    for row in rows:
        is_counted = row["verb"] != "watch" and row["resource"] != "leases"
        if row["client"] == "serinus" and is_counted:
            asked[f"{row['verb']} {row['resource']}"] += row["count"]
    return asked

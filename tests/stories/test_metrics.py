"""Releases that only their metrics give away, or vouch for: read from the pods, nothing installed."""

import asyncio
import json

from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.place import Place, story

OFTEN = ("--metrics-interval", "1")
LENIENT = "safe_errors=0.25+0.05"


def spec_file(place: Place, **metrics: object) -> str:
    """A spec file; JSON is YAML."""
    spec = {"service": SERVICE, "bake": "8s", "steps": [{"weight": 50}], "metrics": {"interval": "1s", **metrics}}
    head = {"apiVersion": "serinus.dev/v1alpha1", "kind": "Canary", "metadata": {"name": "shop"}}
    file = place.home / "serinus.yaml"
    file.write_text(json.dumps({**head, "spec": spec}))
    return str(file)


async def some_traffic_was_counted(place: Place) -> None:
    """By the pods' own counters, as a plan reads them."""
    async with asyncio.timeout(60):
        counted = 0.0
        while counted < 300:
            seen = json.loads((await place.serinus("doctor", "metrics", SERVICE, "-o", "json")).output)
            counted = sum(pod["requests"] or 0 for pod in seen["pods"])


async def test_a_healthy_pod_whose_answers_are_errors_is_taken_back_within_a_few_readings(place: Place) -> None:
    await place.in_production(manifests.in_place(4))
    async with place.users(100, "new") as traffic:
        result = await place.serinus(
            "deploy", SERVICE, "--image", "demo/checkout:v2-errors", "--bake", "20", "--steps", "25", *OFTEN
        )
    assert result.code == 1, story(place, result)
    assert "the canary's error rate exceeds production's by more than the margin" in result.output
    assert 0 < len(traffic.failed) < 25 * 10
    assert await place.left_behind() == []
    told = await place.serinus("explain", SERVICE)
    assert "METRICS_WORSE" in told.output
    assert "evidence (log10)" in told.output


async def test_a_version_that_is_no_worse_is_promoted_on_evidence(place: Place) -> None:
    await place.in_production(manifests.in_place(4))
    file = spec_file(place, gate="evidence", watch="5s", kinds="errors", margins=LENIENT)
    async with place.users(100, "new") as traffic:
        await some_traffic_was_counted(place)
        result = await place.serinus("deploy", "-f", file, "--image", "demo/checkout:v2")
    assert result.code == 0, story(place, result)
    assert traffic.failed == []
    told = json.loads((await place.serinus("explain", SERVICE, "-o", "json")).output)
    assert told["outcome"] == "promoted"


async def test_a_plan_that_cannot_show_safety_in_time_is_refused_with_what_it_would_take(place: Place) -> None:
    await place.in_production(manifests.in_place(4))
    result = await place.serinus("deploy", SERVICE, "--image", "demo/checkout:v2", "--metrics", "evidence")
    assert result.code == 2
    assert "this plan cannot show that the canary is safe" in result.errors
    assert "0 requests/s" in result.errors
    assert await place.traces() == []

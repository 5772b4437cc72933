"""A release from a spec file: its steps, its capacity, its freeze windows."""

import json

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.place import Place, story

V2 = "demo/checkout:v2"
ALWAYS = {"from": "2020-01-01", "to": "2199-12-31", "reason": "the long holidays", "timeZone": "Europe/Berlin"}


def written(place: Place, **fields: object) -> str:
    """A spec file; JSON is YAML."""
    spec = {"service": manifests.SERVICE, "bake": "500ms", **fields}
    metadata = {"name": "shop", "namespace": place.namespace}
    file = place.home / "serinus.yaml"
    file.write_text(
        json.dumps({"apiVersion": "serinus.dev/v1alpha1", "kind": "Canary", "metadata": metadata, "spec": spec})
    )
    return str(file)


@pytest.mark.parametrize("raws", [manifests.in_place(3), manifests.versioned(3)], ids=["in-place", "versioned"])
async def test_with_capacity_keep_production_stays_at_its_full_size_while_the_canary_grows(
    place: Place, raws: list[Raw]
) -> None:
    await place.in_production(raws)
    file = written(place, capacity="keep", steps=[{"weight": 25}, {"weight": 50}])
    session = await place.start("deploy", "-f", file, "--image", V2)
    await session.says("step 1 of 3: version v2 has 25 % of traffic (1 of 4 pods)")
    await session.says("step 2 of 3: version v2 has 50 % of traffic (3 of 6 pods)")
    result = await session.ended()
    assert result.code == 0, story(place, result)
    assert place.least_ready() == 3


async def test_inside_a_freeze_window_nothing_is_touched_and_the_window_is_named(place: Place) -> None:
    await place.in_production(manifests.in_place(3))
    file = written(place, freeze=[ALWAYS])
    for command in ("plan", "deploy"):
        result = await place.serinus(command, "-f", file, "--image", V2)
        assert result.code == 2
        assert "releases are frozen until Wednesday, 2200-01-01 00:00 (Europe/Berlin)" in result.errors
        assert "the long holidays" in result.errors
    assert await place.traces() == []


async def test_a_freeze_is_passed_over_with_a_reason_that_is_recorded(place: Place) -> None:
    await place.in_production(manifests.in_place(3))
    result = await place.serinus(
        "deploy", "-f", written(place, freeze=[ALWAYS]), "--image", V2, "--during-freeze", "hotfix 7"
    )
    assert result.code == 0, story(place, result)
    assert "recorded: hotfix 7 (freeze: the long holidays)" in result.output
    saved = await place.api.call("GET", f"/api/v1/namespaces/{place.namespace}/configmaps/serinus-{manifests.SERVICE}")
    assert "hotfix 7 (freeze: the long holidays)" in json.dumps(saved["data"])


async def test_the_freeze_stands_in_one_report_with_all_else_that_is_in_the_way(place: Place) -> None:
    await place.in_production(manifests.in_place(3))
    result = await place.serinus("deploy", "-f", written(place, freeze=[ALWAYS]), "--image", V2, "--steps", "10")
    assert result.code == 2
    assert "releases are frozen" in result.errors
    assert "10 % of 3 pods cannot be had" in result.errors

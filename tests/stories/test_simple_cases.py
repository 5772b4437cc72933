"""A first deployment, nothing to do, smoke tests before users, the previous version kept, autoscalers."""

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.manifests import SERVICE, autoscaler
from tests.stories.observer import image_of
from tests.stories.place import Place, story

V1, V2 = "demo/checkout:v1", "demo/checkout:v2"
BEHAVIOR = {
    "scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 30}]}
}


async def test_where_nothing_is_deployed_yet_the_first_version_is_deployed_plainly(place: Place) -> None:
    await place.apply(manifests.service())
    result = await place.deploy(V1, "--replicas", "2")
    assert result.code == 0, story(place, result)
    assert f"nothing is deployed behind Service {SERVICE} yet: deploying v1 plainly" in result.output
    await place.until("two pods serve", lambda: [image_of(pod) for pod in place.pods()] == [V1, V1])
    assert place.deployments() == {SERVICE: 2}


async def test_the_version_in_production_already_is_nothing_to_do(place: Place) -> None:
    await place.in_production(manifests.versioned(1))
    for result in (await place.deploy(V1), await place.serinus("deploy", SERVICE, "--version", "v1")):
        assert result.code == 0
        assert "nothing to do: version v1 is in production already" in result.output
    assert await place.traces() == []


async def test_no_user_meets_a_version_that_fails_its_first_smoke_test(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    async with place.users() as traffic:
        result = await place.deploy("demo/checkout:v2-errors", "--smoke-http", "/")
    assert result.code == 1, story(place, result)
    assert set(traffic.by_version) == {"v1"}
    assert traffic.failed == []
    assert await place.left_behind() == []


async def test_the_smoke_pod_is_not_behind_the_service_and_goes_when_it_has_passed(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "0.2", "--smoke-command", "sleep 1")
    await session.says("smoke test, before users")
    [probe] = [pod for pod in place.ready_pods() if image_of(pod) == V2]
    assert [image_of(pod) for pod in place.pods()] == [V1, V1]
    assert place.seen.endpoints() == 2
    assert place.deployments() == {SERVICE: 2}
    result = await session.ended()
    assert result.code == 0, story(place, result)
    assert probe["metadata"]["name"] not in [pod["metadata"]["name"] for pod in place.seen.now("pods")]


async def test_the_smoke_command_is_told_of_pods_versions_and_share(place: Place) -> None:
    await place.in_production(manifests.in_place(4))
    note = place.home / "told"
    result = await place.deploy(V2, "--smoke-command", f"env | grep ^SERINUS_ >> {note}")
    assert result.code == 0, story(place, result)
    told = note.read_text().splitlines()
    assert told.count("SERINUS_STABLE_VERSION=v1") == told.count("SERINUS_CANARY_VERSION=v2") == 5
    shares = [line.partition("=")[2] for line in told if line.startswith("SERINUS_SHARE_PERCENT=")]
    assert shares == ["0", "25", "50", "75", "80"]


async def test_the_previous_deployment_can_be_kept_without_pods_and_goes_with_the_next_release(place: Place) -> None:
    await place.in_production(manifests.versioned(2))
    first = await place.deploy(V2, "--keep-previous")
    assert first.code == 0, story(place, first)
    assert place.deployments() == {f"{SERVICE}-v1": 0, f"{SERVICE}-v2": 2}
    second = await place.deploy("demo/checkout:v5")
    assert second.code == 0, story(place, second)
    assert place.deployments() == {f"{SERVICE}-v5": 2}


@pytest.mark.parametrize("behavior", [None, BEHAVIOR], ids=["plain", "with behavior"])
async def test_an_autoscaler_is_held_still_meanwhile_and_gets_back_what_it_had(
    place: Place, behavior: Raw | None
) -> None:
    await place.in_production([*manifests.in_place(4), autoscaler(SERVICE, 4, 8, behavior)])
    before = _autoscaler(place)["spec"]
    result = await place.deploy(V2)
    assert result.code == 0, story(place, result)
    held = [seen.raw["spec"] for seen in place.seen.changes("horizontalpodautoscalers", SERVICE, place.began)]
    assert any(spec["minReplicas"] == 1 and _is_still(spec) for spec in held)
    await place.until("the autoscaler is as it was", lambda: _autoscaler(place)["spec"] == before)
    assert place.least_ready() == 4


async def test_an_autoscaler_gets_back_what_it_had_when_the_canary_is_taken_back(place: Place) -> None:
    await place.in_production([*manifests.versioned(4), autoscaler(f"{SERVICE}-v1", 4, 8, BEHAVIOR)])
    before = _autoscaler(place, f"{SERVICE}-v1")["spec"]
    result = await place.deploy("demo/checkout:v2-unpullable")
    assert result.code == 1, story(place, result)
    await place.until("it is as it was", lambda: _autoscaler(place, f"{SERVICE}-v1")["spec"] == before)


async def test_by_version_the_autoscaler_scales_the_new_deployment_afterwards(place: Place) -> None:
    await place.in_production([*manifests.versioned(4), autoscaler(f"{SERVICE}-v1", 4, 8, BEHAVIOR)])
    before = _autoscaler(place, f"{SERVICE}-v1")["spec"]
    result = await place.deploy(V2)
    assert result.code == 0, story(place, result)
    wanted = {**before, "scaleTargetRef": {**before["scaleTargetRef"], "name": f"{SERVICE}-v2"}}
    await place.until("it scales v2", lambda: _autoscaler(place, f"{SERVICE}-v1")["spec"] == wanted)


def _autoscaler(place: Place, name: str = SERVICE) -> Raw:
    found = place.seen.find("horizontalpodautoscalers", name)
    assert found is not None
    return found


def _is_still(spec: Raw) -> bool:
    behavior = spec.get("behavior") or {}
    return all((behavior.get(way) or {}).get("selectPolicy") == "Disabled" for way in ("scaleUp", "scaleDown"))

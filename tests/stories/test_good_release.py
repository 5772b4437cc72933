"""A good release: promoted, and nobody notices."""

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.observer import image_of, restarts, uids
from tests.stories.place import Place, story

RATE = 300
V2 = "demo/checkout:v2"
PRODUCTION = {"in-place": manifests.in_place, "versioned": manifests.versioned}


@pytest.mark.parametrize("connections", ["keepalive", "new"])
@pytest.mark.parametrize("naming", ["in-place", "versioned"])
async def test_a_good_release_under_load_loses_no_request_and_no_capacity(
    place: Place, naming: str, connections: str
) -> None:
    await place.in_production(PRODUCTION[naming](4))
    async with place.users(RATE, connections) as traffic:
        result = await place.deploy(V2, "--bake", "0.5")
    assert result.code == 0, story(place, result)
    assert traffic.failed == []
    assert traffic.unanswered == 0
    assert traffic.by_version["v2"]["requests"] > 0
    assert place.least_ready() == 4
    assert [image_of(pod) for pod in place.pods()] == [V2] * 4


async def test_in_place_the_canarys_pods_become_productions_and_not_one_restarts(place: Place) -> None:
    await place.in_production(manifests.in_place(4))
    session = await place.start("deploy", manifests.SERVICE, "--image", V2, "--bake", "0.5")
    await session.says("every step passed")
    canary = _pods_of(place, V2)
    assert (await session.ended()).code == 0
    assert uids(canary) == uids(place.pods())
    assert [restarts(pod) for pod in place.pods()] == [0, 0, 0, 0]
    assert place.deployments() == {"shop": 4}


async def test_by_version_the_service_says_the_new_version_and_the_previous_deployment_goes(place: Place) -> None:
    await place.in_production(manifests.versioned(4))
    result = await place.deploy(V2)
    assert result.code == 0, story(place, result)
    assert place.deployments() == {"shop-v2": 4}
    assert place.service["metadata"]["labels"]["version"] == "v2"


def _pods_of(place: Place, image: str) -> list[Raw]:
    return [pod for pod in place.pods() if image_of(pod) == image]

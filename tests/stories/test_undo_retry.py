"""A second thought: what was promoted is undone, what was taken back is tried again."""

import signal

from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.observer import image_of, uids
from tests.stories.place import Place, story

V1, V2 = "demo/checkout:v1", "demo/checkout:v2"
ONE_STEP = ("--steps", "50")


async def test_undo_scales_a_kept_version_up_before_the_other_goes_and_once_more_undoes_that(place: Place) -> None:
    await place.in_production(manifests.versioned(3))
    assert (await place.deploy(V2, *ONE_STEP, "--keep-previous")).code == 0
    assert place.deployments() == {"shop-v1": 0, "shop-v2": 3}
    kept = place.seen.find("deployments", "shop-v1")
    async with place.users() as traffic:
        back = await place.serinus("undo", SERVICE)
        assert back.code == 0, story(place, back)
        assert place.deployments() == {"shop-v1": 3, "shop-v2": 0}
        assert place.service["metadata"]["labels"]["version"] == "v1"
        assert {image_of(pod) for pod in place.pods()} == {V1}
        again = await place.serinus("undo", SERVICE)
    assert again.code == 0, story(place, again)
    assert place.deployments() == {"shop-v1": 0, "shop-v2": 3}
    now = place.seen.find("deployments", "shop-v1")
    assert kept is not None
    assert now is not None
    assert uids([kept]) == uids([now])
    assert traffic.failed == []
    assert place.least_ready() == 3


async def test_undo_of_a_version_that_was_not_kept_releases_its_images_in_one_step(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    assert (await place.deploy(V2, *ONE_STEP)).code == 0
    result = await place.serinus("undo", SERVICE)
    assert result.code == 0, story(place, result)
    assert "step 1 of 1" in result.output
    assert place.deployments() == {SERVICE: 2}
    assert {image_of(pod) for pod in place.pods()} == {V1}
    assert place.least_ready() == 2


async def test_an_undo_that_is_called_off_leaves_the_kept_version_kept(place: Place) -> None:
    await place.in_production([manifests.service("v1"), _slow_to_be_ready()])
    assert (await place.deploy(V2, *ONE_STEP, "--keep-previous")).code == 0
    undo = await place.start("undo", SERVICE)
    await undo.says("canary shop-v1: from 0 to")
    undo.signal(signal.SIGINT)
    assert (await undo.ended()).code == 130
    assert place.deployments() == {"shop-v1": 0, "shop-v2": 2}
    retry = await place.serinus("retry", SERVICE)
    assert retry.code == 0, story(place, retry)
    assert place.deployments() == {"shop-v1": 2, "shop-v2": 0}


async def test_retry_releases_again_what_was_called_off_as_it_was_asked_for(place: Place) -> None:
    await place.in_production(manifests.versioned(2))
    first = await place.start("deploy", SERVICE, "--image", V2, "--bake", "1", *ONE_STEP)
    await first.says("step 1 of 2")
    first.signal(signal.SIGINT)
    assert (await first.ended()).code == 130
    again = await place.serinus("retry", SERVICE)
    assert again.code == 0, story(place, again)
    assert "watching for 1 s" in again.output
    assert place.deployments() == {"shop-v2": 2}


async def test_with_nothing_to_go_back_to_both_are_refused_in_words_and_touch_nothing(place: Place) -> None:
    await place.in_production(manifests.versioned(1))
    for verb in ("retry", "undo"):
        result = await place.serinus(verb, SERVICE)
        assert result.code == 2
        assert "Serinus has no record of a release of it" in result.errors
    assert await place.traces() == []


def _slow_to_be_ready() -> manifests.Raw:
    """Two pods that count as ready three seconds after their start: time to call an undo off."""
    probe = manifests.READINESS | {"initialDelaySeconds": 3}
    return manifests.deployment(f"{SERVICE}-v1", 2, manifests.container(readinessProbe=probe))

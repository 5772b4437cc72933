"""A guard: takes back a rollout whose runner never comes back, with the rights that its Role grants and no more."""

import signal
import sys

import yaml

from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.observer import image_of
from tests.stories.place import Place

V1, V2 = "demo/checkout:v1", "demo/checkout:v2"
GUARD = "nobody"  # the user whom the guard's pod acts as: an embedded cluster has no tokens for service accounts
AFTER = ("--guard-after", "15s")


async def _image(place: Place) -> str:
    """An image whose entry point is serinus, and the guard's account with its Role, as `serinus guard` prints it."""
    kubeconfig = place.cluster.kubeconfig(GUARD, place.namespace)
    image = f"process:///usr/bin/env KUBECONFIG={kubeconfig} {sys.executable} -m serinus"
    shown = await place.serinus("guard", SERVICE, "--image", image)
    account, role, binding, _ = yaml.safe_load_all(shown.output)
    binding["subjects"] = [{"kind": "User", "name": GUARD, "apiGroup": "rbac.authorization.k8s.io"}]
    await place.apply(account, role, binding)
    return image


def _stands(place: Place) -> bool:
    return any(raw["metadata"]["name"].startswith("serinus-guard-") for raw in place.seen.now("pods"))


def _was_there(place: Place) -> bool:
    return any(seen.name.startswith("serinus-guard-") for seen in place.seen.seen["pods"])


async def _jobs_are_gone(place: Place) -> None:
    """Wait for it: the Job is removed a moment after its pod."""
    await place.until("no Job is left", lambda: not place.seen.now("jobs"))


async def test_a_guard_takes_back_a_rollout_whose_runner_was_killed_and_goes(place: Place) -> None:
    await place.in_production(manifests.versioned(4))
    image = await _image(place)
    session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "600", "--guard", image, *AFTER)
    await session.says("a guard stands by")
    await session.says("step 1 of 4")
    async with place.users() as traffic:
        session.signal(signal.SIGKILL)
        await place.seen.until("the canary is gone", lambda: place.deployments() == {"shop-v1": 4}, 60)
        await place.until("the guard is gone", lambda: not _stands(place))
    explained = await place.serinus("explain", SERVICE)
    assert "ABANDONED" in explained.output
    assert {image_of(pod) for pod in place.pods()} == {V1}
    assert traffic.failed == []
    assert place.least_ready() == 4
    assert await place.left_behind() == []
    await _jobs_are_gone(place)


async def test_a_guard_lets_a_live_rollout_be_and_goes_with_it(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    image = await _image(place)
    options = ("--steps", "50", "--bake", "12", "--guard", image, *AFTER)
    session = await place.start("deploy", SERVICE, "--image", V2, *options)
    await session.says("a guard stands by")
    await place.until("the guard's pod", lambda: _stands(place))
    result = await session.ended()
    assert result.code == 0, result.output
    await place.until("the guard is gone", lambda: not _stands(place))
    await _jobs_are_gone(place)


async def test_without_its_account_a_guard_is_refused_before_anything_is_touched(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    result = await place.deploy(V2, "--guard", "example.com/serinus:1")
    assert result.code == 2
    assert "no ServiceAccount serinus-guard" in result.errors
    assert await place.traces() == []


async def test_applied_by_hand_it_is_there_at_once_and_goes_when_there_is_nothing_to_guard(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    image = await _image(place)
    applied = await place.serinus("guard", SERVICE, "--image", image, "--apply")
    assert applied.code == 0, applied.errors
    await place.until("the guard has come and gone", lambda: _was_there(place) and not _stands(place))
    await _jobs_are_gone(place)

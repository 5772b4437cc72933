"""Facts about the real deployment controller on which the promotion by adoption stands.

The stable Deployment takes over the canary's ReplicaSet, so that no proven pod is restarted. Each test replays one row
of what was measured; if a later Kubernetes behaves otherwise, it fails here first.
"""

import pytest

from tests.real.kubectl import kubectl
from tests.real.plane import ControlPlane
from tests.real.tracks import STABLE, World, both_tracks, hand_over, surge


@pytest.mark.parametrize(("wanted", "left"), [(4, 4), (1, 1), (10, 1), (10, 4)])
async def test_adoption_in_two_last_patches_keeps_every_canary_pod_and_makes_none(
    world: World, wanted: int, left: int
) -> None:
    canary = await both_tracks(world, wanted, left)
    await hand_over(world, wanted)
    await world.patch_stable({"replicas": wanted, "strategy": surge(left)})
    await world.patch_stable({"paused": False, "strategy": surge("25%")})
    await world.until_stable_has(wanted)
    assert world.created == set()
    assert world.ready() == canary
    assert world.least_ready == wanted


@pytest.mark.parametrize("size", [4, 1])
async def test_one_last_patch_is_enough_where_stable_was_kept_at_its_size(world: World, size: int) -> None:
    canary = await both_tracks(world, size, size)
    await hand_over(world, size)
    await world.patch_stable({"replicas": size, "paused": False, "strategy": surge("25%")})
    await world.until_stable_has(size)
    assert world.created == set()
    assert world.ready() == canary


async def test_where_stable_was_kept_at_its_size_adoption_alone_finishes_the_switch(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=4)
    await hand_over(world, 4)
    await world.until_stable_has(4)
    assert (await world.stable())["spec"]["paused"]
    assert world.ready() == canary


async def test_undo_brings_the_previous_version_back_after_an_adoption(world: World, plane: ControlPlane) -> None:
    canary = await both_tracks(world, wanted=4, left=4)
    await hand_over(world, 4)
    await world.patch_stable({"paused": False, "strategy": surge("25%")})
    await world.until_stable_has(4)

    await kubectl(plane, "rollout", "undo", f"deployment/{STABLE}", f"--namespace={world.namespace}")
    await world.until_stable_has(4)
    assert world.ready() & canary == set()
    assert (await world.stable())["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"

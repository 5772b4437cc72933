"""What goes wrong in a promotion by adoption when its order is not kept: each trap sprung on the real controller."""

from tests.real.tracks import World, both_tracks, hand_over, surge


async def test_one_last_patch_makes_two_extra_pods_where_ten_are_wanted_and_one_is_left(world: World) -> None:
    canary = await both_tracks(world, 10, 1)
    await hand_over(world, 10)
    await world.patch_stable({"replicas": 10, "paused": False, "strategy": surge("25%")})
    await world.until_stable_has(10)
    assert len(world.created) == 2
    assert world.ready() == canary


async def test_orphaning_before_stable_has_the_template_removes_every_canary_pod(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=2)
    await world.let_stable_adopt()
    await world.until_stable_has(2)
    assert world.ready() & canary == set()
    assert world.least_ready == 2


async def test_adoption_by_a_stable_at_zero_removes_every_canary_pod(world: World) -> None:
    await both_tracks(world, wanted=4, left=1)
    await world.shrink_stable(0)
    await hand_over(world, 4)
    await world.until_stable_has(0)
    assert world.ready() == set()


async def test_adoption_without_room_in_the_surge_removes_canary_pods_though_stable_is_paused(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=1)
    template = await world.canary_template()
    await world.patch_stable({"paused": True, "template": template, "strategy": surge(1)})
    await world.let_stable_adopt()
    await world.until_stable_has(1)
    assert (await world.stable())["spec"]["paused"]
    assert len(world.ready() & canary) == 1


async def test_a_template_change_on_a_stable_that_is_not_paused_makes_pods_before_the_adoption(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=2)
    await world.patch_stable({"template": await world.canary_template()})
    await world.until_stable_has(2)
    assert len(world.created) == 2
    assert canary < world.ready()


async def test_an_annotation_on_one_template_only_replaces_every_canary_pod(world: World) -> None:
    canary = await both_tracks(world, wanted=4, left=1)
    template = await world.canary_template()
    template["metadata"]["annotations"] = {"example.com/one": "more"}
    await world.patch_stable({"paused": True, "template": template, "strategy": surge(4)})
    await world.let_stable_adopt()
    await world.patch_stable({"replicas": 4, "strategy": surge(1)})
    await world.patch_stable({"paused": False, "strategy": surge("25%")})
    await world.until_stable_has(4)
    assert len(world.created) == 4
    assert world.ready() & canary == set()

"""Gates of a step on the embedded cluster: each passes before the share grows, a no takes the canary back."""

import json
import signal

from tests.fakes.server import answer, scripted_server
from tests.gates.processes import until_gone, until_written
from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.place import Place, story
from tests.stories.test_spec_file import V2, written


async def test_a_command_and_a_webhook_that_pass_let_the_version_through(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    seen = place.home / "stages"
    async with scripted_server() as server:
        for _ in range(2):
            server.then(answer({"verdict": "pass", "reason": "all is well"}))
        gates = [
            {"name": "journeys", "command": f'echo "$SERINUS_STAGE" >> {seen}'},
            {"name": "board", "webhook": {"url": server.url, "secret": {"env": "BOARD_KEY"}}},
        ]
        file = written(place, gates=gates, steps=[{"weight": 50}])
        result = await place.serinus("deploy", "-f", file, "--image", V2, BOARD_KEY="s3cret")
        assert result.code == 0, story(place, result)
        assert [json.loads(request.body)["step"] for request in server.seen] == [1, 2]
        assert all(request.headers["Serinus-Signature"].startswith("sha256=") for request in server.seen)
    assert seen.read_text().splitlines() == ["step 1", "step 2"]
    assert "asking gate journeys about step 1" in result.output
    assert "step 2: gate board passed: all is well" in result.output


async def test_a_gate_of_the_second_step_that_says_no_takes_the_canary_back(place: Place) -> None:
    await place.in_production(manifests.in_place(4))
    gate = {"name": "journeys", "command": "echo the till is shut; exit 3"}
    steps = [{"weight": 25}, {"weight": 50, "gates": [gate]}]
    async with place.users() as traffic:
        result = await place.serinus("deploy", "-f", written(place, steps=steps), "--image", V2)
    assert result.code == 1, story(place, result)
    assert "gate journeys: the command ended with exit code 3" in result.output
    assert "output: the till is shut" in "\n".join(result.health)
    assert traffic.failed == []
    assert place.deployments() == {SERVICE: 4}
    assert place.least_ready() == 4
    assert await place.left_behind() == []
    explained = await place.serinus("explain", SERVICE)
    assert "GATE_FAILED" in explained.output


async def test_a_webhook_that_never_answers_takes_the_canary_back_as_undecided(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    async with scripted_server() as server:
        for _ in range(9):
            server.then(answer("", 503))
        gate = {"name": "board", "webhook": {"url": server.url}, "timeout": "2s"}
        result = await place.serinus("deploy", "-f", written(place, gates=[gate]), "--image", V2)
    assert result.code == 3, story(place, result)
    assert "gate board gave no answer within 2 s; its default is fail" in result.output
    assert await place.left_behind() == []


async def test_a_webhook_that_never_answers_passes_where_that_was_declared(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    gate = {"name": "board", "webhook": {"url": "http://127.0.0.1:9/", "default": "pass"}, "timeout": "1s"}
    file = written(place, steps=[{"weight": 50, "gates": [gate]}])
    result = await place.serinus("deploy", "-f", file, "--image", V2)
    assert result.code == 0, story(place, result)
    assert "gate board gave no answer within 1 s; its default is pass" in result.output


async def test_a_secret_that_is_missing_is_told_with_all_else_and_nothing_is_touched(place: Place) -> None:
    await place.in_production(manifests.in_place(3))
    gate = {"name": "board", "webhook": {"url": "http://127.0.0.1:9/", "secret": {"env": "BOARD_KEY"}}}
    file = written(place, gates=[gate])
    result = await place.serinus("deploy", "-f", file, "--image", V2, "--steps", "10")
    assert result.code == 2
    assert "the environment variable BOARD_KEY is not set" in result.errors
    assert "10 % of 3 pods cannot be had" in result.errors
    assert await place.traces() == []


async def test_a_run_that_dies_while_its_gate_is_asked_is_gone_on_with_by_another(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    ready = place.home / "ready"
    gate = {"name": "board", "command": f"test -e {ready} || sleep 600", "timeout": "10m"}
    file = written(place, steps=[{"weight": 50, "gates": [gate]}])
    session = await place.start("deploy", "-f", file, "--image", V2)
    await session.says("asking gate board about step 1")
    session.signal(signal.SIGKILL)
    await session.ended()
    ready.touch()
    result = await place.serinus("deploy", "-f", file, "--image", V2)
    assert result.code == 0, story(place, result)
    assert "step 1: gate board passed" in result.output


async def test_an_abort_ends_the_command_that_is_asked(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    mark = place.home / "pid"
    session = await place.start("deploy", SERVICE, "--image", V2, "--gate", f"slow=echo $$ > {mark}; sleep 600")
    await session.says("asking gate slow about step 1")
    await until_written(mark)
    await place.serinus("abort", SERVICE)
    assert (await session.ended()).code == 4
    await until_gone(int(mark.read_text()))

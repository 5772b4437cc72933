"""Smoke tests: an HTTP request to each canary pod, and a command whose exit code is the verdict."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serinus.core.plan import Promotion
from serinus.core.pods import Pod, Track
from serinus.core.reasons import Reason
from serinus.core.spec import Smoke as SmokeSpec
from serinus.core.turn import Judgement, Verdict
from serinus.gates.running import OUTPUT_LINES
from serinus.gates.smoke import HTTP_TRIES, Smoke, told
from serinus.ports import SmokeQuestion
from tests.core.samples import plan_of
from tests.fakes.pod_http import FakePodHttp
from tests.fakes.server import ScriptedServer, answer, hang_up, never, scripted_server
from tests.gates.processes import FORKING, python, until_gone, until_written

PODS = tuple(Pod(f"new-{n}", Track.CANARY, "Running", True, True, False, (), ip=f"127.0.0.{n}") for n in (1, 2))
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}


def question(
    http_path: str | None = None, command: str | None = None, seconds: float = 10.0, pods: tuple[Pod, ...] = PODS
) -> SmokeQuestion:
    return SmokeQuestion(SmokeSpec(http_path, command, seconds), plan_of(), "step 1", 25.0, pods)


@contextlib.asynccontextmanager
async def gate() -> AsyncIterator[tuple[Smoke, ScriptedServer, FakePodHttp]]:
    async with scripted_server() as server:
        way = FakePodHttp(server.url)
        yield Smoke(way, ENVIRONMENT), server, way


async def run(command: str, seconds: float = 10.0) -> Judgement:
    async with gate() as (smoke, _, _):
        return await smoke.ask(question(command=command, seconds=seconds))


def assert_failed(judgement: Judgement, sentence: str) -> None:
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.SMOKE_FAILED)
    assert judgement.evidence.sentence == sentence


async def test_no_ready_pod_is_no_pass() -> None:
    async with gate() as (smoke, _, _):
        assert_failed(await smoke.ask(question("/", pods=())), "there is no ready canary pod to test")


# HTTP


@pytest.mark.parametrize("status", [200, 204, 302, 399])
async def test_an_answer_of_2xx_or_3xx_from_every_pod_passes(status: int) -> None:
    async with gate() as (smoke, server, way):
        server.then(answer("ok", status)).then(answer("ok", status))
        assert (await smoke.ask(question("/healthz?deep=1"))).verdict is Verdict.PASS
        assert way.asked == ["new-1", "new-2"]
        assert server.seen[0].path == "/healthz"
        assert server.seen[0].query == {"deep": "1"}


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_an_answer_of_4xx_or_5xx_fails_at_once_with_its_start(status: int) -> None:
    async with gate() as (smoke, server, way):
        server.then(answer("  database is away\n" + "x" * 999, status))
        judgement = await smoke.ask(question("/healthz"))
    assert_failed(judgement, f"GET /healthz of pod new-1 answered {status}")
    assert judgement.evidence.lines[0].startswith("answer: database is away\nxxx")
    assert len(judgement.evidence.lines[0]) < 220
    assert way.asked == ["new-1"]


async def test_the_second_pod_may_fail_as_well_as_the_first() -> None:
    async with gate() as (smoke, server, _):
        server.then(answer("ok")).then(answer("no", 500))
        assert_failed(await smoke.ask(question("/healthz")), "GET /healthz of pod new-2 answered 500")


async def test_a_request_that_is_not_answered_is_tried_again() -> None:
    async with gate() as (smoke, server, way):
        server.then(hang_up()).then(answer("ok")).then(answer("ok"))
        assert (await smoke.ask(question("/healthz"))).verdict is Verdict.PASS
        assert way.asked == ["new-1", "new-1", "new-2"]


async def test_a_pod_that_never_answers_fails_after_some_tries() -> None:
    async with gate() as (smoke, server, way):
        for _ in range(HTTP_TRIES):
            server.then(hang_up())
        judgement = await smoke.ask(question("/healthz"))
    assert_failed(judgement, "GET /healthz of pod new-1 got no answer")
    assert way.asked == ["new-1"] * HTTP_TRIES
    assert judgement.evidence.lines[0].startswith("pod new-1: ")


async def test_a_pod_that_keeps_the_line_open_ends_by_the_time_limit() -> None:
    async with gate() as (smoke, server, _):
        server.then(never())
        assert_failed(await smoke.ask(question("/", seconds=0.3)), "the smoke test did not end within 0.3 s")


# The command


async def test_a_command_that_ends_with_zero_passes() -> None:
    assert (await run("true")).verdict is Verdict.PASS


async def test_a_command_fails_by_its_exit_code_with_the_end_of_its_output() -> None:
    judgement = await run("seq 1 30; echo broken >&2; exit 7")
    assert_failed(judgement, "the smoke command ended with exit code 7")
    assert len(judgement.evidence.lines) == OUTPUT_LINES
    assert judgement.evidence.lines[-2:] == ("output: 30", "output: broken")


async def test_a_command_that_is_not_there_fails() -> None:
    assert (await run("./no-such-smoke-test")).evidence.sentence == "the smoke command ended with exit code 127"


async def test_a_command_that_a_signal_ended_fails() -> None:
    assert (await run("kill -9 $$")).evidence.sentence == "the smoke command ended with exit code -9"


async def test_the_command_runs_after_the_requests_and_only_if_they_passed(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    async with gate() as (smoke, server, _):
        server.then(answer("no", 500))
        await smoke.ask(question("/healthz", f"touch {mark}"))
        assert not mark.exists()
        server.then(answer("ok")).then(answer("ok"))
        assert (await smoke.ask(question("/healthz", f"touch {mark}"))).verdict is Verdict.PASS
        assert mark.exists()


async def test_a_command_that_reads_finds_nothing_to_read() -> None:
    assert (await run("cat")).verdict is Verdict.PASS


async def test_output_without_end_is_read_and_not_kept() -> None:
    judgement = await run(python("[print('y' * 99) for _ in range(99999)]; exit(3)"))
    assert judgement.evidence.lines == ("output: " + "y" * 99,) * OUTPUT_LINES


async def test_output_that_is_no_text_does_no_harm() -> None:
    judgement = await run(python("import sys; sys.stdout.buffer.write(b'\\xff\\xfe'); sys.exit(1)"))
    assert judgement.evidence.sentence == "the smoke command ended with exit code 1"


# Its end by the time limit


LEAVING_ONE_BEHIND = """
import os, sys, time
if os.fork() == 0:
    open(sys.argv[1], "w").write(str(os.getpid()))
    time.sleep(600)
"""


@pytest.mark.parametrize("code", [FORKING, LEAVING_ONE_BEHIND])
async def test_the_time_limit_ends_the_command_and_all_that_it_started(tmp_path: Path, code: str) -> None:
    mark = tmp_path / "pid"
    async with gate() as (smoke, _, _):
        judgement = await smoke.ask(question(command=f"{python(code)} {mark}", seconds=2.0))
    assert_failed(judgement, "the smoke test did not end within 2 s")
    await until_gone(int(mark.read_text()))


async def test_a_gate_that_is_cancelled_ends_its_command(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    async with gate() as (smoke, _, _):
        asking = asyncio.create_task(smoke.ask(question(command=f"{python(FORKING)} {mark}", seconds=60)))
        await until_written(mark)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await until_gone(int(mark.read_text()))


# What it is told


async def test_a_command_is_told_of_the_pods_versions_and_share(tmp_path: Path) -> None:
    seen = tmp_path / "environment"
    assert (await run(f"env > {seen}")).verdict is Verdict.PASS
    lines = seen.read_text().splitlines()
    assert "HOME=/nowhere" in lines
    for name, value in told(question()).items():
        assert f"{name}={value}" in lines


def test_what_a_command_is_told() -> None:
    assert told(question()) == {
        "SERINUS_NAMESPACE": "shop",
        "SERINUS_SERVICE": "checkout",
        "SERINUS_STAGE": "step 1",
        "SERINUS_SHARE_PERCENT": "25",
        "SERINUS_CANARY_DEPLOYMENT": "checkout-v2",
        "SERINUS_CANARY_VERSION": "v2",
        "SERINUS_CANARY_PODS": "new-1 new-2",
        "SERINUS_CANARY_POD_IPS": "127.0.0.1 127.0.0.2",
        "SERINUS_STABLE_DEPLOYMENT": "checkout-v1",
        "SERINUS_STABLE_VERSION": "v1",
    }
    first = SmokeQuestion(SmokeSpec("/"), plan_of(Promotion.FIRST), "step 1", 100.0, PODS)
    assert (told(first)["SERINUS_STABLE_DEPLOYMENT"], told(first)["SERINUS_STABLE_VERSION"]) == ("", "")

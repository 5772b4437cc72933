"""The webhook gate: what is sent and how it is signed, what each answer means, and what is tried again until when."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from serinus.core.gates import Gate, NoAnswer, Webhook
from serinus.core.plan import Promotion
from serinus.core.reasons import Reason
from serinus.core.turn import Judgement, Verdict
from serinus.gates.secret import secret_problems
from serinus.gates.webhook import ANSWER_BYTES_MAX, LEAST_SECONDS, Caller, shown, told
from serinus.ports import GateQuestion
from serinus.system import SystemClock
from tests.core.samples import plan_of
from tests.fakes.clock import FakeClock, FakeDice
from tests.fakes.server import ScriptedServer, answer, hang_up, never, scripted_server
from tests.gates.samples import PODS, question_of

SECRETS = {"BOARD_KEY": "s3cret\n"}


class Exchange:
    """A caller before a scripted server, with time in the test's hand."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.clock = FakeClock()
        self.caller = Caller(self.clock, FakeDice(0.0), SECRETS, lambda _url: None)

    def webhook(self, default: NoAnswer = NoAnswer.FAIL, path: str = "/ask", variable: str | None = None) -> Webhook:
        return Webhook(f"{self.server.url}{path}", variable, None, default)

    async def ask(self, webhook: Webhook | None = None, seconds: float = 60.0, held_seconds: float = 0.0) -> Judgement:
        """Ask, and let time pass whenever the caller waits."""
        webhook = webhook or self.webhook()
        asking = asyncio.create_task(self.caller.ask(question_of(webhook, seconds, held_seconds), webhook))
        while not asking.done():
            waiting = asyncio.create_task(self.clock.until_asleep())
            await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            if not asking.done():
                await self.clock.jump()
        return asking.result()


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with scripted_server() as server:
        yield Exchange(server)


def assert_no(judgement: Judgement, reason: Reason, sentence: str) -> None:
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, reason)
    assert sentence in judgement.evidence.sentence


# What is sent


async def test_the_question_says_which_rollout_and_step_it_is_about(exchange: Exchange) -> None:
    exchange.server.then(answer(""))
    await exchange.ask()
    (seen,) = exchange.server.seen
    assert (seen.method, seen.path, seen.headers["Content-Type"]) == ("POST", "/ask", "application/json")
    assert json.loads(seen.body) == {
        "id": "0000aaaa-1-board",
        "gate": "board",
        "rollout": "0000aaaa",
        "namespace": "shop",
        "service": "checkout",
        "version": "v2",
        "versionBefore": "v1",
        "step": 1,
        "steps": 3,
        "sharePercent": 25.0,
        "pods": ["new-1", "new-2"],
    }


async def test_a_first_version_has_none_before_it() -> None:
    gate = Gate("board", Webhook("https://board/"))
    assert told(GateQuestion(gate, plan_of(Promotion.FIRST), 0, 100.0, PODS))["versionBefore"] is None


async def test_it_is_signed_over_its_time_and_body_with_the_secret(exchange: Exchange) -> None:
    exchange.server.then(answer(""))
    await exchange.ask(exchange.webhook(variable="BOARD_KEY"))
    (seen,) = exchange.server.seen
    timestamp = seen.headers["Serinus-Timestamp"]
    assert float(timestamp) == exchange.clock.now().timestamp()
    expected = hmac.new(b"s3cret", timestamp.encode() + b"." + seen.body, hashlib.sha256).hexdigest()
    assert seen.headers["Serinus-Signature"] == f"sha256={expected}"


async def test_without_a_secret_it_is_not_signed(exchange: Exchange) -> None:
    exchange.server.then(answer(""))
    await exchange.ask()
    assert "Serinus-Signature" not in exchange.server.seen[0].headers


async def test_every_try_has_the_same_identifier_and_a_signature_of_its_own_time(exchange: Exchange) -> None:
    exchange.server.then(answer("", 503)).then(hang_up()).then(answer(""))
    await exchange.ask(exchange.webhook(variable="BOARD_KEY"))
    headers = [seen.headers for seen in exchange.server.seen]
    assert {one["Serinus-Delivery"] for one in headers} == {"0000aaaa-1-board"}
    assert len({one["Serinus-Signature"] for one in headers}) == 3


async def test_a_secret_that_is_not_there_is_never_passed_over(exchange: Exchange) -> None:
    judgement = await exchange.ask(exchange.webhook(variable="NO_SUCH_KEY"))
    assert_no(judgement, Reason.GATE_UNANSWERED, "the environment variable NO_SUCH_KEY is not set")
    assert exchange.server.seen == []


async def test_a_secret_may_come_from_a_file(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    exchange.server.then(answer(""))
    await exchange.ask(Webhook(exchange.server.url, None, str(tmp_path / "key")))
    assert exchange.server.seen[0].headers["Serinus-Signature"].startswith("sha256=")


def test_secrets_that_are_missing_are_told_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    plan = question_of(Webhook("https://board/", "NO_SUCH_KEY")).plan
    assert [problem.why for problem in secret_problems(plan, {})] == ["the environment variable NO_SUCH_KEY is not set"]
    for name, why in (("none", "No such file"), ("empty", "is empty")):
        plan = question_of(Webhook("https://board/", None, str(tmp_path / name))).plan
        (problem,) = secret_problems(plan, {})
        assert why in problem.why
    assert secret_problems(question_of(Webhook("https://board/", "BOARD_KEY")).plan, SECRETS) == ()


# What an answer means


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_answer_of_2xx_is_a_pass(exchange: Exchange, status: int) -> None:
    exchange.server.then(answer("", status))
    assert (await exchange.ask()).verdict is Verdict.PASS


async def test_a_verdict_of_pass_is_one_with_its_reason(exchange: Exchange) -> None:
    exchange.server.then(answer({"verdict": "pass", "reason": "12 of 12 journeys"}))
    judgement = await exchange.ask()
    assert (judgement.verdict, judgement.evidence.sentence) == (Verdict.PASS, "gate board passed: 12 of 12 journeys")


async def test_a_verdict_of_fail_is_a_no_with_its_reason(exchange: Exchange) -> None:
    exchange.server.then(answer({"verdict": "FAIL", "reason": "3 of 12 journeys\nfailed"}))
    assert_no(await exchange.ask(), Reason.GATE_FAILED, "gate board said no: 3 of 12 journeys failed")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_4xx_is_a_no_with_the_start_of_what_was_said(exchange: Exchange, status: int) -> None:
    exchange.server.then(answer("not in this window " + "x" * 999, status))
    judgement = await exchange.ask()
    assert_no(judgement, Reason.GATE_FAILED, f"answered {status}")
    assert judgement.evidence.lines[0].startswith("not in this window xxx")
    assert len(judgement.evidence.lines[0]) == 200


@pytest.mark.parametrize(
    "unclear",
    [
        answer({"verdict": "unsure", "reason": "still counting"}),
        answer("", 202),
        answer({"verdict": "pass"}, 202),
        answer({"verdict": "perhaps"}),
        answer({"ok": True}),
        answer("OK"),
        answer("x" * (ANSWER_BYTES_MAX + 1)),
        answer("", 500),
        answer("", 503),
        answer("", 408),
        answer("", 429),
        hang_up(),
    ],
    ids=["unsure", "202", "202 pass", "perhaps", "no verdict", "text", "too long", "500", "503", "408", "429", "cut"],
)
async def test_what_settles_nothing_is_asked_again_and_never_passes(exchange: Exchange, unclear: object) -> None:
    exchange.server.then(unclear).then(unclear).then(answer({"verdict": "fail", "reason": "no"}))  # type: ignore[arg-type]
    assert_no(await exchange.ask(), Reason.GATE_FAILED, "said no: no")
    assert len(exchange.server.seen) == 3


# When it is asked again


async def test_pauses_between_tries_double_up_to_half_a_minute(exchange: Exchange) -> None:
    for _ in range(7):
        exchange.server.then(answer("", 500))
    exchange.server.then(answer(""))
    await exchange.ask(seconds=600.0)
    assert exchange.clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


async def test_the_service_says_how_long_to_wait_in_seconds_or_by_a_date(exchange: Exchange) -> None:
    date = format_datetime(exchange.clock.now() + timedelta(seconds=20), usegmt=True)
    exchange.server.then(answer("", 429, **{"Retry-After": "7"})).then(answer("", 202, **{"Retry-After": date}))
    exchange.server.then(answer("", 503, **{"Retry-After": "soon"})).then(answer(""))
    await exchange.ask()
    assert exchange.clock.slept == [7.0, 13.0, 4.0]


@pytest.mark.parametrize(
    ("default", "verdict", "reason"),
    [(NoAnswer.FAIL, Verdict.FAIL, Reason.GATE_UNANSWERED), (NoAnswer.PASS, Verdict.PASS, None)],
)
async def test_silence_until_the_deadline_means_what_was_declared(
    exchange: Exchange, default: NoAnswer, verdict: Verdict, reason: Reason | None
) -> None:
    for _ in range(2):
        exchange.server.then(answer("later", 503, **{"Retry-After": "40"}))
    judgement = await exchange.ask(exchange.webhook(default), seconds=60.0)
    assert (judgement.verdict, judgement.reason) == (verdict, reason)
    assert judgement.evidence.sentence == f"gate board gave no answer within 60 s; its default is {default.value}"
    assert judgement.evidence.lines == ("asked 2 times", f"last: {exchange.server.url}/ask answered 503: later")
    assert exchange.clock.slept == [40.0, 20.0]


async def test_a_runner_that_takes_over_has_what_is_left_of_the_deadline(exchange: Exchange) -> None:
    exchange.server.then(answer("", 202, **{"Retry-After": "99"}))
    await exchange.ask(seconds=60.0, held_seconds=45.0)
    assert exchange.clock.slept == [15.0]


async def test_a_runner_that_takes_over_after_the_deadline_asks_all_the_same(exchange: Exchange) -> None:
    exchange.server.then(answer("", 202, **{"Retry-After": "99"}))
    await exchange.ask(seconds=60.0, held_seconds=900.0)
    assert exchange.clock.slept == [LEAST_SECONDS]


async def test_a_service_that_never_answers_ends_one_try_and_not_the_gate() -> None:
    async with scripted_server() as server:
        server.then(never())
        webhook = Webhook(server.url)
        caller = Caller(SystemClock(), FakeDice(), {}, lambda _url: None)
        judgement = await caller.ask(question_of(webhook, 0.3), webhook)
    assert_no(judgement, Reason.GATE_UNANSWERED, "gave no answer within 0.3 s")
    assert "did not answer within 0 s" in judgement.evidence.lines[1]


async def test_where_nobody_listens_is_told(exchange: Exchange) -> None:
    async with scripted_server() as gone:
        url = gone.url
    judgement = await exchange.ask(Webhook(url), seconds=3.0)
    assert_no(judgement, Reason.GATE_UNANSWERED, "gave no answer within 3 s")
    assert "could not be asked" in judgement.evidence.lines[1]


# Redirects


async def test_a_redirect_on_the_same_host_is_followed_as_a_post(exchange: Exchange) -> None:
    exchange.server.then(answer("", 308, Location="/there")).then(answer(""))
    assert (await exchange.ask()).verdict is Verdict.PASS
    assert [(seen.method, seen.path) for seen in exchange.server.seen] == [("POST", "/ask"), ("POST", "/there")]
    assert exchange.server.seen[1].body == exchange.server.seen[0].body


async def test_a_redirect_to_another_host_is_not_followed(exchange: Exchange) -> None:
    async with scripted_server() as other:
        exchange.server.then(answer("", 307, Location=f"{other.url}/ask?key=1"))
        judgement = await exchange.ask()
        assert_no(judgement, Reason.GATE_FAILED, f"redirects (307) to {other.url}/ask")
        assert other.seen == []


async def test_a_redirect_that_would_not_be_a_post_is_a_no(exchange: Exchange) -> None:
    exchange.server.then(answer("", 302, Location="/login"))
    assert_no(await exchange.ask(), Reason.GATE_FAILED, "redirects (302)")


async def test_redirects_have_an_end(exchange: Exchange) -> None:
    for _ in range(9):
        exchange.server.then(answer("", 307, Location="/ask"))
    assert_no(await exchange.ask(), Reason.GATE_FAILED, "redirects without end")
    assert len(exchange.server.seen) == 4


def test_an_address_is_shown_without_its_query() -> None:
    assert shown("https://board.example.com/ask?key=1") == "https://board.example.com/ask"

"""The exam of the StepGate port, taken by the fake and by the gates of every kind that needs no cluster."""

import os
from collections.abc import AsyncIterator, Callable

import pytest

from serinus.core.gates import Command, GateKind, Webhook
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.turn import Judgement, Verdict
from serinus.gates.step import StepGates
from serinus.ports import StepGate
from serinus.system import SystemClock
from tests.fakes.clock import FakeDice
from tests.fakes.gates import FakeGates
from tests.fakes.server import answer, scripted_server
from tests.gates.samples import question_of

Asked = Callable[[bool], tuple[StepGate, GateKind]]
"""A gate whose world is well, or is not; and its kind."""


@pytest.fixture(params=["fake", "command", "webhook"])
async def gate(request: pytest.FixtureRequest) -> AsyncIterator[Asked]:
    async with scripted_server() as server:
        real = StepGates(SystemClock(), FakeDice(), os.environ, lambda _url: None)

        def asked(well: bool) -> tuple[StepGate, GateKind]:
            if request.param == "command":
                return real, Command("true" if well else "false")
            if request.param == "webhook":
                server.then(answer("", 200 if well else 403))
                return real, Webhook(server.url)
            said = Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence("no"))
            return FakeGates(SystemClock(), {} if well else {"board": said}, 0.0), Command("true")

        yield asked


async def test_a_good_answer_is_a_pass(gate: Asked) -> None:
    asked, kind = gate(True)
    assert (await asked.ask(question_of(kind))).verdict is Verdict.PASS


async def test_a_no_has_a_reason_and_a_sentence(gate: Asked) -> None:
    asked, kind = gate(False)
    judgement = await asked.ask(question_of(kind))
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.GATE_FAILED)
    assert judgement.evidence.sentence

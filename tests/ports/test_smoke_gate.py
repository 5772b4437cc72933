"""The exam of the SmokeGate port, taken by the fake and by the gate."""

from collections.abc import AsyncIterator, Callable

import pytest

from serinus.core.reasons import Reason
from serinus.core.spec import Smoke as SmokeSpec
from serinus.core.state import Evidence
from serinus.core.turn import Judgement, Verdict
from serinus.gates.smoke import Smoke
from serinus.ports import SmokeGate, SmokeQuestion
from serinus.system import SystemClock
from tests.core.samples import plan_of
from tests.fakes.pod_http import FakePodHttp
from tests.fakes.server import answer, scripted_server
from tests.fakes.smoke import FakeSmokeGate
from tests.gates.test_smoke import PODS

Gate = Callable[[int], SmokeGate]
"""A gate before pods that answer with this status."""


@pytest.fixture(params=["fake", "gate"])
async def gate_for(request: pytest.FixtureRequest) -> AsyncIterator[Gate]:
    async with scripted_server() as server:

        def real(status: int) -> SmokeGate:
            for _ in PODS:
                server.then(answer("", status))
            return Smoke(FakePodHttp(server.url), {})

        def fake(status: int) -> SmokeGate:
            failed = Judgement(Verdict.FAIL, Reason.SMOKE_FAILED, Evidence(f"GET / answered {status}"))
            return FakeSmokeGate(SystemClock(), {} if status < 400 else {"step 1": failed}, seconds=0.0)

        yield real if request.param == "gate" else fake


QUESTION = SmokeQuestion(SmokeSpec("/", None, 5.0), plan_of(), "step 1", 25.0, PODS)


async def test_pods_that_answer_well_pass(gate_for: Gate) -> None:
    assert (await gate_for(200).ask(QUESTION)).verdict is Verdict.PASS


async def test_a_failure_has_a_reason_and_a_sentence(gate_for: Gate) -> None:
    judgement = await gate_for(500).ask(QUESTION)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.SMOKE_FAILED)
    assert judgement.evidence.sentence

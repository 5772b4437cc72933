"""The command gate: exit code 0 is a pass, any other a no, and the last lines of its output are the evidence.

It runs where Serinus runs, and is told of the rollout in its environment. Losing the runner ends it; the next one runs
it again from its beginning.
"""

import asyncio
from collections.abc import Mapping

from serinus.core.checks import step_stage
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.telling import environment_of
from serinus.core.turn import Judgement, Verdict
from serinus.gates.running import run_command
from serinus.ports import Clock, GateQuestion


async def ask_command(question: GateQuestion, command: str, clock: Clock, environment: Mapping[str, str]) -> Judgement:
    """Run it, for as long as the gate may take."""
    gate = question.gate
    told = environment_of(question.plan, step_stage(question.step), question.share_percent, question.pods)
    began = clock.monotonic()
    try:
        async with asyncio.timeout(gate.timeout_seconds):
            ran = await run_command(command, {**environment, **told, "SERINUS_GATE": gate.name})
    except TimeoutError:
        sentence = f"gate {gate.name}: the command did not end within {gate.timeout_seconds:g} s"
        return Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence(sentence))
    took = f"{clock.monotonic() - began:.1f} s"
    if ran.code == 0:
        return Judgement(Verdict.PASS, None, Evidence(f"gate {gate.name} passed after {took}", ran.shown))
    sentence = f"gate {gate.name}: the command ended with exit code {ran.code} after {took}"
    return Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence(sentence, ran.shown))

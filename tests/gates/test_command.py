"""The command gate: its exit code, its output as evidence, its end by the time limit, and what it is told."""

import asyncio
import os
from pathlib import Path

from serinus.core.gates import Command
from serinus.core.reasons import Reason
from serinus.core.turn import Judgement, Verdict
from serinus.gates.command import ask_command
from serinus.system import SystemClock
from tests.gates.processes import FORKING, python, until_gone, until_written
from tests.gates.samples import question_of

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}


async def ask(command: str, seconds: float = 10.0) -> Judgement:
    return await ask_command(question_of(Command(command), seconds), command, SystemClock(), ENVIRONMENT)


async def test_exit_code_0_is_a_pass_with_the_end_of_the_output() -> None:
    judgement = await ask("seq 1 30")
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence.sentence.startswith("gate board passed after ")
    assert judgement.evidence.lines[-1] == "output: 30"


async def test_another_exit_code_is_a_no_with_numbers_and_output() -> None:
    judgement = await ask("echo the till is shut; exit 3")
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.GATE_FAILED)
    assert judgement.evidence.sentence.startswith("gate board: the command ended with exit code 3 after ")
    assert judgement.evidence.lines == ("output: the till is shut",)


async def test_a_command_that_does_not_end_is_a_no_and_is_ended_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    judgement = await ask(f"{python(FORKING)} {mark}", 2.0)
    assert judgement.reason is Reason.GATE_FAILED
    assert judgement.evidence.sentence == "gate board: the command did not end within 2 s"
    await until_gone(int(mark.read_text()))


async def test_a_gate_that_nobody_waits_for_any_more_ends_its_command(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    asking = asyncio.create_task(ask(f"{python(FORKING)} {mark}", 60.0))
    await until_written(mark)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until_gone(int(mark.read_text()))


async def test_it_is_told_of_the_rollout_and_of_its_own_name(tmp_path: Path) -> None:
    seen = tmp_path / "environment"
    assert (await ask(f"env > {seen}")).verdict is Verdict.PASS
    lines = seen.read_text().splitlines()
    for line in ("HOME=/nowhere", "SERINUS_GATE=board", "SERINUS_STAGE=step 1", "SERINUS_CANARY_PODS=new-1 new-2"):
        assert line in lines

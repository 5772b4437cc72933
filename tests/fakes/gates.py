"""The fake of the StepGate port: answers as it was told, after so long; or never."""

import asyncio

from serinus.core.turn import Judgement, Verdict
from serinus.ports import Clock, GateQuestion


class FakeGates:
    """`answers`: by gate; None for a gate is no answer ever. Those not named pass."""

    def __init__(self, clock: Clock, answers: dict[str, Judgement | None] | None = None, seconds: float = 3.0) -> None:
        self._clock = clock
        self._answers = answers or {}
        self._seconds = seconds
        self.questions: list[GateQuestion] = []
        self.ended: list[str] = []
        """Gates whose question was ended before it was answered."""

    async def ask(self, question: GateQuestion) -> Judgement:
        self.questions.append(question)
        answer = self._answers.get(question.gate.name, Judgement(Verdict.PASS))
        try:
            if answer is None:
                await asyncio.Event().wait()
                raise AssertionError
            await self._clock.sleep(self._seconds)
        except asyncio.CancelledError:
            self.ended.append(question.gate.name)
            raise
        return answer

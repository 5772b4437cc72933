"""The fake of the SmokeGate port: answers as it was told, after so long; or never."""

import asyncio

from serinus.core.turn import Judgement, Verdict
from serinus.ports import Clock, SmokeQuestion


class FakeSmokeGate:
    """`answers`: by stage; None for a stage is no answer ever. Those not named pass."""

    def __init__(self, clock: Clock, answers: dict[str, Judgement | None] | None = None, seconds: float = 5.0) -> None:
        self._clock = clock
        self._answers = answers or {}
        self._seconds = seconds
        self.questions: list[SmokeQuestion] = []
        self.asked = asyncio.Event()

    async def ask(self, question: SmokeQuestion) -> Judgement:
        self.questions.append(question)
        self.asked.set()
        answer = self._answers.get(question.stage, Judgement(Verdict.PASS))
        if answer is None:
            await asyncio.Event().wait()
            raise AssertionError
        await self._clock.sleep(self._seconds)
        return answer

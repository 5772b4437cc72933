"""The questions that a runner has put to smoke tests and gates, and their answers, while it lives.

Nothing of it is saved: another runner puts them again. What is asked, and what follows, is the machine's business.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field

from serinus.core.turn import GateAnswer, Judgement

_SMOKE = ""
"""Stands in place of a gate's name for the smoke test of a stage; no gate is named so."""


@dataclass(slots=True)
class Asked:
    """By stage and gate. `answered` is set when an answer has come."""

    answered: asyncio.Event
    _tasks: dict[tuple[str, str], "asyncio.Task[Judgement]"] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _ending: set["asyncio.Task[Judgement]"] = field(default_factory=set)

    def put(self, stage: str, question: Coroutine[None, None, Judgement], gate: str = _SMOKE) -> None:
        """Put a question that was not put before."""
        task = asyncio.create_task(question)
        task.add_done_callback(lambda _task: self.answered.set())
        self._tasks[stage, gate] = task

    def was_put(self, stage: str, gate: str = _SMOKE) -> bool:
        """Whether it was put already, answered or not."""
        return (stage, gate) in self._tasks

    @property
    def any_put(self) -> bool:
        """Whether an answer can come."""
        return bool(self._tasks)

    def smoke(self, stage: str) -> Judgement | None:
        """What the smoke test of a stage said; None: nothing yet."""
        return self._answer((stage, _SMOKE))

    def gates(self, stage: str) -> tuple[GateAnswer, ...]:
        """What the gates said of a stage so far."""
        found = ((key[1], self._answer(key)) for key in self._tasks if key[0] == stage and key[1] != _SMOKE)
        return tuple(GateAnswer(gate, answer) for gate, answer in found if answer is not None)

    def news(self, stage: str, answers: tuple[GateAnswer, ...]) -> Iterator[GateAnswer]:
        """Those answers about a stage that were not told before."""
        for answer in answers:
            if (stage, answer.gate) not in self._told:
                self._told.add((stage, answer.gate))
                yield answer

    def drop_all_but(self, stage: str | None) -> None:
        """End the questions of other stages: nobody waits for their answers any more."""
        for key in [key for key in self._tasks if key[0] != stage]:
            task = self._tasks.pop(key)
            if task.cancel():
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End all of them, and wait until they have ended."""
        self.drop_all_but(None)
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _answer(self, key: tuple[str, str]) -> Judgement | None:
        task = self._tasks.get(key)
        return task.result() if task is not None and task.done() and not task.cancelled() else None

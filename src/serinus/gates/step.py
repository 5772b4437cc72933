"""The gates of a step, each asked as its kind wants it. See `ports.StepGate`."""

from collections.abc import Mapping
from typing import assert_never

from serinus.core.gates import Command, Job, Webhook
from serinus.core.turn import Judgement
from serinus.gates.command import ask_command
from serinus.gates.webhook import Caller, ProxyOf
from serinus.ports import Clock, Dice, GateQuestion


class StepGates:
    """`environment` is what commands inherit, and where secrets of webhooks are looked for."""

    def __init__(self, clock: Clock, dice: Dice, environment: Mapping[str, str], proxy_of: ProxyOf) -> None:
        self._clock = clock
        self._environment = environment
        self._caller = Caller(clock, dice, environment, proxy_of)

    async def ask(self, question: GateQuestion) -> Judgement:
        """PASS or FAIL, with what was seen."""
        kind = question.gate.kind
        match kind:
            case Command(command):
                return await ask_command(question, command, self._clock, self._environment)
            case Webhook():
                return await self._caller.ask(question, kind)
            case Job():
                raise AssertionError("a Job is the cluster's business: it is seen there, and not asked")
            case _:
                assert_never(kind)

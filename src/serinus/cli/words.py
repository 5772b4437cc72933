"""A person's word to a rollout: left beside its record, for whoever drives it."""

import contextlib
import getpass

from serinus.cli.checked import Refused
from serinus.core.record import Command
from serinus.core.state import PauseEnd
from serinus.core.survey import Problem
from serinus.engine.observe import ABORTING
from serinus.kube.target import Target
from serinus.kube.world import KubeCluster
from serinus.ports import LostRace, Saved, Trouble
from serinus.wiring import Session

RACE_SECONDS = 1.0
"""How long to wait for the news after someone else was faster."""


async def ask(
    session: Session, target: Target, verb: str, by: str, seconds: float = 0.0, end: PauseEnd = PauseEnd.REVERT
) -> str:
    """Leave a word for whoever drives the rollout; the word's identifier. Raises KubeError, Refused.

    A word replaces the one before it, but never one that takes the rollout back: that is not to be lost.
    """
    while (saved := target.store.load()) is not None:
        rollout = saved.record.plan.rollout
        waiting = saved.command if saved.command is not None and saved.command.rollout == rollout else None
        if waiting is not None and waiting.verb in ABORTING and verb not in ABORTING:
            why = f"{waiting.by} asked for the way back at {waiting.at:%H:%M:%S} UTC"
            where = f"Service {target.service} in namespace {target.namespace}"
            raise Refused((Problem(f"cannot {verb} any more", where, why, "watch it: serinus status --watch"),))
        command = Command(verb, rollout, by, session.clock.now(), session.dice.token(), seconds, end)
        with contextlib.suppress(LostRace):
            await target.store.command(command, saved.version)
            return command.id
        await KubeCluster(target).changed(RACE_SECONDS)
    raise Trouble(f"Service {target.service} has no rollout to speak to")


def is_asked_back(saved: Saved) -> bool:
    """Whether the way back has been asked for already."""
    word = saved.command
    return word is not None and word.rollout == saved.record.plan.rollout and word.verb in ABORTING


def who() -> str:
    """Who speaks, as far as this machine knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"

"""Take a rollout back from another terminal: ask the run that drives it, and do it from here when it does not begin."""

import asyncio
import contextlib

from serinus.cli.output import Writer
from serinus.cli.run import drive_unleased
from serinus.cli.words import ask, is_asked_back, who
from serinus.core.progress import finished_progress
from serinus.core.record import Command
from serinus.core.state import Finished, Leaving
from serinus.kube.store import leave_word, look_up
from serinus.kube.target import Target
from serinus.kube.world import KubeCluster
from serinus.ports import LostRace, Saved
from serinus.wiring import Session

PATIENCE_SECONDS = 2.0
"""How long the run that drives it has to begin with the way back, before it is begun from here."""
SILENCE_SECONDS = 20.0
"""How long nothing at all may change on the way back, before the run that drives it is taken for dead."""


async def ask_at_once(session: Session, service: str, verb: str) -> Saved | None:
    """Ask for the way back by `verb`, before anything else is known: two requests. What was saved; None: nothing is.

    A rollout that has finished is not asked. Where someone else was faster with a word, `take_back` asks again.
    Raises KubeError, at once where the cluster does not answer, and Trouble.
    """
    client = session.client
    saved, _ = await asyncio.gather(look_up(client, client.namespace, service), client.server_version())
    if saved is not None and not isinstance(saved.record.state, Finished):
        command = Command(verb, saved.record.plan.rollout, who(), session.clock.now(), session.dice.token())
        with contextlib.suppress(LostRace):
            await leave_word(client, client.namespace, service, command, saved.version)
    return saved


async def take_back(session: Session, target: Target, writer: Writer, verb: str) -> Finished | None:
    """Ask for the way back by `verb` and see it done. None: the record is gone. Raises KubeError, Trouble.

    The lease is not waited for: it says who drives, but compare-and-swap is what protects, and abort comes first.
    """
    saved = target.store.load()
    if saved is None or not is_asked_back(saved):
        await ask(session, target, verb, who())
    cluster = KubeCluster(target)
    give_up_at = session.clock.monotonic() + PATIENCE_SECONDS
    while (saved := target.store.load()) is not None:
        state = saved.record.state
        if isinstance(state, Finished):
            writer.report(finished_progress(saved.record.plan, state))
            return state
        leaving = isinstance(state, Leaving)
        patience = SILENCE_SECONDS if leaving else max(0.0, give_up_at - session.clock.monotonic())
        if not await cluster.changed(patience):
            writer.say("nobody began with it: taking it back from here")
            return await drive_unleased(session, target, saved.record.plan, writer)
    return None

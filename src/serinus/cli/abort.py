"""`serinus abort`: take a rollout back, whether or not anybody still drives it."""

import getpass
from typing import Any

import click

from serinus.cli.exits import Exit, exit_of
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import Writer, writer_for
from serinus.cli.run import ask, clear_lease, drive_unleased
from serinus.core.progress import finished_progress
from serinus.core.reasons import Outcome
from serinus.core.state import Finished, Leaving
from serinus.kube.kubeconfig import Choice
from serinus.kube.target import Target, open_target
from serinus.kube.world import KubeCluster
from serinus.wiring import Session, open_session

PATIENCE_SECONDS = 2.0
"""How long the run that drives it has to begin with the way back, before it is begun from here."""
SILENCE_SECONDS = 20.0
"""How long nothing at all may change on the way back, before the run that drives it is taken for dead."""


@click.command()
@click.argument("service")
@cluster_options
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Lines, or JSON lines.")
def abort(service: str, output: str, **values: Any) -> int:
    """Take the running rollout of SERVICE back: all users on production, then the canary goes."""
    return run(_abort(choice_of(values), service, output))


async def _abort(choice: Choice, service: str, output: str) -> Exit:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, service) as target,
    ):
        writer = writer_for(output, session.clock)
        saved = target.store.load()
        if saved is None or isinstance(saved.record.state, Finished):
            writer.say(f"no rollout of Service {service} is under way in namespace {target.namespace}")
            await clear_lease(session, target)
            return Exit.DONE
        await ask(session, target, "abort", _who())
        writer.say(f"asked for the way back to version {_before(target)}")
        return await _see_it_back(session, target, writer)


async def _see_it_back(session: Session, target: Target, writer: Writer) -> Exit:
    """Watch the run that drives it do so; drive it from here when that does not begin at once.

    The lease is not waited for: it says who drives, but compare-and-swap is what protects, and abort comes first.
    """
    cluster = KubeCluster(target)
    give_up_at = session.clock.monotonic() + PATIENCE_SECONDS
    while True:
        saved = target.store.load()
        if saved is None:
            return Exit.UNDECIDED
        state = saved.record.state
        if isinstance(state, Finished):
            writer.report(finished_progress(saved.record.plan, state))
            return Exit.DONE if state.outcome is Outcome.ABORTED else exit_of(state)
        leaving = isinstance(state, Leaving)
        patience = SILENCE_SECONDS if leaving else max(0.0, give_up_at - session.clock.monotonic())
        if not await cluster.changed(patience):
            writer.say("nobody began with it: taking it back from here")
            code = await drive_unleased(session, target, saved.record.plan, writer)
            return Exit.DONE if code is Exit.ABORTED else code


def _before(target: Target) -> str:
    saved = target.store.load()
    stable = saved.record.plan.stable if saved is not None else None
    return stable.version if stable is not None else "nothing"


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"

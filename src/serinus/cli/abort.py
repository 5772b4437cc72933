"""`serinus abort`: take a rollout back, whether or not anybody still drives it."""

import getpass
from typing import Any

import click

from serinus.cli.exits import Exit, exit_of
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import Writer, writer_for
from serinus.cli.run import ask, take_over
from serinus.core.progress import finished_progress
from serinus.core.reasons import Outcome
from serinus.core.state import Finished
from serinus.kube.kubeconfig import Choice
from serinus.kube.lease import read_holder
from serinus.kube.store import store_name
from serinus.kube.target import Target, open_target
from serinus.kube.world import KubeCluster
from serinus.wiring import Session, open_session

LOOK_SECONDS = 5.0
"""How often to look whether the run that should take it back is still alive; changes are seen at once."""


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
            return Exit.DONE
        await ask(session, target, "abort", _who())
        writer.say(f"asked for the way back to version {_before(target)}")
        return await _see_it_back(session, target, writer)


async def _see_it_back(session: Session, target: Target, writer: Writer) -> Exit:
    """Watch the run that drives it do so; take over when nobody does."""
    cluster = KubeCluster(target)
    while True:
        saved = target.store.load()
        if saved is None:
            return Exit.UNDECIDED
        state = saved.record.state
        if isinstance(state, Finished):
            writer.report(finished_progress(saved.record.plan, state))
            return Exit.DONE if state.outcome is Outcome.ABORTED else exit_of(state)
        holder = await read_holder(session.client, store_name(target.service), target.namespace)
        if holder is None or not holder.is_live(session.clock.now()):
            writer.say("nobody drives it: taking it back from here")
            code = await take_over(session, target, saved.record.plan, writer)
            return Exit.DONE if code is Exit.ABORTED else code
        await cluster.changed(LOOK_SECONDS)


def _before(target: Target) -> str:
    saved = target.store.load()
    stable = saved.record.plan.stable if saved is not None else None
    return stable.version if stable is not None else "nothing"


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"

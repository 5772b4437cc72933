"""`serinus abort`: take a rollout back, whether or not anybody still drives it."""

from typing import Any

import click

from serinus.cli.back import ask_at_once, take_back
from serinus.cli.exits import Exit, exit_of
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import Writer, writer_for
from serinus.cli.run import clear_lease
from serinus.core.reasons import Outcome
from serinus.core.state import Finished
from serinus.kube.kubeconfig import Choice
from serinus.kube.target import Target, open_target
from serinus.ports import Saved
from serinus.wiring import Session, open_session

ABORT = "abort"


@click.command()
@click.argument("service")
@cluster_options
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Lines, or JSON lines.")
def abort(service: str, output: str, **values: Any) -> int:
    """Take the running rollout of SERVICE back: all users on production, then the canary goes."""
    return run(_abort(choice_of(values), service, output))


async def _abort(choice: Choice, service: str, output: str) -> Exit:
    async with open_session(choice, in_haste=True) as session:
        writer = writer_for(output, session.clock)
        saved = await ask_at_once(session, service, ABORT)
        if saved is not None and not isinstance(saved.record.state, Finished):
            stable = saved.record.plan.stable
            writer.say(f"asking for the way back to version {stable.version if stable is not None else 'nothing'}")
        async with open_target(session.client, session.client.namespace, service) as target:
            return await _see(session, target, saved, writer)


async def _see(session: Session, target: Target, saved: Saved | None, writer: Writer) -> Exit:
    if saved is None or isinstance(saved.record.state, Finished):
        writer.say(f"no rollout of Service {target.service} is under way in namespace {target.namespace}")
        await clear_lease(session, target)
        return Exit.DONE
    finished = await take_back(session, target, writer, ABORT)
    if finished is None:
        return Exit.UNDECIDED
    return Exit.DONE if finished.outcome is Outcome.ABORTED else exit_of(finished)

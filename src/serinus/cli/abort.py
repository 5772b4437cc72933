"""`serinus abort`: take a rollout back, whether or not anybody still drives it."""

from typing import Any

import click

from serinus.cli.back import take_back
from serinus.cli.exits import Exit, exit_of
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import writer_for
from serinus.cli.run import clear_lease
from serinus.core.reasons import Outcome
from serinus.core.state import Finished
from serinus.kube.kubeconfig import Choice
from serinus.kube.target import open_target
from serinus.wiring import open_session


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
        stable = saved.record.plan.stable
        writer.say(f"asking for the way back to version {stable.version if stable is not None else 'nothing'}")
        finished = await take_back(session, target, writer, "abort")
        if finished is None:
            return Exit.UNDECIDED
        return Exit.DONE if finished.outcome is Outcome.ABORTED else exit_of(finished)

"""`serinus pause | resume | promote`: what a person may say to a rollout, from any terminal, while a pipeline runs."""

from typing import Any

import click

from serinus.cli.durations import Duration, duration_text
from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import Writer, writer_for
from serinus.cli.status import sentence_of
from serinus.cli.words import ask, who
from serinus.core.state import Finished, PauseEnd
from serinus.core.turn import Verb
from serinus.kube.kubeconfig import Choice
from serinus.kube.target import Target, open_target
from serinus.kube.world import KubeCluster
from serinus.wiring import Session, open_session

PAUSE_SECONDS_DEFAULT = 3600.0
ANSWER_SECONDS = 3.0
"""How long the run that drives the rollout has to answer; it looks at once."""


@click.command()
@click.argument("service")
@click.option("--for", "seconds", type=Duration(1.0), default=PAUSE_SECONDS_DEFAULT,
              show_default=duration_text(PAUSE_SECONDS_DEFAULT), help="How long.")  # fmt: skip
@click.option("--then", type=click.Choice([end.name.lower() for end in PauseEnd]), default="revert", show_default=True,
              help="What happens when nobody has decided by then.")  # fmt: skip
@cluster_options
def pause(service: str, seconds: float, then: str, **values: Any) -> int:
    """Hold the rollout of SERVICE where it is. Every pause has an end."""
    return run(_say(choice_of(values), service, Verb.PAUSE, seconds, PauseEnd[then.upper()]))


@click.command()
@click.argument("service")
@cluster_options
def resume(service: str, **values: Any) -> int:
    """Let the rollout of SERVICE go on after a pause."""
    return run(_say(choice_of(values), service, Verb.RESUME))


@click.command()
@click.argument("service")
@click.option("--full", is_flag=True, help="All the way: straight to everyone, then production.")
@cluster_options
def promote(service: str, full: bool, **values: Any) -> int:
    """Take the rollout of SERVICE to its next step without waiting; approve a step that waits for it."""
    return run(_say(choice_of(values), service, Verb.PROMOTE_FULL if full else Verb.PROMOTE))


async def _say(choice: Choice, service: str, verb: Verb, seconds: float = 0.0, end: PauseEnd = PauseEnd.REVERT) -> Exit:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, service) as target,
    ):
        writer = writer_for("text", session.clock)
        saved = target.store.load()
        if saved is None or isinstance(saved.record.state, Finished):
            writer.say(f"no rollout of Service {service} is under way in namespace {target.namespace}")
            return Exit.REFUSED
        word = await ask(session, target, verb.value, who(), seconds, end)
        return await _hear(session, target, word, verb, writer)


async def _hear(session: Session, target: Target, word: str, verb: Verb, writer: Writer) -> Exit:
    """Wait until the run has answered, and say where the rollout is then."""
    cluster = KubeCluster(target)
    give_up_at = session.clock.monotonic() + ANSWER_SECONDS
    while True:
        saved = target.store.load()
        if saved is None:
            return Exit.UNDECIDED
        if saved.record.answered == word:
            writer.say(f"{verb.value}: {sentence_of(saved.record.plan, saved.record.state)}")
            return Exit.DONE
        left = give_up_at - session.clock.monotonic()
        if left <= 0:
            writer.say(f"{verb.value}: noted; but nobody drives this rollout now. Whoever goes on with it will hear it")
            return Exit.UNDECIDED
        await cluster.changed(left)

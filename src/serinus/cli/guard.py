"""`serinus guard`: the Job that takes an abandoned rollout back, printed or applied; and `guard run`, what it does."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click
import yaml

from serinus.cli.durations import Duration, duration_text
from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import Writer, writer_for
from serinus.cli.run import drive_unleased
from serinus.core.progress import finished_progress
from serinus.core.reasons import Outcome
from serinus.core.record import Command
from serinus.core.state import Finished
from serinus.engine.observe import ABORTING
from serinus.kube.errors import AlreadyExists, KubeError, NotFound
from serinus.kube.guard import AFTER_SECONDS_DEFAULT, Guard, account_manifests, job_manifest, job_name
from serinus.kube.kubeconfig import Choice
from serinus.kube.lease import DURATION_SECONDS
from serinus.kube.resources import CONFIGMAPS, JOBS, LEASES, Raw
from serinus.kube.store import store_name
from serinus.kube.target import Target, follow_lease, open_target
from serinus.kube.world import KubeCluster
from serinus.ports import LostRace, Saved, Trouble
from serinus.wiring import Session, open_session

LOOK_AGAIN_SECONDS = 5.0
"""When the cluster could not be asked whether the rollout is abandoned."""
ABANDONED = "abandoned"
BY = "serinus guard"
after_option = click.option("--after", "after_seconds", type=Duration(DURATION_SECONDS),
                            default=AFTER_SECONDS_DEFAULT, show_default=duration_text(AFTER_SECONDS_DEFAULT),
                            help="How long there must be no sign of a runner before it acts.")  # fmt: skip


class _Guards(click.Group):
    """`guard SERVICE` shows the manifests, `guard run SERVICE` stands guard."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without `run`, the words are those of `show`."""
        shown = args if args and args[0] in (*self.commands, *self.get_help_option_names(ctx)) else ["show", *args]
        return super().parse_args(ctx, shown)


@click.group(cls=_Guards)
def guard() -> None:
    """Take a rollout back by itself when its runner never comes back: `serinus guard SERVICE --image IMAGE`."""


@guard.command()
@click.argument("service")
@click.option("--image", required=True, help="An image whose entry point is serinus.")
@after_option
@click.option("--secrets", is_flag=True, help="With rights on Secrets, where copies of them go with a release.")
@click.option("--apply", "is_applied", is_flag=True, help="Create the objects instead of printing them.")
@cluster_options
def show(service: str, image: str, after_seconds: float, secrets: bool, is_applied: bool, **values: Any) -> int:
    """Print (or --apply) the guard of SERVICE: ServiceAccount, Role, RoleBinding and Job.

    The Job watches the rollout that is under way, takes it back when nobody drives it, and goes when it has finished.
    """
    return run(_show(choice_of(values), service, Guard(image, after_seconds), secrets, is_applied))


async def _show(choice: Choice, service: str, wanted: Guard, secrets: bool, is_applied: bool) -> Exit:
    async with open_session(choice) as session:
        namespace = session.client.namespace
        job = job_manifest(namespace, service, job_name(session.dice.token()), wanted)
        objects = [*account_manifests(namespace, secrets), (JOBS, job)]
        if not is_applied:
            click.echo(yaml.safe_dump_all((raw for _, raw in objects), sort_keys=False), nl=False)
            return Exit.DONE
        for resource, raw in objects:
            done = "created"
            try:
                await session.client.create(resource, raw, namespace)
            except AlreadyExists:
                done = "is there already"
            click.echo(f"{resource.kind} {raw['metadata']['name']}: {done}")
    return Exit.DONE


@guard.command(name="run")
@click.argument("service")
@after_option
@cluster_options
def run_(service: str, after_seconds: float, **values: Any) -> int:
    """Watch the rollout of SERVICE to its end, and take it back when nobody drives it for the time given."""
    return run(_run(choice_of(values), service, after_seconds))


async def _run(choice: Choice, service: str, after_seconds: float) -> Exit:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, service) as target,
    ):
        await follow_lease(target)
        writer = writer_for("text", session.clock)
        finished = await stand_guard(session, target, after_seconds, writer)
        return Exit.UNDECIDED if finished is not None and finished.outcome is Outcome.STUCK else Exit.DONE


@dataclass(slots=True)
class _Watch:
    """Since when there has been no sign of a runner: no change of the record, none of the Lease."""

    since: float
    sign: tuple[str | None, Raw | None] | None = None
    told_to_stop: asyncio.Event = field(default_factory=asyncio.Event)


async def stand_guard(session: Session, target: Target, after_seconds: float, writer: Writer) -> Finished | None:
    """Until the rollout has finished, by itself or taken back from here. None: there is none, or we are not needed."""
    watch = _Watch(session.clock.monotonic())
    with _stopped_by_sigterm(target, watch):
        saved = await _abandoned(session, target, watch, after_seconds)
    if saved is None:
        writer.say(f"no rollout of Service {target.service} is under way (any more): nothing to guard")
        return None
    writer.say(f"nobody has driven the rollout of version {saved.record.plan.version} for {after_seconds:g} s")
    finished = await drive_unleased(session, target, saved.record.plan, writer)
    writer.report(finished_progress(saved.record.plan, finished))
    return finished


@contextlib.contextmanager
def _stopped_by_sigterm(target: Target, watch: _Watch) -> Iterator[None]:
    """As the first process of a container we would not hear SIGTERM at all without a handler."""

    def stop() -> None:
        watch.told_to_stop.set()
        target.changed.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _abandoned(session: Session, target: Target, watch: _Watch, after_seconds: float) -> Saved | None:
    """Wait until the rollout is abandoned, and leave the word that takes it back; None: that did not happen."""
    cluster = KubeCluster(target)
    while not watch.told_to_stop.is_set():
        saved = target.store.load()
        if saved is None or isinstance(saved.record.state, Finished):
            return None
        now = session.clock.monotonic()
        sign = (saved.version, _spec_of(_raw_lease(target)))
        if sign != watch.sign:
            watch.sign, watch.since = sign, now
        left = watch.since + after_seconds - now
        if left > 0:
            await cluster.changed(left)
        elif await _is_as_seen(target, sign) and await _leave_word(session, target, saved):
            return saved
        else:
            await cluster.changed(LOOK_AGAIN_SECONDS)
    return None


def _raw_lease(target: Target) -> Raw | None:
    return target.leases.objects.get(store_name(target.service)) if target.leases is not None else None


def _spec_of(raw_lease: Raw | None) -> Raw | None:
    return raw_lease.get("spec") if raw_lease is not None else None


async def _is_as_seen(target: Target, sign: tuple[str | None, Raw | None]) -> bool:
    """Ask the cluster itself: a live copy that hears nothing looks like a rollout that nobody drives."""
    name, namespace = store_name(target.service), target.namespace
    try:
        record = await target.client.get(CONFIGMAPS, name, namespace)
        try:
            lease = await target.client.get(LEASES, name, namespace)
        except NotFound:
            lease = None
    except KubeError:
        return False
    return (record["metadata"]["resourceVersion"], _spec_of(lease)) == sign


async def _leave_word(session: Session, target: Target, saved: Saved) -> bool:
    """Ask for the way back, if nothing has changed since; whoever comes back meanwhile hears it as well.

    A word that takes it back already, and that nobody was there to hear, stays: it has its own reason.
    """
    waiting = saved.command
    if waiting is not None and waiting.rollout == saved.record.plan.rollout and waiting.verb in ABORTING:
        return True
    rollout, now = saved.record.plan.rollout, session.clock.now()
    try:
        await target.store.command(Command(ABANDONED, rollout, BY, now, session.dice.token()), saved.version)
    except (LostRace, Trouble, KubeError):
        return False
    return True

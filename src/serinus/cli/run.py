"""One rollout from the command line: find or make its plan, take the lease, drive it to its end, hear signals."""

import asyncio
import contextlib
import getpass
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator

from serinus.cli.checked import Refused, checked_plan
from serinus.cli.exits import Exit, exit_of
from serinus.cli.guarded import guard_problems, standing_guard
from serinus.cli.output import Writer
from serinus.core.images import label_value, version_of
from serinus.core.plan import Plan
from serinus.core.record import Command
from serinus.core.resolve import NothingToDo
from serinus.core.spec import Spec
from serinus.core.state import Finished, PauseEnd
from serinus.core.survey import Problem
from serinus.engine.cycle import Parts
from serinus.engine.drive import drive, start
from serinus.engine.observe import ABORTING
from serinus.kube.errors import KubeError
from serinus.kube.guard import Guard
from serinus.kube.late import remove_what_came_late
from serinus.kube.lease import Lease, LeaseHeld, remove_lease
from serinus.kube.store import store_name
from serinus.kube.target import Target, follow, kept_name, open_target, sweep
from serinus.kube.world import KubeCluster
from serinus.ports import LostRace, Saved, Trouble
from serinus.wiring import Session, parts_for

RACE_SECONDS = 1.0
"""How long to wait for the news after someone else was faster."""


class Unfinished(Exception):
    """Another version's rollout has not finished, and is to be superseded."""


async def release(
    session: Session, spec: Spec, writer: Writer, supersede: bool = False, guard: Guard | None = None
) -> Exit:
    """The whole of `serinus deploy`. Raises Unfinished under `supersede`, when there is one to take back first."""
    async with open_target(session.client, spec.namespace, spec.service) as target:
        saved = target.store.load()
        if saved is not None and not isinstance(saved.record.state, Finished):
            return await resume(session, target, saved, spec, writer, supersede, guard)
        checked = await checked_plan(session, target, spec)
        if isinstance(checked, NothingToDo):
            writer.say(f"nothing to do: version {checked.version} is in production already ({checked.deployment})")
            await clear_lease(session, target)
            return Exit.DONE
        plan, notes = checked
        if problems := await guard_problems(target, plan, guard):
            raise Refused(problems)
        for note in notes:
            writer.say(f"note: {note.sentence}")
        return await _begin(session, target, saved, plan, writer, guard)


async def _begin(
    session: Session, target: Target, before: Saved | None, plan: Plan, writer: Writer, guard: Guard | None
) -> Exit:
    """`before`: what was saved when the plan was made; if that is no longer so, the plan may be wrong."""
    async with _leased(session, target) as lease:
        if _version(target.store.load()) != _version(before):
            raise Refused((_being_driven(target, "another run was faster"),))
        if (kept := kept_name(target)) is not None and not plan.revives:
            writer.say(f"removing {kept}, kept from the release before")
            await sweep(target, kept)
        await follow(target, plan)
        parts = parts_for(session, target, writer)
        announce(plan, writer)
        try:
            await start(parts, plan, before)
        except LostRace as race:
            raise Refused((_being_driven(target, "another run was faster"),)) from race
        async with standing_guard(target, plan, guard, writer):
            return await _drive(session, target, plan, parts, lease, writer)


def _version(saved: Saved | None) -> str | None:
    return saved.version if saved is not None else None


async def resume(
    session: Session,
    target: Target,
    saved: Saved,
    spec: Spec,
    writer: Writer,
    supersede: bool = False,
    guard: Guard | None = None,
) -> Exit:
    """Go on with an unfinished rollout, if it is of the version asked for."""
    plan = saved.record.plan
    asked = spec.version or next((version_of(image.image) for image in spec.images), None)
    if asked is not None and label_value(asked) != plan.version:
        if supersede:
            raise Unfinished
        why = f"a rollout of version {plan.version} to Service {plan.service} has not finished"
        where = f"namespace {plan.namespace}"
        back = f"serinus abort {plan.service} -n {plan.namespace}"
        hint = f"go on with it: --version {plan.version}; or take it back first: {back}, or --supersede"
        raise Refused((Problem(f"version {asked} cannot be released now", where, why, hint),))
    writer.say(f"going on with the unfinished rollout of version {plan.version}")
    if problems := await guard_problems(target, plan, guard):
        raise Refused(problems)
    return await take_over(session, target, plan, writer, guard)


async def take_over(session: Session, target: Target, plan: Plan, writer: Writer, guard: Guard | None = None) -> Exit:
    """Drive an unfinished rollout that nobody drives."""
    async with _leased(session, target) as lease:
        await follow(target, plan)
        async with standing_guard(target, plan, guard, writer):
            return await _drive(session, target, plan, parts_for(session, target, writer), lease, writer)


async def drive_unleased(session: Session, target: Target, plan: Plan, writer: Writer) -> Finished:
    """Drive an unfinished rollout whatever its lease says, and remove the lease that a dead run left."""
    await follow(target, plan)
    with _signals(session, target, writer):
        finished = await drive(parts_for(session, target, writer))
    await remove_lease(session.client, store_name(target.service), target.namespace)
    return finished


@contextlib.asynccontextmanager
async def _leased(session: Session, target: Target) -> AsyncIterator[Lease]:
    lease = session.lease(target)
    try:
        await lease.acquire()
    except LeaseHeld as held:
        who = held.holder.identity if held.holder is not None else "another run"
        raise Refused((_being_driven(target, f"{who} drives a rollout of it"),)) from held
    try:
        yield lease
    finally:
        with contextlib.suppress(KubeError):  # it expires by itself
            await lease.release()


async def clear_lease(session: Session, target: Target) -> None:
    """Remove the Lease of a run that died before its first save, or after its last: no rollout says that it was there.

    A courtesy: who may not do so, or meets a live run's Lease, leaves it.
    """
    with contextlib.suppress(KubeError):
        await session.lease(target).clear()


def _being_driven(target: Target, why: str) -> Problem:
    return Problem(
        f"Service {target.service} is being released",
        f"namespace {target.namespace}",
        why,
        f"watch it: serinus status {target.service} -n {target.namespace} --watch; or take it back: serinus abort",
    )


def announce(plan: Plan, writer: Writer) -> None:
    """The plan in one line; before it, that a freeze is passed over."""
    if plan.freeze_override is not None:
        writer.say(f"releasing inside a freeze window, which is recorded: {plan.freeze_override}")
    if plan.stable is None:
        writer.say(f"nothing is deployed behind Service {plan.service} yet: deploying {plan.version} plainly")
        return
    shares = ", ".join(f"{step.share_percent:.0f} %" for step in plan.steps)
    writer.say(
        f"releasing version {plan.version} of Service {plan.service}; production is version {plan.stable.version} "
        f"({plan.stable.name}, {plan.replicas} pods); steps: {shares}"
    )


async def _drive(session: Session, target: Target, plan: Plan, parts: Parts, lease: Lease, writer: Writer) -> Exit:
    """Drive to the end, or until the lease is lost or a second signal comes."""
    with _signals(session, target, writer):
        driving = asyncio.create_task(drive(parts))
        try:
            finished = await _first(driving, lease.lost.wait())
        finally:
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)
    if finished is None:
        writer.say("the lease is lost: another run may have taken over; look with serinus status")
        for name in await remove_what_came_late(target, plan):
            writer.say(f"removed {name}: made by this run when the rollout was over already")
        return Exit.UNDECIDED
    return exit_of(finished)


async def _first(driving: "asyncio.Task[Finished]", lost: Awaitable[object]) -> Finished | None:
    """The rollout's end, or None when the lease was lost before."""
    losing = asyncio.ensure_future(lost)
    try:
        await asyncio.wait({driving, losing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        losing.cancel()
    return driving.result() if driving.done() else None


@contextlib.contextmanager
def _signals(session: Session, target: Target, writer: Writer) -> Iterator[None]:
    """The first SIGINT or SIGTERM asks for the way back, as `serinus abort` would; a second one leaves at once."""
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Task[None]] = []

    def on_signal(name: str) -> None:
        if asked:
            writer.say(f"leaving at once; go on with: serinus abort {target.service} -n {target.namespace}")
            os._exit(Exit.INTERRUPTED)
        writer.say(f"{name}: taking the canary back; again to leave at once")
        asked.append(loop.create_task(_ask(session, target, "interrupt", name, writer)))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number.name)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _ask(session: Session, target: Target, verb: str, by: str, writer: Writer) -> None:
    try:
        await ask(session, target, verb, by)
    except KubeError as error:
        writer.say(f"could not ask for the way back: {error}")


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


def who() -> str:
    """Who speaks, as far as this machine knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"

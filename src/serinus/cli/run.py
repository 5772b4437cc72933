"""One rollout from the command line: find or make its plan, take the lease, and have it driven to its end."""

import contextlib
import os
from collections.abc import AsyncIterator

from serinus.cli.checked import Refused, checked_plan
from serinus.cli.driving import drive_to_the_end, signals
from serinus.cli.exits import Exit
from serinus.cli.guarded import guard_problems, standing_guard
from serinus.cli.output import Writer
from serinus.core.images import label_value, version_of
from serinus.core.plan import Plan
from serinus.core.resolve import NothingToDo
from serinus.core.spec import Spec
from serinus.core.state import Finished
from serinus.core.survey import Problem
from serinus.engine.drive import drive, start
from serinus.engine.judging import policy_of_plan
from serinus.engine.recorder import Recorder
from serinus.gates.secret import secret_problems
from serinus.kube.errors import KubeError
from serinus.kube.guard import Guard
from serinus.kube.lease import Lease, LeaseHeld, remove_lease
from serinus.kube.store import store_name
from serinus.kube.target import Target, follow, is_as_planned, kept_name, open_target, sweep
from serinus.ports import LostRace, Saved
from serinus.wiring import Session, parts_for, recorder_for

LOOKS_MAX = 3
"""How often a run looks again whose plan was out of date before its first write."""


class Unfinished(Exception):
    """Another version's rollout has not finished, and is to be superseded."""


class Overtaken(Exception):
    """Between this run's look and its first save another run saved a rollout."""


async def release(
    session: Session, spec: Spec, writer: Writer, supersede: bool = False, guard: Guard | None = None
) -> Exit:
    """The whole of `serinus deploy`. Raises Unfinished under `supersede`, when there is one to take back first."""
    async with open_target(session.client, spec.namespace, spec.service) as target:
        for _ in range(LOOKS_MAX):
            try:
                return await _release(session, target, spec, writer, supersede, guard)
            except Overtaken:
                writer.say("another run was faster: looking again")
                await target.refresh()
        raise Refused((_being_driven(target, "other runs were faster, again and again"),))


async def _release(
    session: Session, target: Target, spec: Spec, writer: Writer, supersede: bool, guard: Guard | None
) -> Exit:
    """One look, and what follows from it. Raises Overtaken when it was out of date before the first write."""
    saved = target.store.load()
    if saved is not None and not isinstance(saved.record.state, Finished):
        return await resume(session, target, saved, spec, writer, supersede, guard)
    checked = await checked_plan(session, target, spec)
    if isinstance(checked, NothingToDo):
        writer.say(f"nothing to do: version {checked.version} is in production already ({checked.deployment})")
        await clear_lease(session, target)
        return Exit.DONE
    plan, notes = checked.plan, checked.notes
    if problems := await guard_problems(target, plan, guard):
        raise Refused(problems)
    for note in notes:
        writer.say(f"note: {note.sentence}")
    return await _begin(session, target, saved, plan, writer, guard)


async def _begin(
    session: Session, target: Target, before: Saved | None, plan: Plan, writer: Writer, guard: Guard | None
) -> Exit:
    """`before`: what was saved when the plan was made; if that is no longer so, the plan may be wrong.

    Raises Overtaken then.
    """
    async with _leased(session, target) as lease:
        if _version(target.store.load()) != _version(before) or not is_as_planned(target, plan):
            raise Overtaken
        if (kept := kept_name(target)) is not None and not plan.revives:
            writer.say(f"removing {kept}, kept from the release before")
            await sweep(target, kept)
        await follow(target, plan)
        recorder = recorder_for(session, target, writer)
        parts = parts_for(session, target, plan, recorder)
        announce(plan, writer)
        try:
            begun = await start(parts, plan, before)
        except LostRace as race:
            raise Overtaken from race
        recorder.begin(begun.record, policy_of_plan(plan))
        async with standing_guard(target, plan, guard, writer), recorder.keeping():
            return await drive_to_the_end(session, target, plan, parts, lease, writer)


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
    if problems := (*secret_problems(plan, os.environ), *await guard_problems(target, plan, guard)):
        raise Refused(problems)
    return await take_over(session, target, plan, writer, guard)


async def take_over(session: Session, target: Target, plan: Plan, writer: Writer, guard: Guard | None = None) -> Exit:
    """Drive an unfinished rollout that nobody drives."""
    async with _leased(session, target) as lease:
        await follow(target, plan)
        recorder = await _resumed_recorder(session, target, plan, writer)
        parts = parts_for(session, target, plan, recorder)
        async with standing_guard(target, plan, guard, writer), recorder.keeping():
            return await drive_to_the_end(session, target, plan, parts, lease, writer)


async def _resumed_recorder(session: Session, target: Target, plan: Plan, writer: Writer) -> Recorder:
    recorder = recorder_for(session, target, writer)
    saved = target.store.load()
    if saved is not None:
        await recorder.resume(saved.record, policy_of_plan(plan))
    return recorder


async def drive_unleased(session: Session, target: Target, plan: Plan, writer: Writer) -> Finished:
    """Drive an unfinished rollout whatever its lease says, and remove the lease that a dead run left."""
    await follow(target, plan)
    recorder = await _resumed_recorder(session, target, plan, writer)
    with signals(session, target, plan, writer):
        async with recorder.keeping():
            finished = await drive(parts_for(session, target, plan, recorder))
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

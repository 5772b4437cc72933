"""Drive a rollout from this process, and hear what is said to it: signals, and a person at the terminal."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from serinus.cli.checked import Refused
from serinus.cli.exits import Exit, exit_of
from serinus.cli.output import Writer
from serinus.cli.words import ask, who
from serinus.core.plan import Plan
from serinus.core.spec import Interrupt, OnFailure
from serinus.core.state import Finished
from serinus.core.turn import Verb
from serinus.engine.cycle import Parts
from serinus.engine.drive import drive
from serinus.kube.errors import KubeError
from serinus.kube.late import remove_what_came_late
from serinus.kube.lease import Lease
from serinus.kube.target import Target
from serinus.ports import Trouble
from serinus.wiring import Session

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SPOKEN = {"resume": Verb.RESUME.value, "promote": Verb.PROMOTE.value, "abort": "abort"}
"""What may be typed at the terminal of a run whose spec says `onFailure: ask`."""


async def drive_to_the_end(
    session: Session, target: Target, plan: Plan, parts: Parts, lease: Lease, writer: Writer
) -> Exit:
    """Drive to the end, or until the lease is lost, the run is parked, or a second signal comes."""
    with signals(session, target, plan, writer) as parked, _terminal(session, target, plan, writer):
        driving = asyncio.create_task(drive(parts))
        try:
            finished = await _first(driving, lease.lost, parked)
        finally:
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)
    if finished is not None:
        return exit_of(finished)
    if parked.is_set():
        writer.say(f"parked where it is; {_how_to_go_on(target, plan)}")
        return Exit.INTERRUPTED
    writer.say("the lease is lost: another run may have taken over; look with serinus status")
    for name in await remove_what_came_late(target, plan):
        writer.say(f"removed {name}: made by this run when the rollout was over already")
    return Exit.UNDECIDED


async def _first(driving: "asyncio.Task[Finished]", *events: asyncio.Event) -> Finished | None:
    """The rollout's end, or None when one of the events came before."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait({driving, *waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return driving.result() if driving.done() else None


def _how_to_go_on(target: Target, plan: Plan) -> str:
    where = f"{target.service} -n {target.namespace}"
    return f"go on with: serinus deploy {where} --version {plan.version}; or take it back: serinus abort {where}"


@contextlib.contextmanager
def signals(session: Session, target: Target, plan: Plan, writer: Writer) -> Iterator[asyncio.Event]:
    """The first SIGINT, SIGTERM or SIGHUP takes the rollout back, or parks it, as its spec says; the next ends this.

    Yields the event that is set when it is to be parked.
    """
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Task[None]] = []
    parked = asyncio.Event()
    parks = plan.spec is not None and plan.spec.interrupt is Interrupt.PARK

    def on_signal(name: str) -> None:
        if asked or parked.is_set():
            writer.say(f"leaving at once; {_how_to_go_on(target, plan)}")
            os._exit(Exit.INTERRUPTED)
        if parks:
            parked.set()
            return
        writer.say(f"{name}: taking the canary back; again to leave at once")
        asked.append(loop.create_task(_say(session, target, "interrupt", name, writer)))

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number.name)
    try:
        yield parked
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _terminal(session: Session, target: Target, plan: Plan, writer: Writer) -> Iterator[None]:
    """Under `onFailure: ask` a person may decide by typing; where there is no terminal, nobody is asked."""
    if plan.spec is None or plan.spec.on_failure is not OnFailure.ASK or plan.hold_seconds is None:
        yield
        return
    loop = asyncio.get_running_loop()
    said: set[asyncio.Task[None]] = set()

    def on_line() -> None:
        word = sys.stdin.readline()
        if not word:
            loop.remove_reader(sys.stdin)
        elif word.strip() in SPOKEN:
            said.add(loop.create_task(_say(session, target, SPOKEN[word.strip()], who(), writer)))
        elif word.strip():
            writer.say(f"{word.strip()!r} is not one of {', '.join(SPOKEN)}")

    writer.say(f"should it show harm you will be asked: type {' or '.join(SPOKEN)}")
    loop.add_reader(sys.stdin, on_line)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)


async def _say(session: Session, target: Target, verb: str, by: str, writer: Writer) -> None:
    try:
        await ask(session, target, verb, by)
    except (KubeError, Trouble, Refused) as error:
        writer.say(f"could not say {verb}: {error}")

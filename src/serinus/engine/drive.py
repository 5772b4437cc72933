"""Drive one rollout to its end: a turn, then sleep until something changed or the clock has something to say."""

import asyncio

import msgspec

from serinus.core.notices import notice_of_start
from serinus.core.plan import Plan
from serinus.core.record import HISTORY_MAX, Past, Record
from serinus.core.state import Finished
from serinus.core.transition import begin, next_looks
from serinus.engine.cycle import RETRY_SECONDS, STALE_SECONDS_MAX, Memory, Parts, Turned, take_one_turn
from serinus.engine.observe import ended_at_start, first_seen
from serinus.ports import Saved


async def start(parts: Parts, plan: Plan, before: Saved | None) -> Saved:
    """Save the first record of a new rollout. Raises LostRace when someone else was faster."""
    history: tuple[Past, ...] = before.record.history if before is not None else ()
    now = parts.clock.now()
    world = parts.cluster.observe(plan)
    fresh = Record(
        plan=plan,
        state=begin(plan, now),
        started=now,
        ended_before=ended_at_start(world),
        driver=parts.runner,
        history=history[:HISTORY_MAX],
    )
    record = msgspec.structs.replace(fresh, seen=first_seen(fresh, world))
    asked_at = parts.clock.monotonic()
    saved = await parts.store.save(record, before.version if before is not None else None)
    parts.begun_at = asked_at
    parts.notifier.notify(notice_of_start(plan))
    return saved


async def drive(parts: Parts) -> Finished:
    """Turn after turn until the saved rollout has finished."""
    memory = Memory()
    try:
        while True:
            began = parts.clock.monotonic()
            turned = await take_one_turn(parts, memory)
            if turned is not None and isinstance(turned.record.state, Finished):
                return turned.record.state
            _catch_up(parts, memory, began)
            seconds, began = _seconds_to_wait(parts, memory, turned), parts.clock.monotonic()
            await _wait(parts, memory, seconds)
            _catch_up(parts, memory, began + seconds)
    finally:
        await memory.asked.close()
        if memory.readings.task is not None:
            memory.readings.task.cancel()
            await asyncio.gather(memory.readings.task, return_exceptions=True)
        await parts.notifier.close()


def _catch_up(parts: Parts, memory: Memory, due_at: float) -> None:
    """Whether this process stood still, stopped or on a machine that slept: then its copies are as old as that.

    They do not know it, as nothing was heard of the watches either. So the cluster is listed anew before an end.
    """
    now = parts.clock.monotonic()
    if now - due_at > STALE_SECONDS_MAX:
        memory.pending_until = max(memory.pending_until or 0.0, now)


async def _wait(parts: Parts, memory: Memory, seconds: float) -> None:
    """Until a watch event, an answer, or the next moment at which time alone moves the rollout."""
    if not memory.asked.any_put and memory.readings.task is None:
        await parts.cluster.changed(seconds)
        return
    changed = asyncio.create_task(parts.cluster.changed(seconds))
    answered = asyncio.create_task(memory.answered.wait())
    try:
        await asyncio.wait({changed, answered}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (changed, answered):
            task.cancel()
        await asyncio.gather(changed, answered, return_exceptions=True)
    memory.answered.clear()


def _seconds_to_wait(parts: Parts, memory: Memory, turned: Turned | None) -> float:
    if turned is None:
        return RETRY_SECONDS
    now = parts.clock.now()
    ahead = [look for look in next_looks(turned.record.plan, turned.record.state) if look > now]
    seconds = (min(ahead) - now).total_seconds() if ahead else RETRY_SECONDS
    due_in = memory.readings.due_in_seconds(turned.record, parts.clock.monotonic())
    if due_in is not None and memory.readings.task is None:
        seconds = min(seconds, due_in)
    return seconds if turned.again_seconds is None else min(seconds, turned.again_seconds)

"""Drive one rollout to its end: a turn, then sleep until something changed or the clock has something to say."""

import asyncio

import msgspec

from serinus.core.notices import notice_of_start
from serinus.core.plan import Plan
from serinus.core.record import HISTORY_MAX, Past, Record
from serinus.core.state import Finished
from serinus.core.transition import begin, next_looks
from serinus.engine.cycle import RETRY_SECONDS, Memory, Parts, Turned, take_one_turn
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
            turned = await take_one_turn(parts, memory)
            if turned is not None and isinstance(turned.record.state, Finished):
                return turned.record.state
            await _wait(parts, memory, turned)
    finally:
        await memory.asked.close()
        await parts.notifier.close()


async def _wait(parts: Parts, memory: Memory, turned: Turned | None) -> None:
    """Until a watch event, an answer, or the next moment at which time alone moves the rollout."""
    if not memory.asked.any_put:
        await parts.cluster.changed(_seconds_to_wait(parts, turned))
        return
    changed = asyncio.create_task(parts.cluster.changed(_seconds_to_wait(parts, turned)))
    answered = asyncio.create_task(memory.asked.answered.wait())
    try:
        await asyncio.wait({changed, answered}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (changed, answered):
            task.cancel()
        await asyncio.gather(changed, answered, return_exceptions=True)
    memory.asked.answered.clear()


def _seconds_to_wait(parts: Parts, turned: Turned | None) -> float:
    if turned is None:
        return RETRY_SECONDS
    now = parts.clock.now()
    ahead = [look for look in next_looks(turned.record.plan, turned.record.state) if look > now]
    seconds = (min(ahead) - now).total_seconds() if ahead else RETRY_SECONDS
    return seconds if turned.again_seconds is None else min(seconds, turned.again_seconds)

"""One turn, as numbered lines: load, observe, judge, decide, save, act. Both drivers run this and nothing else."""

import asyncio
from dataclasses import dataclass, field

import msgspec

from serinus.core.guard import guarded_turn
from serinus.core.progress import Progress, progress_of_action, progress_of_state
from serinus.core.record import Record, with_past
from serinus.core.state import Finished, State
from serinus.core.turn import Action, Judgement, RunSmoke
from serinus.core.world import World
from serinus.engine.observe import MAY_FAIL, first_seen, observe, smoke_stage
from serinus.ports import Clock, Cluster, LostRace, Reporter, Saved, SmokeGate, SmokeQuestion, Store, Trouble

STALE_SECONDS_MAX = 10.0
"""A copy of the cluster that may be older than this is not acted upon."""


@dataclass(slots=True)
class Parts:
    """What a turn works with."""

    clock: Clock
    cluster: Cluster
    store: Store
    smoke: SmokeGate
    reporter: Reporter


@dataclass(slots=True)
class Memory:
    """What one runner remembers between turns. Losing it costs a smoke test that is put again, and nothing else."""

    smoke: dict[str, "asyncio.Task[Judgement]"] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Turned:
    """The end of a turn: the state that is saved now; `quiet` says that everything asked for was done."""

    record: Record
    quiet: bool


async def take_one_turn(parts: Parts, memory: Memory) -> Turned | None:
    """One turn of the rollout that is saved. None: nothing can be decided now (blind, or the save was lost)."""
    saved = parts.store.load()  # 1 load
    if saved is None:
        return None
    plan, state = saved.record.plan, saved.record.state
    world = parts.cluster.observe(plan)
    if world.stale_seconds > STALE_SECONDS_MAX:  # blind: hold still; deadlines go on once there is sight
        _say_once(parts, memory, f"no news from the cluster for {world.stale_seconds:.0f} s; holding still")
        return None
    smoke = _smoke_answer(memory, state)
    facts = await observe(parts.cluster, saved, world, parts.clock.now(), smoke)  # 2 observe, 3 judge
    (after, actions), broken = guarded_turn(plan, state, facts)  # 4 decide
    for breach in broken:
        _say_once(parts, memory, f"rule {breach.rule.value} would have been broken: {breach.sentence}")
    record = _record_of(saved, after, world)
    if record is not saved.record:
        try:
            saved = await parts.store.save(record, saved.version)  # 5 save
        except LostRace:
            return None
        except Trouble as trouble:
            _say_once(parts, memory, str(trouble))
            return None
        for progress in progress_of_state(plan, state, after):
            parts.reporter.report(progress)
    done = await _act(parts, memory, saved, world, actions)  # 6 act
    return Turned(saved.record, done)


def _record_of(saved: Saved, after: State, world: World) -> Record:
    """What is to be saved: the very record where nothing has changed."""
    record = saved.record
    seen = first_seen(record, world) if isinstance(after, MAY_FAIL) else record.seen
    answered = saved.command.id if saved.command is not None else record.answered
    if after == record.state and seen == record.seen and answered == record.answered:
        return record
    record = msgspec.structs.replace(record, seen=seen, answered=answered)
    if isinstance(after, Finished):
        return with_past(record, after)
    return msgspec.structs.replace(record, state=after)


async def _act(parts: Parts, memory: Memory, saved: Saved, world: World, actions: tuple[Action, ...]) -> bool:
    """Ask for everything, in order; the first trouble ends the turn, and the next one asks again."""
    plan = saved.record.plan
    for action in actions:
        if isinstance(action, RunSmoke):
            if _start_smoke(parts, memory, saved, world, action):
                parts.reporter.report(progress_of_action(plan, action))
            continue
        try:
            await parts.cluster.act(plan, action)
        except Trouble as trouble:
            _say_once(parts, memory, str(trouble))
            return False
        parts.reporter.report(progress_of_action(plan, action))
    return True


def _start_smoke(parts: Parts, memory: Memory, saved: Saved, world: World, action: RunSmoke) -> bool:
    plan = saved.record.plan
    if plan.smoke is None or action.stage in memory.smoke:
        return False
    ready = tuple(pod for pod in world.pods if pod.ready and pod.track.is_canary)
    question = SmokeQuestion(plan.smoke, plan, action.stage, action.share_percent, ready)
    task = asyncio.create_task(parts.smoke.ask(question))
    task.add_done_callback(lambda _task: memory.answered.set())
    memory.smoke[action.stage] = task
    return True


def _smoke_answer(memory: Memory, state: State) -> Judgement | None:
    task = memory.smoke.get(smoke_stage(state) or "")
    return task.result() if task is not None and task.done() and not task.cancelled() else None


def _say_once(parts: Parts, memory: Memory, sentence: str) -> None:
    """The same trouble turn after turn is one line, not a hundred."""
    if sentence not in memory.said:
        memory.said.add(sentence)
        parts.reporter.report(Progress("trouble", sentence))

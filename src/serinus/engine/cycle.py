"""One turn, as numbered lines: load, observe, judge, decide, save, act. Both drivers run this and nothing else."""

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import assert_never

import msgspec

from serinus.core.checks import step_stage
from serinus.core.guard import guarded_turn
from serinus.core.notices import notice_of_state
from serinus.core.plan import Plan, gates_of
from serinus.core.pods import Pod, Track
from serinus.core.progress import Progress, progress_of_action, progress_of_answer, progress_of_state
from serinus.core.record import Record, with_past
from serinus.core.state import Baking, Finished, Leaving, Paused, Promoting, State
from serinus.core.transition import PROBE_STAGE
from serinus.core.turn import Action, AskGate, RunSmoke
from serinus.core.world import World
from serinus.engine.asking import Asked
from serinus.engine.observe import MAY_FAIL, Answers, first_seen, observe, stage_of
from serinus.engine.reading import SAVE_SECONDS, Readings
from serinus.ports import (
    Clock,
    Cluster,
    GateQuestion,
    LostRace,
    Metrics,
    Notifier,
    Reporter,
    Saved,
    SmokeGate,
    SmokeQuestion,
    StepGate,
    Store,
    Trouble,
)

STALE_SECONDS_MAX = 10.0
"""A copy of the cluster that may be older than this is not acted upon; nor is a turn that took longer than this."""
SILENCE_SECONDS_MAX = 120.0
"""A runner that was taken over takes back what nobody has saved for so long: well beyond PENDING_SECONDS."""
RETRY_SECONDS = 1.0
"""After a turn that could not do what it wanted."""
PENDING_SECONDS = 30.0
"""For how long a call that was given up, or that another runner left behind, may still be done."""
CALLS_ON_THEIR_WAY = "all is asked for; staying a while, as calls of a run that died may still be on their way"


@dataclass(slots=True)
class Parts:
    """What a turn works with. `runner` is the name of this run, unlike any other's.

    `begun_at`, by the monotonic clock: when the save was sent with which this run began its rollout, if it did.
    """

    runner: str
    clock: Clock
    cluster: Cluster
    store: Store
    smoke: SmokeGate
    gates: StepGate
    metrics: Metrics
    reporter: Reporter
    notifier: Notifier
    begun_at: float = -math.inf


@dataclass(slots=True)
class Memory:
    """What one runner remembers between turns. Losing it costs questions that are put again, and nothing else.

    By the monotonic clock: `confirmed_at`, when the last save that succeeded was sent; `pending_until`, when no call
    can be on its way any more (None: none is, and what the last of them did has been looked for); `watched_since`,
    since when the record has been at `watched_version`, while another runner drives.
    """

    said: set[str] = field(default_factory=set)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Asked = field(init=False)
    readings: Readings = field(init=False)
    drove: bool = False
    confirmed_at: float = -math.inf
    pending_until: float | None = None
    watched_version: str = ""
    watched_since: float = 0.0

    def __post_init__(self) -> None:
        self.asked = Asked(self.answered)
        self.readings = Readings(self.answered)


@dataclass(frozen=True, slots=True)
class Turned:
    """The end of a turn: the state that is saved now, and in how many seconds to look again though nothing happens.

    None: everything asked for was done, so only an event, or a moment that the state itself waits for, is of interest.
    """

    record: Record
    again_seconds: float | None


async def take_one_turn(parts: Parts, memory: Memory) -> Turned | None:
    """One turn of the rollout that is saved. None: nothing can be decided now (blind, or the save was lost)."""
    began = parts.clock.monotonic()
    saved = parts.store.load()  # 1 load
    if saved is None:
        return None
    plan, state = saved.record.plan, saved.record.state
    if isinstance(state, Finished):
        return Turned(saved.record, None)
    if not _drives(parts, memory, saved, began):
        return Turned(saved.record, memory.watched_since + SILENCE_SECONDS_MAX - began)
    if saved.record.driver != parts.runner and not await _refresh(parts, memory):
        return None  # it takes over, and what was done while another runner drove may not have been heard of
    pending = await _calls_pending(parts, memory, state, began)
    world = parts.cluster.observe(plan)
    if world.stale_seconds > STALE_SECONDS_MAX:  # blind: hold still; deadlines go on once there is sight
        _say_once(parts, memory, "no news from the cluster; holding still until there is")
        return None
    judged, answers = memory.readings.judged(saved.record), _answers(memory, state)
    read = replace(saved, record=msgspec.structs.replace(saved.record, judged=judged))
    facts = await observe(parts.cluster, read, world, parts.clock.now(), answers, pending)  # 2 observe, 3 judge
    for answer in memory.asked.news(stage_of(state) or "", facts.gates):
        parts.reporter.report(progress_of_answer(answer, stage_of(state) or ""))
    (after, actions), broken = guarded_turn(plan, state, facts)  # 4 decide
    for breach in broken:
        _say_once(parts, memory, f"rule {breach.rule.value} would have been broken: {breach.sentence}")
    saved_ago = began - max(memory.confirmed_at, parts.begun_at)
    if saved_ago < SAVE_SECONDS and after == state:
        judged = saved.record.judged  # what was read since keeps until a later save
    record = _record_of(saved, after, judged, world, parts.runner)
    unsure = bool(actions) and saved_ago > STALE_SECONDS_MAX
    if record is not saved.record or unsure:  # unsure: saved as it is, to see that nobody else has
        written = await _save(parts, memory, record, saved.version)  # 5 save
        if written is None:
            return None
        saved = written
        _tell(parts, plan, state, after)
    memory.readings.begin(parts.metrics, parts.clock, saved.record, world)
    if pending and not actions and after == state and isinstance(state, Leaving | Promoting):
        _say_once(parts, memory, CALLS_ON_THEIR_WAY, "waiting")
    done = await _act(parts, memory, saved, world, actions, began)  # 6 act
    if not done:
        return Turned(saved.record, RETRY_SECONDS)
    return Turned(saved.record, max(RETRY_SECONDS, (memory.pending_until or began) - began) if pending else None)


async def _save(parts: Parts, memory: Memory, record: Record, version: str) -> Saved | None:
    """What is saved now; None: it was not, or nobody can say."""
    asked_at = parts.clock.monotonic()
    try:
        saved = await parts.store.save(record, version)
    except LostRace:
        return None
    except Trouble as trouble:
        _say_once(parts, memory, str(trouble))
        return None
    memory.confirmed_at = asked_at
    memory.readings.saved(saved.record)
    return saved


def _tell(parts: Parts, plan: Plan, before: State, after: State) -> None:
    """Whoever watches the run, and whoever looks at the cluster, of a change of state."""
    for progress in progress_of_state(plan, before, after):
        parts.reporter.report(progress)
    if (notice := notice_of_state(plan, before, after)) is not None:
        parts.notifier.notify(notice)


def _drives(parts: Parts, memory: Memory, saved: Saved, now: float) -> bool:
    """Whether this runner may act: its name is in the record, or it takes over, by saving its name there first.

    It takes over in its first turn, as whoever starts a runner wants it to drive. One that was taken over watches, and
    comes back when nothing is heard of the other.
    """
    if saved.record.driver == parts.runner:
        memory.drove = True
        return True
    if memory.drove:
        if memory.watched_version != saved.version:
            memory.watched_version, memory.watched_since = saved.version, now
        if now - memory.watched_since < SILENCE_SECONDS_MAX:
            _say_once(parts, memory, f"another run drives this rollout now ({saved.record.driver}); watching it")
            return False
    memory.pending_until = max(memory.pending_until or 0.0, now + PENDING_SECONDS)
    return True


async def _calls_pending(parts: Parts, memory: Memory, state: State, now: float) -> bool:
    """Whether a call may still be done unseen, of this runner or of one before it.

    Once none can be on its way any more, the cluster is listed anew before a rollout may end: a watch may be silent
    without closing, and a runner may have stood still meanwhile, so the copy alone does not say what those calls did.
    """
    if memory.pending_until is None:
        return False
    if now >= memory.pending_until and isinstance(state, Leaving | Promoting) and await _refresh(parts, memory):
        memory.pending_until = None
    return memory.pending_until is not None


async def _refresh(parts: Parts, memory: Memory) -> bool:
    """List the cluster anew; whether that could be had."""
    try:
        await parts.cluster.refresh()
    except Trouble as trouble:
        _say_once(parts, memory, str(trouble))
        return False
    return True


def _record_of(saved: Saved, after: State, judged: msgspec.Raw, world: World, runner: str) -> Record:
    """What is to be saved: the very record where nothing has changed."""
    record = saved.record
    seen = first_seen(record, world) if isinstance(after, MAY_FAIL) else record.seen
    answered = saved.command.id if saved.command is not None else record.answered
    same = after == record.state and answered == record.answered and record.driver == runner
    if same and judged is record.judged:
        return record  # what was first seen is saved with the next change: it is not worth a request of its own
    record = msgspec.structs.replace(record, seen=seen, answered=answered, driver=runner, judged=judged)
    if isinstance(after, Finished):
        return with_past(record, after)
    return msgspec.structs.replace(record, state=after)


async def _act(
    parts: Parts, memory: Memory, saved: Saved, world: World, actions: tuple[Action, ...], began: float
) -> bool:
    """Ask for everything, in order; the first trouble ends the turn, and the next one asks again.

    So does what makes the turn out of date: that it took too long, or that something was saved since, such as a word.
    """
    plan = saved.record.plan
    for action in actions:
        latest = parts.store.load()
        overtaken = latest is None or latest.version != saved.version
        if overtaken or parts.clock.monotonic() - began > STALE_SECONDS_MAX:
            return False
        if isinstance(action, RunSmoke | AskGate):
            if _put(parts, memory, saved, world, action):
                parts.reporter.report(progress_of_action(plan, action))
            continue
        try:
            await parts.cluster.act(plan, action)
        except Trouble as trouble:
            _say_once(parts, memory, str(trouble))
            if trouble.may_come_late:
                memory.pending_until = parts.clock.monotonic() + PENDING_SECONDS
            return False
        parts.reporter.report(progress_of_action(plan, action))
    return True


def _put(parts: Parts, memory: Memory, saved: Saved, world: World, action: RunSmoke | AskGate) -> bool:
    """Put a question, unless that was done before; whether it was put now."""
    plan, asked = saved.record.plan, memory.asked
    match action:
        case RunSmoke(stage, share):
            if plan.smoke is None or asked.was_put(stage):
                return False
            # Only the stage's own pods: the probe may still be on its way out when the first step is tested.
            pods = _ready_pods(world, Track.PROBE if stage == PROBE_STAGE else Track.CANARY)
            asked.put(stage, parts.smoke.ask(SmokeQuestion(plan.smoke, plan, stage, share, pods)))
        case AskGate(name, step, share):
            gate = next((gate for gate in gates_of(plan, step) if gate.name == name), None)
            if gate is None or asked.was_put(step_stage(step), name):
                return False
            pods, held_seconds = _ready_pods(world, Track.CANARY), _held_seconds(parts, saved.record.state)
            question = GateQuestion(gate, plan, step, share, pods, held_seconds)
            asked.put(step_stage(step), parts.gates.ask(question), name)
        case _:
            assert_never(action)
    return True


def _ready_pods(world: World, track: Track) -> tuple[Pod, ...]:
    return tuple(pod for pod in world.pods if pod.ready and pod.track is track and not pod.deleting)


def _held_seconds(parts: Parts, state: State) -> float:
    """For how long the step has held its share: a runner that takes over must not begin a deadline anew."""
    return (parts.clock.now() - state.held_since).total_seconds() if isinstance(state, Baking) else 0.0


def _answers(memory: Memory, state: State) -> Answers:
    """What was answered about the stage that the rollout is in; questions about others are ended."""
    stage, asked = stage_of(state) or "", memory.asked
    if not isinstance(state, Paused):
        asked.drop_all_but(stage)
    return Answers(asked.smoke(stage), asked.gates(stage))


def _say_once(parts: Parts, memory: Memory, sentence: str, code: str = "trouble") -> None:
    """The same trouble turn after turn is one line, not a hundred."""
    if sentence not in memory.said:
        memory.said.add(sentence)
        parts.reporter.report(Progress(code, sentence))

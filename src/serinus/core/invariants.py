"""The ten rules of design.md, section 4, as checks of one turn.

Pure, and apart from the machine on purpose: each rule is said again from what must hold, not from how `transition.py`
goes about it. Used in tests, in the simulator, and in production, where `guard.py` stops a rollout that broke one.
Rule 9 and the course of capacity over time take memory: `watcher.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from serinus.core.plan import Plan, Promotion
from serinus.core.promotion import past_return
from serinus.core.reasons import Outcome
from serinus.core.state import Baking, Finished, Leaving, Paused, Preparing, Promoting, Shifting, State
from serinus.core.transition import next_looks
from serinus.core.turn import (
    Action,
    CreateCanary,
    Facts,
    HandTemplate,
    MarkVersion,
    OrphanCanary,
    RemoveCanary,
    RemoveCopy,
    RemoveProbe,
    RemoveStable,
    RestoreAutoscaler,
    ScaleCanary,
    ScaleStable,
    TakeBackTemplate,
    Verb,
    Verdict,
    Wishes,
    Workload,
)


class Rule(Enum):
    """The rules, by their numbers in design.md."""

    CAPACITY = 1
    SHARE = 2
    BAKE = 3
    PASS_ONLY = 4
    ABORT_WINS = 5
    ONLY_BACK = 6
    ENDS = 7
    RESTORED = 8
    ONE_ACTS = 9
    NOTHING_LEFT = 10


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that was broken, and what was seen of it."""

    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class _Turned:
    """One turn, as the rules look at it."""

    plan: Plan
    before: State
    after: State
    facts: Facts
    wishes: Wishes

    @property
    def canary_serving(self) -> int:
        return self.facts.canary.serving if self.facts.canary is not None else 0

    @property
    def stable_serving(self) -> int:
        return self.facts.stable.serving if self.facts.stable is not None else 0


def check(plan: Plan, before: State, after: State, facts: Facts, wishes: Wishes) -> tuple[Breach, ...]:
    """The rules that this turn broke: none, as long as the machine is right."""
    turned = _Turned(plan, before, after, facts, wishes)
    return tuple(Breach(rule, sentence) for rule, look in _CHECKS for sentence in look(turned))


# 1


def _capacity_is_kept(turned: _Turned) -> Iterator[str]:
    """Ready capacity never falls below what production had, and nothing goes before its replacement is seen ready.

    On the way back it may be less by maxUnavailable; on the way forwards there is never a need.
    """
    if turned.plan.stable is None:
        return
    for wish in turned.wishes:
        left = _serving_after(turned, wish)
        now = turned.canary_serving + turned.stable_serving
        least = turned.plan.replicas
        if isinstance(turned.after, Leaving):
            least -= turned.plan.stable.max_unavailable
        if left is not None and left < min(now, least):
            yield f"{wish} would leave {left} of {turned.plan.replicas} ready pods"
        if isinstance(wish, RemoveStable) and turned.canary_serving < turned.plan.replicas:
            yield f"the previous version would go with {turned.canary_serving} of {turned.plan.replicas} pods ready"
        if isinstance(wish, HandTemplate | OrphanCanary) and (problem := _unsafe_to_adopt(turned, wish)):
            yield problem


def _serving_after(turned: _Turned, wish: Action) -> int | None:
    """How many pods serve when a wish has come true, pods that do not serve having gone first; None: it takes none."""
    canary, stable = turned.canary_serving, turned.stable_serving
    if isinstance(wish, ScaleStable) and wish.replicas < wish.seen:
        return canary + min(stable, wish.replicas)
    if isinstance(wish, ScaleCanary) and wish.replicas < wish.seen:
        return stable + min(canary, wish.replicas)
    if isinstance(wish, RemoveCanary):
        return stable
    return canary if isinstance(wish, RemoveStable) else None


def _unsafe_to_adopt(turned: _Turned, wish: HandTemplate | OrphanCanary) -> str:
    stable, adoption = turned.facts.stable, turned.facts.adoption
    if stable is None or stable.wanted < 1:
        return f"{wish} with no pod of production left: its controller would scale the adopted ones to nothing"
    if turned.canary_serving < turned.plan.replicas:
        return f"{wish} with {turned.canary_serving} of {turned.plan.replicas} canary pods ready"
    if isinstance(wish, HandTemplate):
        return ""
    ready = stable.paused and stable.settled and adoption is not None and adoption.templates_equal
    return "" if ready else "the canary's pods would be orphaned before production has taken over their template"


# 2


def _share_is_backed(turned: _Turned) -> Iterator[str]:
    """No share is asked for that exceeds the canary's ready capacity, or the step that the rollout is in."""
    step = _step_of(turned.after)
    if step is None or step >= len(turned.plan.steps) or turned.plan.stable is None:
        return
    most = turned.plan.steps[step].canary_replicas
    for wish in turned.wishes:
        if isinstance(wish, CreateCanary | ScaleCanary) and wish.replicas > most:
            yield f"{wish} in a step of {most} canary pods"
        shrinks = isinstance(wish, ScaleStable) and wish.replicas < wish.seen
        if shrinks and turned.canary_serving < most:
            yield f"{wish} with {turned.canary_serving} of {most} canary pods ready"


def _step_of(state: State) -> int | None:
    return state.step if isinstance(state, Shifting | Baking | Paused) else None


# 3 and 4


def _bake_is_over(turned: _Turned) -> Iterator[str]:
    """A step is left forwards only after its bake, counted from when its share was seen; or by a person's word."""
    before = turned.before
    if not _went_on(turned) or _hurried(turned):
        return
    if isinstance(before, Shifting):
        yield f"step {before.step + 1} was left before its share was seen"
    if isinstance(before, Baking):
        held = (turned.facts.now - before.held_since).total_seconds()
        if held < turned.plan.steps[before.step].bake_seconds:
            yield f"step {before.step + 1} was left after {held:g} s of its bake"


def _only_pass_passes(turned: _Turned) -> Iterator[str]:
    """UNSURE and unknown never count as PASS: of the pods, of a smoke test, or of a fact that was not seen."""
    facts, before = turned.facts, turned.before
    if not _went_on(turned):
        return
    failed = facts.pods.verdict is Verdict.FAIL or (facts.smoke is not None and facts.smoke.verdict is Verdict.FAIL)
    if failed and not (isinstance(before, Paused) and turned.plan.hold_seconds is not None):
        yield "it went on although a check failed"
    if _hurried(turned) or isinstance(before, Paused):
        return  # a person, or what was declared for the end of a pause, decides on what is UNSURE
    if isinstance(before, Baking) and facts.pods.verdict is not Verdict.PASS:
        yield f"it went on although the pods are {facts.pods.verdict.name}"
    if turned.plan.smoke is not None and (facts.smoke is None or facts.smoke.verdict is not Verdict.PASS):
        yield "it went on without a smoke test that passed"


def _went_on(turned: _Turned) -> bool:
    """Whether the rollout went forwards: to a later step, to the wait for its approval, or to the promotion."""
    before, after = turned.before, turned.after
    if isinstance(after, Promoting | Shifting):
        since = after.step if isinstance(after, Shifting) else len(turned.plan.steps)
        first = isinstance(before, Preparing) or (isinstance(before, Paused) and before.step is None)
        return first or (isinstance(before, Shifting | Baking | Paused) and since > (before.step or 0))
    if isinstance(after, Finished):
        return after.outcome is Outcome.PROMOTED and isinstance(before, Baking | Shifting | Preparing | Paused)
    waits = isinstance(after, Paused) and after.step is not None and isinstance(before, Baking | Shifting)
    return waits and (_step_of(after) or 0) > (_step_of(before) or 0)


def _hurried(turned: _Turned) -> bool:
    """Whether a person asked for it: the word is in the facts now, or was and is kept in the state."""
    if isinstance(turned.before, Shifting | Baking) and turned.before.hurried:
        return True
    request = turned.facts.request
    return request is not None and request.verb in (Verb.PROMOTE, Verb.PROMOTE_FULL)


# 5, 6 and 7


def _abort_wins(turned: _Turned) -> Iterator[str]:
    """Abort wins from every state but Finished, and but a promotion whose way back is gone."""
    if turned.facts.abort is None or isinstance(turned.before, Finished | Leaving):
        return
    too_late = isinstance(turned.before, Promoting) and past_return(turned.plan, turned.facts)
    if not too_late and not isinstance(turned.after, Leaving):
        yield f"the way back was asked for, and the rollout is {type(turned.after).__name__}"


def _only_back(turned: _Turned) -> Iterator[str]:
    """While leaving, nothing goes up: traffic goes back to production, is seen there, and then the pods go."""
    plan, after = turned.plan, turned.after
    if isinstance(turned.before, Leaving) and not isinstance(after, Leaving | Finished):
        yield f"from the way back to {type(after).__name__}"
    if isinstance(turned.before, Leaving) and isinstance(after, Finished) and after.outcome is Outcome.PROMOTED:
        yield "the way back ended in a promotion"
    if isinstance(after, Leaving):
        yield from (f"{wish} on the way back" for wish in turned.wishes if not _leads_back(plan, wish))


def _leads_back(plan: Plan, wish: Action) -> bool:
    if isinstance(wish, ScaleStable):
        return wish.replicas == plan.replicas
    if isinstance(wish, ScaleCanary):
        return wish.replicas < wish.seen
    if isinstance(wish, MarkVersion):
        return plan.stable is not None and wish.version == plan.stable.label
    if isinstance(wish, RestoreAutoscaler):
        return plan.stable is not None and wish.target == plan.stable.name
    return isinstance(
        wish, RemoveCanary | RemoveProbe | RemoveCopy | TakeBackTemplate
    )  # what is not named does not lead back


def _has_an_end(turned: _Turned) -> Iterator[str]:
    """Every state ends: each has a deadline, and none is stayed in beyond it."""
    if isinstance(turned.after, Finished):
        return
    looks = next_looks(turned.plan, turned.after)
    if not looks or max(looks) <= turned.facts.now:
        yield f"{type(turned.after).__name__} has no deadline ahead"


# 8 and 10


def _all_is_restored(turned: _Turned) -> Iterator[str]:
    """What is not ours has its own values back at the end, in every field that the rollout owned."""
    plan, facts, after = turned.plan, turned.facts, turned.after
    if not _just_ended(turned) or plan.stable is None or not isinstance(after, Finished):
        return
    stays = plan.promotion is Promotion.ADOPT or after.outcome is not Outcome.PROMOTED
    if stays and facts.stable is not None:
        owned = plan.promotion is Promotion.ADOPT  # else a pause or a strategy that is other now is someone else's
        if owned and (facts.stable.paused or facts.stable.max_surge != plan.stable.max_surge):
            yield "production's strategy is not what it was"
        if facts.stable.wanted != plan.replicas:
            yield f"production is left at {facts.stable.wanted} of {plan.replicas} pods"
    target = plan.stable.name if stays else plan.canary_name
    if facts.autoscaler is not None and not (facts.autoscaler.as_before and facts.autoscaler.target == target):
        yield "the autoscaler has not got back what it had"
    wrong = plan.version if after.outcome is not Outcome.PROMOTED else plan.stable.label
    if plan.mark_version and facts.service_version == wrong:
        yield f"the Service still names version {wrong}"


def _nothing_is_left(turned: _Turned) -> Iterator[str]:
    """A finished rollout leaves nothing of ours behind, but for history and what was to be kept."""
    plan, facts, after = turned.plan, turned.facts, turned.after
    if not _just_ended(turned) or not isinstance(after, Finished):
        return
    promoted = after.outcome is Outcome.PROMOTED
    kept = plan.revives and facts.canary is not None and facts.canary.wanted == 0
    if facts.canary is not None and not kept and not (promoted and plan.promotion is not Promotion.ADOPT):
        yield "the canary's Deployment is left"
    if facts.probe is not None:
        yield "the smoke test's pod is left"
    if not promoted and facts.canary_pods_left:
        yield f"{facts.canary_pods_left} canary pods are left"
    if promoted and plan.promotion is Promotion.RENAME and _is_left(plan, facts.stable):
        yield "the previous version is left"
    if facts.copies is not None and facts.copies.unused:
        yield f"copies that nothing names are left: {', '.join(copy.name for copy in facts.copies.unused)}"


def _is_left(plan: Plan, stable: Workload | None) -> bool:
    return stable is not None and not (plan.keep_previous and stable.wanted == 0)


def _just_ended(turned: _Turned) -> bool:
    """Whether this turn ended it, and well: one that is stuck says so, and a person must look."""
    ended = isinstance(turned.after, Finished) and not isinstance(turned.before, Finished)
    return ended and isinstance(turned.after, Finished) and turned.after.outcome is not Outcome.STUCK


_CHECKS: tuple[tuple[Rule, Callable[[_Turned], Iterator[str]]], ...] = (
    (Rule.CAPACITY, _capacity_is_kept),
    (Rule.SHARE, _share_is_backed),
    (Rule.BAKE, _bake_is_over),
    (Rule.PASS_ONLY, _only_pass_passes),
    (Rule.ABORT_WINS, _abort_wins),
    (Rule.ONLY_BACK, _only_back),
    (Rule.ENDS, _has_an_end),
    (Rule.RESTORED, _all_is_restored),
    (Rule.NOTHING_LEFT, _nothing_is_left),
)

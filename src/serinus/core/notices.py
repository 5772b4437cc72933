"""What a change of state is called where the cluster's own readers look: one notice per change, with a stable name.

The sentence is that of `progress.py`. How a notice is delivered is `kube/events.py`'s job. The names are documented in
docs/reference/events.md, and a test compares the two.
"""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from serinus.core.plan import Plan, Promotion
from serinus.core.progress import progress_of_state
from serinus.core.reasons import Outcome
from serinus.core.state import Baking, Finished, Leaving, Paused, Preparing, Promoting, Shifting, State


class NoticeReason(Enum):
    """The stable name of a notice: the `reason` of a Kubernetes Event."""

    STARTED = "CanaryStarted"
    STEP_HOLDS = "CanaryStepHolds"
    SHARE_LOST = "CanaryShareLost"
    PAUSED = "CanaryPaused"
    PROMOTING = "CanaryPromoting"
    LEAVING = "CanaryLeaving"
    PROMOTED = "CanaryPromoted"
    ROLLED_BACK = "CanaryRolledBack"
    ABORTED = "CanaryAborted"
    SUPERSEDED = "CanarySuperseded"
    STUCK = "CanaryStuck"


WARNINGS = frozenset({NoticeReason.SHARE_LOST, NoticeReason.LEAVING, NoticeReason.ROLLED_BACK, NoticeReason.STUCK})
"""Something is wrong with the release; the others are as asked for."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of a rollout's state. `deployment`: the one that serves users; the Service is told as well."""

    reason: NoticeReason
    sentence: str
    deployment: str
    rollout: str

    @property
    def is_warning(self) -> bool:
        return self.reason in WARNINGS


def notice_of_start(plan: Plan) -> Notice:
    """A rollout has begun."""
    stands = f"production is version {plan.stable.version}" if plan.stable is not None else "nothing was deployed yet"
    return _notice(plan, NoticeReason.STARTED, f"releasing version {plan.version}; {stands}")


def notice_of_state(plan: Plan, before: State, after: State) -> Notice | None:
    """What there is to tell of a change of state; None if there was none."""
    progress = progress_of_state(plan, before, after)
    reason = _reason_of(after)
    if not progress or reason is None:
        return None
    return _notice(plan, reason, progress[0].sentence, is_promoted=reason is NoticeReason.PROMOTED)


def _reason_of(after: State) -> NoticeReason | None:
    match after:
        case Preparing():
            return None
        case Shifting():
            return NoticeReason.SHARE_LOST  # the one way into Shifting of which there is something to say
        case Baking():
            return NoticeReason.STEP_HOLDS
        case Paused():
            return NoticeReason.PAUSED
        case Promoting():
            return NoticeReason.PROMOTING
        case Leaving():
            return NoticeReason.LEAVING
        case Finished():
            return _reason_of_end(after.outcome)
        case _:
            assert_never(after)


def _reason_of_end(outcome: Outcome) -> NoticeReason:
    match outcome:
        case Outcome.PROMOTED:
            return NoticeReason.PROMOTED
        case Outcome.ROLLED_BACK:
            return NoticeReason.ROLLED_BACK
        case Outcome.ABORTED:
            return NoticeReason.ABORTED
        case Outcome.SUPERSEDED:
            return NoticeReason.SUPERSEDED
        case Outcome.STUCK:
            return NoticeReason.STUCK
        case _:
            assert_never(outcome)


def _notice(plan: Plan, reason: NoticeReason, sentence: str, is_promoted: bool = False) -> Notice:
    renamed = is_promoted and plan.promotion is Promotion.RENAME
    name = plan.canary_name if plan.stable is None or renamed else plan.stable.name
    return Notice(reason, sentence, name, plan.rollout)

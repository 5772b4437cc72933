"""Why a rollout left a state: stable identifiers that events, JSON, docs and tests share, each with its sentence.

The name of a member is the identifier (`CRASH_LOOP`); its value is the sentence people read.
"""

from enum import Enum


class Reason(Enum):
    """The cause of a rollout's end, or of its way back."""

    COMPLETE = "every step passed; the canary is production now"
    FIRST_DEPLOYED = "nothing was deployed yet, so the version was deployed plainly"
    NEVER_READY = "the canary's pods were not ready by their deadline"
    UNSCHEDULABLE = "a canary pod cannot be scheduled"
    PODS_REFUSED = "the cluster refuses to create the canary's pods"
    IMAGE_UNPULLABLE = "the canary's image cannot be pulled"
    CONTAINER_CANNOT_START = "a container of the canary cannot be started"
    CRASHED = "a container of the canary ended, and production's did not"
    CRASH_LOOP = "the canary is in a crash loop"
    OOM_KILLED = "a container of the canary was killed for using more memory than its limit"
    SMOKE_FAILED = "a smoke test of the canary failed"
    GATE_FAILED = "a gate said no"
    GATE_UNANSWERED = "a gate gave no answer in time, so nothing is known of what it was to tell"
    METRICS_WORSE = "the canary's metrics are worse than production's"
    LIMIT_BROKEN = "the canary's metrics are beyond a limit that was set for them"
    BUDGET_SPENT = "the rollout has spent the part of the error budget that it may spend"
    NOT_ENOUGH_TRAFFIC = "too few requests to tell whether the canary is safe"
    METRICS_UNKNOWN = "the metrics could not be read, so nothing is known of the canary's users"
    WORLD_DEGRADED = "production itself got worse, so nothing could be told of the canary"
    SHARE_NOT_OBSERVED = "the canary's share of requests is not the one that was asked for"
    STEP_TOO_LATE = "the step ran out of time before its checks had passed"
    STABLE_NOT_READY = "production's own pods were not ready by the deadline"
    STABLE_GONE = "production's Deployment is gone"
    CANARY_GONE = "the canary's Deployment was removed by someone else"
    PROMOTION_TOO_LATE = "the promotion did not complete by its deadline"
    VETOED = "a veto was put on the release"
    PAUSE_ENDED = "the pause came to its end, and nobody had decided"
    APPROVAL_REFUSED = "nobody approved the step by its deadline"
    STABLE_CHANGED = "production's pod template was changed by someone else"
    CANARY_CHANGED = "the canary's pod template was changed by someone else"
    CONFIG_CHANGED = "a ConfigMap or Secret was changed before the release had its copy"
    SERVICE_CHANGED = "the Service's selector was changed by someone else"
    FOUGHT_OVER = "someone else keeps changing the sizes that the rollout sets"
    SUPERSEDED = "another version is released in its place"
    ABORT_ASKED = "a person asked for the way back"
    BROKEN_RULE = "a rule that must always hold was broken: a defect of Serinus, please report it"
    ABANDONED = "nobody drove the rollout any more, and its guard takes it back"
    INTERRUPTED = "the run was interrupted, and takes its canary back"


class Outcome(Enum):
    """How a rollout ended; the value is what JSON and the history show."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"
    STUCK = "stuck"  # the way back could not be seen to complete by its deadline


COULD_NOT_TELL = frozenset(
    {
        Reason.GATE_UNANSWERED,
        Reason.NOT_ENOUGH_TRAFFIC,
        Reason.METRICS_UNKNOWN,
        Reason.WORLD_DEGRADED,
        Reason.SHARE_NOT_OBSERVED,
    }
)
"""Reasons that say nothing of the version: it was taken back as nothing could be shown, neither harm nor safety."""

ASKED_BY_A_PERSON = frozenset({Reason.ABORT_ASKED, Reason.INTERRUPTED})
"""Reasons that are nobody's harm: the rollout was called off."""


def outcome_of(reason: Reason) -> Outcome:
    """How a rollout ends that went back for this reason."""
    if reason is Reason.SUPERSEDED:
        return Outcome.SUPERSEDED
    return Outcome.ABORTED if reason in ASKED_BY_A_PERSON else Outcome.ROLLED_BACK

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


ASKED_BY_A_PERSON = frozenset({Reason.ABORT_ASKED, Reason.INTERRUPTED})
"""Reasons that are nobody's harm: the rollout was called off."""

"""Where a rollout is: a closed union, each state with only what it must remember. See design.md, section 4.

The states are msgspec Structs with tags, so that what is saved in the cluster is these types and nothing else.
"""

import enum
from datetime import datetime

import msgspec

from serinus.core.reasons import Outcome, Reason


class Evidence(msgspec.Struct, frozen=True):
    """Why, in the words of those who saw it: one sentence, and lines such as the kubelet's message or a log's end."""

    sentence: str
    lines: tuple[str, ...] = ()


class Preparing(msgspec.Struct, frozen=True, tag=True):
    """Helper objects are made; no user meets the new version yet."""

    entered: datetime


class Shifting(msgspec.Struct, frozen=True, tag=True):
    """A share was asked for and is not yet seen. `step_entered` is kept over a return from Baking.

    `corrections`: how often in this step a size that someone else changed was set right. `hurried`: a person wants the
    step left as soon as the share holds.
    """

    step: int
    entered: datetime
    step_entered: datetime
    corrections: int = 0
    hurried: bool = False


class Baking(msgspec.Struct, frozen=True, tag=True):
    """The share is seen to hold since `held_since`; the clock of the step runs."""

    step: int
    held_since: datetime
    step_entered: datetime
    corrections: int = 0
    hurried: bool = False


class PauseEnd(enum.Enum):
    """What a pause comes to when nobody has decided by its deadline."""

    GO_ON = "go on"
    REVERT = "revert"


class Paused(msgspec.Struct, frozen=True, tag=True):
    """The share stays as it is until a person decides, or the deadline does.

    `step` None: paused before any user met the version. `reason`: why it goes back, if that is how the pause ends.
    """

    step: int | None
    entered: datetime
    until: datetime
    end: PauseEnd
    reason: Reason
    evidence: Evidence


class Promoting(msgspec.Struct, frozen=True, tag=True):
    """The canary becomes production. What is left to do is read from the cluster, not remembered."""

    entered: datetime


class Leaving(msgspec.Struct, frozen=True, tag=True):
    """All users go back to production at its full size, then the canary's objects go."""

    entered: datetime
    reason: Reason
    evidence: Evidence
    share_percent: float  # the largest share the canary was given


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The end."""

    at: datetime
    outcome: Outcome
    reason: Reason
    evidence: Evidence
    share_percent: float


State = Preparing | Shifting | Baking | Paused | Promoting | Leaving | Finished

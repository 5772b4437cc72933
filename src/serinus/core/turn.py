"""What a turn sees (`Facts`) and what it may ask for (actions). Not how either is done: see `kube/`.

A fact that could not be read is None or an empty tuple with `readable` false; it is never zero and never a pass.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from serinus.core.config import ConfigCopy, ConfigKind, Copies
from serinus.core.reasons import Reason
from serinus.core.state import Evidence, PauseEnd, State

NOTHING_TO_SAY = Evidence("")


class Verdict(Enum):
    """The three answers of any check."""

    PASS = auto()
    FAIL = auto()
    UNSURE = auto()  # no evidence either way; never read as PASS


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its grounds; `reason` and `evidence` are set for FAIL, and `evidence` may be for UNSURE."""

    verdict: Verdict
    reason: Reason | None = None
    evidence: Evidence = NOTHING_TO_SAY


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment as it was seen, with its pods counted.

    `wanted` is spec.replicas; `serving` counts pods that are ready and that the Service's EndpointSlices list as
    ready, and is never more than the Deployment's own status says; `pods` counts all that exist, those on their way
    out included. `settled` says that the Deployment controller has seen the latest spec. `release` is the
    RELEASE_LABEL of the pod template.
    """

    uid: str
    wanted: int
    serving: int
    pods: int
    settled: bool
    paused: bool = False
    release: str | None = None
    max_surge: int | str | None = None
    deleting: bool = False
    serving_at_most: int = 0  # the greater of the two counts: what may not be taken for idle
    obstructed: bool = False  # pods that it is to have are refused, or find no room


@dataclass(frozen=True, slots=True)
class Adoption:
    """What promotion by adoption watches: is the canary's ReplicaSet production's own, and are the templates equal?"""

    owner_uid: str | None  # of the canary's ReplicaSet; None: no owner, or no such ReplicaSet
    templates_equal: bool  # stable's stored template and the canary's, the pod-template-hash aside


@dataclass(frozen=True, slots=True)
class ProbePod:
    """The pod that smoke tests see before any user does."""

    ready: bool
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """Production's HPA: as pinning leaves it, or with the fields it had before; and which Deployment it scales."""

    pinned: bool
    as_before: bool
    target: str


class Verb(Enum):
    """What a person may ask of a rollout under way; the value is the command's name. Abort is `Facts.abort`."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    PROMOTE_FULL = "promote --full"


@dataclass(frozen=True, slots=True)
class Request:
    """One word of one person. `seconds` and `end` are a pause's: how long, and what then."""

    verb: Verb
    by: str
    seconds: float = 0.0
    end: PauseEnd = PauseEnd.REVERT


@dataclass(frozen=True, slots=True)
class Facts:
    """The world as one turn sees it."""

    now: datetime
    stable: Workload | None  # None: there is none
    canary: Workload | None
    pods: Judgement  # of the canary's pods, beside production's
    not_ready: Judgement  # what keeps the share from being reached, should that last too long
    canary_pods_left: int = 0  # those on their way out included
    service_version: str | None = None  # the Service's `version` label
    probe: ProbePod | None = None
    smoke: Judgement | None = None  # of this step's smoke test; None: not asked for, or not answered yet
    autoscaler: Autoscaler | None = None
    adoption: Adoption | None = None
    copies: Copies | None = None  # None: the release shares production's ConfigMaps and Secrets
    abort: Judgement | None = None  # who asked for the way back, and why
    veto: Judgement | None = None  # a veto on one of the rollout's objects
    foreign: Judgement | None = None  # what someone else changed that the rollout cannot go on with
    request: Request | None = None  # what a person asked for, and has not been answered yet
    calls_pending: bool = False  # a call of this run, or of a runner before it, may still be on its way
    last_writer: str = ""  # who, beside this tool, last wrote to the rollout's Deployments


@dataclass(frozen=True, slots=True)
class PinAutoscaler:
    """Stop the autoscaler from changing production's size while the rollout does."""


@dataclass(frozen=True, slots=True)
class RestoreAutoscaler:
    """Give the autoscaler its former fields back, and let it scale `target`."""

    target: str


@dataclass(frozen=True, slots=True)
class MakeCopy:
    """Copy a ConfigMap or Secret for the release, if it still holds what the copy is named for."""

    copy: ConfigCopy


@dataclass(frozen=True, slots=True)
class RemoveCopy:
    """Delete a copy that nothing names any more."""

    kind: ConfigKind
    name: str


@dataclass(frozen=True, slots=True)
class CreateProbe:
    """Start the pod that smoke tests see first."""


@dataclass(frozen=True, slots=True)
class RemoveProbe:
    """Remove it."""


@dataclass(frozen=True, slots=True)
class RunSmoke:
    """Put the smoke tests to a canary pod. `stage` keeps apart the answers of different steps."""

    stage: str
    share_percent: float


@dataclass(frozen=True, slots=True)
class CreateCanary:
    """Make the canary's Deployment with this many pods."""

    replicas: int


@dataclass(frozen=True, slots=True)
class ScaleCanary:
    """From one size, as seen, to another; a size that is no longer so is left alone."""

    seen: int
    replicas: int


@dataclass(frozen=True, slots=True)
class RemoveCanary:
    """Delete the canary's Deployment and its pods."""


@dataclass(frozen=True, slots=True)
class ScaleStable:
    """From one size, as seen, to another."""

    seen: int
    replicas: int


@dataclass(frozen=True, slots=True)
class MarkVersion:
    """Let the Service's `version` label name this version; None: take the label away again."""

    version: str | None


@dataclass(frozen=True, slots=True)
class RemoveStable:
    """Delete the previous version's Deployment."""


@dataclass(frozen=True, slots=True)
class HandTemplate:
    """Adoption, 1: pause production and give it the canary's pod template; room for both sizes, so none is removed."""


@dataclass(frozen=True, slots=True)
class OrphanCanary:
    """Adoption, 2: delete the canary's Deployment and leave its ReplicaSet, which production takes as its newest."""


@dataclass(frozen=True, slots=True)
class SizeAdopted:
    """Adoption, 3: still paused, let production want its full size of the adopted ReplicaSet beside what is left."""

    replicas: int
    surge: int


@dataclass(frozen=True, slots=True)
class ReleaseStable:
    """Adoption, 4: unpause, with the strategy it had; the previous ReplicaSet goes to 0."""


@dataclass(frozen=True, slots=True)
class TakeBackTemplate:
    """Undo step 1: production's own template and strategy, unpaused."""


Action = (
    PinAutoscaler
    | RestoreAutoscaler
    | MakeCopy
    | RemoveCopy
    | CreateProbe
    | RemoveProbe
    | RunSmoke
    | CreateCanary
    | ScaleCanary
    | RemoveCanary
    | ScaleStable
    | MarkVersion
    | RemoveStable
    | HandTemplate
    | OrphanCanary
    | SizeAdopted
    | ReleaseStable
    | TakeBackTemplate
)

Wishes = tuple[Action, ...]
Turn = tuple[State, Wishes]

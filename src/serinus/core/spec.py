"""What the user asked for, as frozen types. `plan.py` turns it into steps for the workload that is there today."""

import enum

import msgspec

VERSION_LABEL = "version"
"""The Service's metadata label that names the version in production: the convention of the Codefresh step."""

RELEASE_LABEL = "serinus.dev/release"
"""Ours: in the canary's selector and pod template. It names a release, so it stays true after promotion."""

ROLLOUT_ANNOTATION = "serinus.dev/rollout"
"""Ours: on what a rollout makes, its identifier."""

PROBE_LABEL = "serinus.dev/smoke-test"
"""Ours: on the pod that smoke tests see before any user does. The Service does not select it."""

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "serinus"
FIELD_MANAGER = "serinus"


class Naming(enum.Enum):
    """Which Deployment is production after a release; see design.md, section 5."""

    VERSIONED = "versioned"  # APP-VERSION; the Service's label names it, and the canary becomes production
    IN_PLACE = "in-place"  # APP keeps its name and adopts the canary's ReplicaSet


class Image(msgspec.Struct, frozen=True):
    """A container's new image. `container` None: the only container, or those whose image differs by the tag only."""

    image: str
    container: str | None = None


class Smoke(msgspec.Struct, frozen=True):
    """Smoke tests of a canary pod: an HTTP path that must answer 2xx or 3xx; a command, its exit code the verdict."""

    http_path: str | None = None
    command: str | None = None
    timeout_seconds: float = 30.0


class ApprovalDefault(enum.Enum):
    """What becomes of a step that nobody approved in time."""

    ABORT = "abort"
    PROMOTE = "promote"


class Approval(msgspec.Struct, frozen=True):
    """A person must agree before the rollout goes past a step; after the deadline the default is taken."""

    deadline_seconds: float = 3600.0
    default: ApprovalDefault = ApprovalDefault.ABORT


class StepSpec(msgspec.Struct, frozen=True):
    """One share, as asked for. None: the rollout's own bake time; a deadline that leaves time for all the step does."""

    weight_percent: int
    bake_seconds: float | None = None
    deadline_seconds: float | None = None
    approval: Approval | None = None


class Capacity(enum.Enum):
    """Where the canary's pods come from."""

    KEEP = "keep"  # on top of production, which stays at its full size
    SWAP = "swap"  # in place of production's, within maxSurge


class Config(enum.Enum):
    """Whose the ConfigMaps and Secrets are that the pod template names."""

    SHARED = "shared"  # both versions': what is changed in them reaches production's pods too
    VERSIONED = "versioned"  # the release's own: copies of what they hold when it is planned


class OnFailure(enum.Enum):
    """What a failed rollout does."""

    REVERT = "revert"  # takes the canary back at once
    HOLD = "hold"  # stays where it is until a person says, or the hold deadline passes
    ASK = "ask"  # asks whoever sits at the terminal; reverts where there is nobody


class Interrupt(enum.Enum):
    """What SIGINT and SIGTERM mean to the run that drives a rollout."""

    REVERT = "revert"
    PARK = "park"  # leave the rollout as it is; any run can go on with it


class CronWindow(msgspec.Struct, frozen=True, tag=True):
    """A freeze that comes again: it begins when the cron expression (five fields) says, by the zone's clocks."""

    cron: str
    duration_seconds: float
    reason: str
    time_zone: str = "UTC"


class DateWindow(msgspec.Struct, frozen=True, tag=True):
    """A freeze that comes once. ISO dates or times by the zone's clocks; an end that is a date includes that day."""

    begins: str
    ends: str
    reason: str
    time_zone: str = "UTC"


Window = CronWindow | DateWindow


class Spec(msgspec.Struct, frozen=True):
    """One release, as asked for. Percentages are of requests; None means: choose what suits the workload."""

    namespace: str
    service: str
    version: str | None = None
    images: tuple[Image, ...] = ()
    deployment: str | None = None
    naming: Naming | None = None
    capacity: Capacity = Capacity.SWAP
    steps: tuple[StepSpec, ...] | None = None
    adapt: bool = False  # take the nearest reachable shares instead of refusing
    bake_seconds: float = 60.0  # of steps that do not say their own
    ready_deadline_seconds: float = 300.0
    smoke: Smoke | None = None
    on_failure: OnFailure = OnFailure.REVERT
    hold_deadline_seconds: float = 3600.0
    interrupt: Interrupt = Interrupt.REVERT
    keep_previous: bool = False
    config: Config = Config.SHARED
    freeze: tuple[Window, ...] = ()
    during_freeze: str | None = None  # a person's reason to begin inside a freeze window; never from a file
    replicas_when_new: int = 1
    revive: bool = False  # the version was kept: its Deployment is to serve again as it is, if it is still there

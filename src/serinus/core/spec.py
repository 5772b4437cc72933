"""What the user asked for, as frozen types. `plan.py` turns it into steps for the workload that is there today."""

import enum

import msgspec

VERSION_LABEL = "version"
"""The Service's metadata label that names the version in production: the convention of the Codefresh step."""

RELEASE_LABEL = "serinus.dev/release"
"""Ours: in the canary's selector and pod template. It names a release, so it stays true after promotion."""

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


class Spec(msgspec.Struct, frozen=True):
    """One release, as asked for. Percentages are of requests; None means: choose what suits the workload."""

    namespace: str
    service: str
    version: str | None = None
    images: tuple[Image, ...] = ()
    deployment: str | None = None
    naming: Naming | None = None
    steps_percent: tuple[int, ...] | None = None
    adapt: bool = False  # take the nearest reachable shares instead of refusing
    bake_seconds: float = 60.0
    ready_deadline_seconds: float = 300.0
    smoke: Smoke | None = None
    keep_previous: bool = False
    replicas_when_new: int = 1
    revive: bool = False  # the version was kept: its Deployment is to serve again as it is, if it is still there

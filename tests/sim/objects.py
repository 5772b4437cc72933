"""The cluster's objects, as far as a rollout can tell them apart: frozen, replaced at every change.

A pod template is a string: "v1" is production's, "v2" the release's; what someone edits gets a suffix, as in "v1~1".
"""

import msgspec

from serinus.core.record import Command, Record

DEPLOYMENT, REPLICASET, POD, SLICE, SERVICE, HPA, RECORD, CONFIG = (
    "deployment",
    "replicaset",
    "pod",
    "slice",
    "service",
    "hpa",
    "record",
    "config",
)
KINDS = (DEPLOYMENT, REPLICASET, POD, SLICE, SERVICE, HPA, RECORD, CONFIG)
EVERYTHING, OLD_ONLY, NOTHING = "everything", "old only", "nothing"
"""What the Service's selector selects: as it should be, or as someone edited it."""


class Deployment(msgspec.Struct, frozen=True):
    name: str
    uid: str
    replicas: int
    template: str
    max_surge: int | str | None = "25%"
    paused: bool = False
    generation: int = 1
    observed: int = 0
    ready: int = 0  # status.readyReplicas
    deleting: bool = False  # with its pods left as orphans
    annotated: int = 0  # bumped with everything else that is not in the spec
    veto: str = ""
    writer: str = ""
    refused: str = ""  # what the quota says

    @property
    def surge(self) -> int:
        """maxSurge in pods."""
        return self.max_surge if isinstance(self.max_surge, int) else -(-self.replicas // 4)

    @property
    def unavailable(self) -> int:
        """maxUnavailable in pods: 25 %, rounded down; 1 where both would be 0."""
        return max(self.replicas // 4, 0 if self.surge else 1)


class ReplicaSet(msgspec.Struct, frozen=True):
    name: str
    template: str
    owner: str | None
    replicas: int
    revision: int = 1
    desired: int = 0  # the Deployment's size when it was last scaled, and
    maximum: int = 0  # that with maxSurge: the controller's annotations


class Pod(msgspec.Struct, frozen=True):
    name: str
    template: str
    owner: str  # the ReplicaSet's name; empty: the probe
    ready: bool = False
    deleting: bool = False
    phase: str = "Pending"
    restarts: int = 0
    exit_code: int | None = None  # of the container that ended and has not been restarted
    ended: str = ""  # how its last run ended
    waiting: str = ""
    message: str = ""
    unschedulable: str = ""
    failed: str = ""


class Slice(msgspec.Struct, frozen=True):
    name: str
    ready: frozenset[str]


class Service(msgspec.Struct, frozen=True):
    name: str
    version: str | None
    selects: str = EVERYTHING


class Hpa(msgspec.Struct, frozen=True):
    name: str
    min_replicas: int | None
    behavior: str | None
    target: str


class Saving(msgspec.Struct, frozen=True):
    """The ConfigMap of the record."""

    name: str
    record: Record
    command: Command | None = None


class ConfigObject(msgspec.Struct, frozen=True):
    """A copy of a ConfigMap that some release has made."""

    name: str
    uid: str


Object = Deployment | ReplicaSet | Pod | Slice | Service | Hpa | Saving | ConfigObject

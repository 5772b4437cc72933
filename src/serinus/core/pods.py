"""What is known of pods: facts as the kubelet reported them. Read from raw objects by `kube/read.py`."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto


class Track(Enum):
    """Whose pod it is."""

    STABLE = auto()
    CANARY = auto()
    PROBE = auto()  # the canary's version, out of the Service, for smoke tests

    @property
    def is_canary(self) -> bool:
        """Whether the new version runs in it."""
        return self is not Track.STABLE


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended: the kubelet's reason and message, and the exit code."""

    reason: str
    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Container:
    """One container's status. `waiting_reason` and `waiting_message` are empty unless it waits."""

    name: str
    image: str
    restarts: int
    running: bool
    waiting_reason: str = ""
    waiting_message: str = ""
    ended: Ended | None = None  # it is not running now, and this is how it ended
    last_ended: Ended | None = None  # how its previous run ended

    @property
    def times_ended(self) -> int:
        """Runs that came to an end: the restarts, and the one that has not been restarted yet."""
        return self.restarts + (1 if self.ended is not None else 0)


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod. `serving`: ready, and listed as ready by the Service's EndpointSlices."""

    name: str
    track: Track
    phase: str
    ready: bool
    serving: bool
    deleting: bool
    containers: tuple[Container, ...]
    unschedulable: str = ""  # the scheduler's message, while it finds no node
    failed_reason: str = ""  # of a pod that failed as a whole, such as Evicted
    failed_message: str = ""
    ip: str = ""
    started: datetime | None = None  # when its node took it up
    uid: str = ""

"""The states of a container, and how the API writes them."""

from dataclasses import dataclass
from typing import assert_never

from serinus.sandbox.kubelet.clock import api_time
from serinus.sandbox.rest import Raw


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not running: `reason` is one of the kubelet's words, such as ImagePullBackOff."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """`started_at` in seconds since 1970."""

    started_at: float


@dataclass(frozen=True, slots=True)
class Terminated:
    """How a run ended; times in seconds since 1970."""

    reason: str
    exit_code: int
    started_at: float
    finished_at: float
    container_id: str
    signal: int = 0
    message: str = ""


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """One container at one moment. `is_sidecar`: an init container that goes on running beside the others."""

    name: str
    image: str
    state: State
    last: Terminated | None = None
    restart_count: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""
    is_sidecar: bool = False

    def raw(self) -> Raw:
        """As it stands in a Pod's status."""
        raw: Raw = {
            "name": self.name,
            "image": self.image,
            "imageID": f"sandbox://{self.image}" if self.container_id else "",
            "state": _raw_state(self.state),
            "lastState": {} if self.last is None else _raw_state(self.last),
            "restartCount": self.restart_count,
            "ready": self.ready,
            "started": self.started,
        }
        return raw | ({"containerID": self.container_id} if self.container_id else {})


def _raw_state(state: State) -> Raw:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        case Running(started_at):
            return {"running": {"startedAt": api_time(started_at)}}
        case Terminated():
            raw: Raw = {
                "reason": state.reason,
                "exitCode": state.exit_code,
                "startedAt": api_time(state.started_at),
                "finishedAt": api_time(state.finished_at),
                "containerID": state.container_id,
            }
            raw |= {"signal": state.signal} if state.signal else {}
            return {"terminated": raw | ({"message": state.message} if state.message else {})}
    assert_never(state)

"""The pods gate: what the kubelet says of the canary's pods, beside what it says of production's.

A sign counts only against the canary when production does not show it as well: a container that ends on both tracks
is the world's trouble, and UNSURE. Pods that were evicted or whose node was lost are nobody's fault.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from serinus.core.pods import Container, Ended, Pod, Track
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.turn import Judgement, Verdict

PULL_FAILED = frozenset({"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"})
FIRST_PULL_FAILED = "ErrImagePull"
PULL_CANNOT_SUCCEED = ("not found", "denied", "unauthorized", "forbidden", "manifest unknown", "does not exist")
"""In the message of a first failed pull: trying again would not help. Others may be a network that comes back."""
CANNOT_START = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"}
)


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of harm on one container of one pod."""

    reason: Reason
    pod: str
    container: str
    sentence: str
    lines: tuple[str, ...] = ()
    has_log: bool = False


@dataclass(frozen=True, slots=True)
class PodsJudgement:
    """The verdict, and the sign that decided it (for whoever fetches the container's log)."""

    verdict: Verdict
    sign: Sign | None = None

    def with_log(self, log_lines: Iterable[str]) -> Judgement:
        """The judgement for the machine, the log's end among its evidence."""
        if self.sign is None:
            return Judgement(self.verdict)
        lines = (*self.sign.lines, *(f"log: {line}" for line in log_lines))
        return Judgement(self.verdict, self.sign.reason, Evidence(self.sign.sentence, lines))


def judge_pods(pods: Iterable[Pod], ended_before: Mapping[str, int]) -> PodsJudgement:
    """Judge the canary's pods.

    `ended_before` is, by pod name, how often production's containers had ended when the rollout began: old restarts
    are not held against anyone. PASS needs canary pods, all ready, none with a sign.
    """
    pods = tuple(pods)
    canary = [pod for pod in pods if pod.track.is_canary and not pod.deleting and not pod.failed_reason]
    stable = [pod for pod in pods if pod.track is Track.STABLE]
    for sign in _signs_of_start(canary):
        return PodsJudgement(Verdict.FAIL, sign)
    worst = _worst_ended(canary)
    if worst is not None:
        harmed = _ends_per_pod(canary, {}) > _ends_per_pod(stable, ended_before)
        return PodsJudgement(Verdict.FAIL if harmed else Verdict.UNSURE, worst)
    all_ready = bool(canary) and all(pod.ready for pod in canary)
    return PodsJudgement(Verdict.PASS if all_ready else Verdict.UNSURE)


def _signs_of_start(pods: Iterable[Pod]) -> Iterable[Sign]:
    for pod in pods:
        for container in pod.containers:
            sign = _sign_of_waiting(pod, container)
            if sign is not None:
                yield sign


def _sign_of_waiting(pod: Pod, container: Container) -> Sign | None:
    reason, message = container.waiting_reason, container.waiting_message
    hopeless = any(word in message.lower() for word in PULL_CANNOT_SUCCEED)
    if reason in PULL_FAILED or (reason == FIRST_PULL_FAILED and hopeless):
        sentence = f"image {container.image} of pod {pod.name} cannot be pulled ({reason})"
        return Sign(Reason.IMAGE_UNPULLABLE, pod.name, container.name, sentence, _kubelet(message))
    if reason in CANNOT_START:
        sentence = f"container {container.name} of pod {pod.name} cannot be started ({reason})"
        return Sign(Reason.CONTAINER_CANNOT_START, pod.name, container.name, sentence, _kubelet(message))
    return None


def _worst_ended(pods: Iterable[Pod]) -> Sign | None:
    """The container that ended most often, if any did."""
    ended = [(pod, container) for pod in pods for container in pod.containers if container.times_ended > 0]
    if not ended:
        return None
    pod, container = max(ended, key=lambda pair: pair[1].times_ended)
    last = container.ended or container.last_ended or Ended("Unknown", "", -1)
    reason = _reason_of_end(container, last)
    times = "once" if container.times_ended == 1 else f"{container.times_ended} times"
    how = f"exit code {last.exit_code} ({last.reason})"
    sentence = f"container {container.name} of pod {pod.name} ended {times}, last with {how}"
    lines = (*_kubelet(last.message), *_kubelet(container.waiting_message))
    return Sign(reason, pod.name, container.name, sentence, lines, has_log=True)


def _reason_of_end(container: Container, last: Ended) -> Reason:
    if last.reason == "OOMKilled":
        return Reason.OOM_KILLED
    if container.waiting_reason == "CrashLoopBackOff" or container.times_ended > 1:
        return Reason.CRASH_LOOP
    return Reason.CRASHED


def _ends_per_pod(pods: Iterable[Pod], before: Mapping[str, int]) -> float:
    """How often containers ended since the start, per pod."""
    counts = [sum(c.times_ended for c in pod.containers) - before.get(pod.name, 0) for pod in pods]
    return sum(counts) / len(counts) if counts else 0.0


def _kubelet(message: str) -> tuple[str, ...]:
    return (f"kubelet: {message}",) if message else ()


def why_not_ready(pods: Iterable[Pod], creation_refused: str) -> Judgement:
    """What keeps the share from being reached, for the day its deadline passes.

    `creation_refused` is the ReplicaFailure message of the canary's Deployment, empty when it has none.
    """
    pods = tuple(pods)
    canary = [pod for pod in pods if pod.track.is_canary and not pod.deleting]
    for pod in canary:
        if pod.unschedulable:
            sentence = f"pod {pod.name} cannot be scheduled"
            return _fail(Reason.UNSCHEDULABLE, sentence, (f"scheduler: {pod.unschedulable}",))
    if creation_refused:
        return _fail(Reason.PODS_REFUSED, Reason.PODS_REFUSED.value, (creation_refused,))
    unready = [pod for pod in canary if not pod.serving and not (pod.track is Track.PROBE and pod.ready)]
    if canary and not unready:
        return _fail(Reason.STABLE_NOT_READY, Reason.STABLE_NOT_READY.value)
    lines = tuple(line for pod in unready[:3] for line in _state_of(pod))
    return _fail(Reason.NEVER_READY, f"{len(unready)} of {len(canary)} canary pods not ready by the deadline", lines)


def _state_of(pod: Pod) -> tuple[str, ...]:
    if not pod.containers:
        return (f"pod {pod.name}: {pod.phase}",)
    return tuple(
        f"pod {pod.name}, container {c.name}: "
        + (f"{c.waiting_reason} {c.waiting_message}".strip() if c.waiting_reason else _run_state(c))
        for c in pod.containers
    )


def _run_state(container: Container) -> str:
    return "running, but its readiness probe does not pass" if container.running else "not running"


def _fail(reason: Reason, sentence: str, lines: tuple[str, ...] = ()) -> Judgement:
    return Judgement(Verdict.FAIL, reason, Evidence(sentence, lines))

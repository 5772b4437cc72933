"""A Pod's status out of the states of its containers. Pure: no clock, no API."""

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.sandbox.kubelet.states import ContainerStatus, Running, Terminated, Waiting
from serinus.sandbox.rest import Raw

OWN_CONDITIONS = ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What a status is made of. `raw_previous_conditions` are those last written, for their transition times."""

    raw_pod: Raw
    init: Sequence[ContainerStatus]
    app: Sequence[ContainerStatus]
    pod_ip: str
    host_ip: str
    started_at: str
    raw_previous_conditions: Sequence[Raw]


def pod_status(facts: PodFacts, now: str) -> Raw:
    """The status to write at the time `now`; only the kubelet's own conditions are in it."""
    phase = _phase(facts)
    return {
        "phase": phase,
        "conditions": _conditions(facts, phase, now),
        "hostIP": facts.host_ip,
        "hostIPs": [{"ip": facts.host_ip}],
        "podIP": facts.pod_ip,
        "podIPs": [{"ip": facts.pod_ip}],
        "startTime": facts.started_at,
        "initContainerStatuses": [status.raw() for status in facts.init],
        "containerStatuses": [status.raw() for status in facts.app],
    }


def _phase(facts: PodFacts) -> str:
    policy = facts.raw_pod["spec"].get("restartPolicy", "Always")
    if any(policy == "Never" and _failed(status) for status in facts.init if not status.is_sidecar):
        return "Failed"
    if _incomplete(facts.init):
        return "Pending"
    if any(isinstance(status.state, Waiting) and status.last is None for status in facts.app):
        return "Pending"
    if policy == "Always" or not all(isinstance(status.state, Terminated) for status in facts.app):
        return "Running"
    if not any(_failed(status) for status in facts.app):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _failed(status: ContainerStatus) -> bool:
    return isinstance(status.state, Terminated) and status.state.exit_code != 0


def _incomplete(init: Sequence[ContainerStatus]) -> list[str]:
    """The init containers that hold the others back."""
    return [
        status.name
        for status in init
        if (not status.started if status.is_sidecar else not isinstance(status.state, Terminated) or _failed(status))
    ]


def _conditions(facts: PodFacts, phase: str, now: str) -> list[Raw]:
    done = phase in ("Succeeded", "Failed")
    incomplete = _incomplete(facts.init)
    initialized = ("ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]")
    unready = [status.name for status in (*_sidecars(facts.init), *facts.app) if not status.ready]
    containers = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]") if unready else None
    if done:
        containers = ("PodCompleted", "")
    sandboxed = any(isinstance(status.state, Running) for status in (*facts.init, *facts.app))
    faults = {
        "PodScheduled": None,
        "PodReadyToStartContainers": None if sandboxed or not done else ("", ""),
        "Initialized": initialized if incomplete else None,
        "ContainersReady": containers,
        "Ready": containers or _closed_gates(facts.raw_pod),
    }
    previous = {condition["type"]: condition for condition in facts.raw_previous_conditions}
    return [_condition(name, fault, previous.get(name), now) for name, fault in faults.items()]


def _sidecars(init: Sequence[ContainerStatus]) -> list[ContainerStatus]:
    return [status for status in init if status.is_sidecar]


def _closed_gates(raw_pod: Raw) -> tuple[str, str] | None:
    """Why the pod's readiness gates, which others open, keep it from being ready."""
    conditions = {condition["type"]: condition["status"] for condition in raw_pod["status"].get("conditions") or []}
    messages = []
    for gate in raw_pod["spec"].get("readinessGates") or []:
        name = gate["conditionType"]
        if name not in conditions:
            messages.append(f'corresponding condition of pod readiness gate "{name}" does not exist.')
        elif conditions[name] != "True":
            messages.append(f'the status of pod readiness gate "{name}" is not "True", but {conditions[name]}')
    return ("ReadinessGatesNotReady", ", ".join(messages)) if messages else None


def _condition(name: str, fault: tuple[str, str] | None, previous: Raw | None, now: str) -> Raw:
    status = "True" if fault is None else "False"
    kept = previous is not None and previous["status"] == status
    condition: Raw = {
        "type": name,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": previous["lastTransitionTime"] if previous is not None and kept else now,
    }
    reason, message = fault or ("", "")
    for key, text in (("reason", reason), ("message", message)):
        if text:
            condition[key] = text
        elif previous is not None and key in previous:
            condition[key] = None  # a merge by type would otherwise leave the outdated text standing
    return condition

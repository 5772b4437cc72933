"""What `kubectl get` prints: the cells of Tables."""

from typing import Any

import pytest

from serinus.sandbox.api.kinds import DEPLOYMENT, ENDPOINT_SLICE, EVENT, HPA, JOB, NODE, PDB, SERVICE, Kind, Raw
from serinus.sandbox.api.table_cells import pod_cells, short_duration
from serinus.sandbox.api.tables import table


def _cells(kind: Kind, raw: Raw) -> dict[str, Any]:
    """The cells of one object by column."""
    raw["metadata"] |= {"uid": "u", "creationTimestamp": None}
    made = table(kind, [raw], {}, "Metadata")
    names = [column["name"] for column in made["columnDefinitions"]]
    return dict(zip(names, made["rows"][0]["cells"], strict=True))


def _pod(status: Raw, *, leaving: bool = False, init: int = 0) -> Raw:
    metadata: Raw = {"name": "p"} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {})
    containers = [{"name": "a"}, {"name": "b"}]
    return {"metadata": metadata, "spec": {"containers": containers, "initContainers": [{}] * init}, "status": status}


def _state(ready: bool = False, restarts: int = 0, **state: Any) -> Raw:
    return {"name": "a", "ready": ready, "restartCount": restarts, "state": state}


@pytest.mark.parametrize(
    ("pod", "ready", "status"),
    [
        (_pod({"phase": "Pending"}), "0/2", "Pending"),
        (_pod({"phase": "Running", "containerStatuses": [_state(True, running={})] * 2}), "2/2", "Running"),
        (
            _pod({"phase": "Running", "containerStatuses": [_state(waiting={"reason": "CrashLoopBackOff"})]}),
            "0/2",
            "CrashLoopBackOff",
        ),
        (
            _pod({"phase": "Pending", "containerStatuses": [_state(waiting={"reason": "ErrImagePull"})]}),
            "0/2",
            "ErrImagePull",
        ),
        (
            _pod({"phase": "Running", "containerStatuses": [_state(terminated={"reason": "OOMKilled"})]}),
            "0/2",
            "OOMKilled",
        ),
        (_pod({"phase": "Failed", "containerStatuses": [_state(terminated={"exitCode": 3})]}), "0/2", "ExitCode:3"),
        (_pod({"phase": "Failed", "containerStatuses": [_state(terminated={"signal": 9})]}), "0/2", "Signal:9"),
        (_pod({"phase": "Failed", "reason": "Evicted"}), "0/2", "Evicted"),
        (_pod({"phase": "Running"}, leaving=True), "0/2", "Terminating"),
        (_pod({"phase": "Pending", "initContainerStatuses": [_state(running={})]}, init=2), "0/2", "Init:0/2"),
        (
            _pod({"phase": "Pending", "initContainerStatuses": [_state(waiting={"reason": "Error"})]}, init=1),
            "0/2",
            "Init:Error",
        ),
    ],
)
def test_the_status_of_a_pod(pod: Raw, ready: str, status: str) -> None:
    assert pod_cells(pod)[1:3] == [ready, status]


def test_restarts_say_when_the_last_one_was() -> None:
    state = _state(True, 3, running={})
    assert pod_cells(_pod({"containerStatuses": [state]}))[3] == "3"
    state["lastState"] = {"terminated": {"finishedAt": "2000-01-01T00:00:00Z"}}
    assert pod_cells(_pod({"containerStatuses": [state, _state(restarts=1)]}))[3].startswith("4 (")


def test_a_deployment() -> None:
    raw: Raw = {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"b": "2", "a": "1"}},
            "template": {"spec": {"containers": [{"name": "x", "image": "i:1"}, {"name": "y", "image": "j:2"}]}},
        },
        "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
    }
    cells = _cells(DEPLOYMENT, raw)
    assert (cells["Ready"], cells["Up-to-date"], cells["Available"]) == ("2/3", 1, 2)
    assert (cells["Containers"], cells["Images"], cells["Selector"]) == ("x,y", "i:1,j:2", "a=1,b=2")


def test_a_service_and_its_endpoints() -> None:
    ports = [{"port": 80, "protocol": "TCP"}, {"port": 81, "nodePort": 30081, "protocol": "TCP"}]
    spec = {"type": "NodePort", "clusterIP": "127.96.0.1", "ports": ports, "selector": {"a": "b"}}
    cells = _cells(SERVICE, {"metadata": {"name": "web"}, "spec": spec})
    assert (cells["Port(s)"], cells["External-IP"], cells["Selector"]) == ("80/TCP,81:30081/TCP", "<none>", "a=b")
    endpoints = [{"addresses": [f"10.0.0.{number}"]} for number in range(5)]
    raw: Raw = {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": endpoints, "ports": [{"port": 80}]}
    cells = _cells(ENDPOINT_SLICE, raw)
    assert (cells["Endpoints"], cells["Ports"]) == ("10.0.0.0,10.0.0.1,10.0.0.2 + 2 more...", "80")


def test_an_event_a_node_a_job() -> None:
    event: Raw = {"metadata": {"name": "e"}, "type": "Warning", "reason": "BackOff", "message": "waits\n"}
    cells = _cells(EVENT, event | {"involvedObject": {"kind": "Pod", "name": "p"}, "count": 4})
    assert (cells["Object"], cells["Message"], cells["Count"]) == ("pod/p", "waits", 4)
    node: Raw = {"metadata": {"name": "n"}, "spec": {"unschedulable": True}, "status": {"conditions": []}}
    node["status"]["conditions"].append({"type": "Ready", "status": "True"})
    assert _cells(NODE, node)["Status"] == "Ready,SchedulingDisabled"
    job: Raw = {"metadata": {"name": "j"}, "spec": {"completions": 2, "template": {"spec": {"containers": []}}}}
    done = {"succeeded": 2, "conditions": [{"type": "Complete", "status": "True"}]}
    cells = _cells(JOB, job | {"status": done})
    assert (cells["Status"], cells["Completions"]) == ("Complete", "2/2")


def test_scaling_and_disruption() -> None:
    target = {"type": "Utilization", "averageUtilization": 80}
    spec = {
        "minReplicas": 1,
        "maxReplicas": 5,
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    cells = _cells(HPA, {"metadata": {"name": "h"}, "spec": spec})
    assert (cells["Reference"], cells["Targets"]) == ("Deployment/web", "cpu: <unknown>/80%")
    cells = _cells(
        PDB, {"metadata": {"name": "b"}, "spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 2}}
    )
    assert (cells["Min Available"], cells["Max Unavailable"], cells["Allowed Disruptions"]) == ("50%", "N/A", 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (119, "119s"),
        (120, "2m"),
        (185, "3m5s"),
        (3599, "59m"),
        (3 * 3600 + 60, "3h1m"),
        (30 * 3600, "30h"),
        (3 * 86400 + 7200, "3d2h"),
        (30 * 86400, "30d"),
        (900 * 86400, "2y170d"),
    ],
)
def test_ages_are_short(seconds: int, text: str) -> None:
    assert short_duration(seconds) == text

"""What `kubectl get` prints of an object: the texts of its cells, as the API server makes them for Tables."""

import datetime
from typing import Any

from serinus.sandbox.api.kinds import Raw

_NONE = "<none>"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 86400 * 365


def age(raw: Raw) -> str:
    return since(raw["metadata"].get("creationTimestamp"))


def since(moment: str | None) -> str:
    """How long ago, in the short form of kubectl: 12s, 5m3s, 2h, 4d."""
    if not moment:
        return "<unknown>"
    text = moment.split(".")[0].rstrip("Z")
    then = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.UTC)
    return short_duration((datetime.datetime.now(datetime.UTC) - then).total_seconds())


def short_duration(seconds_exact: float) -> str:
    seconds = max(0, int(seconds_exact))
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    return f"{seconds // _DAY}d" if seconds < 2 * _YEAR else _two(seconds, _YEAR, "y", _DAY, "d")


def _two(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large}{large_unit}" + (f"{rest}{small_unit}" if rest else "")


def joined(parts: list[str]) -> str:
    return ",".join(parts) or _NONE


def labels_text(labels: Raw | None) -> str:
    return joined([f"{key}={value}" for key, value in sorted((labels or {}).items())])


def selector_text(selector: Raw | None) -> str:
    """A LabelSelector in one line."""
    selector = selector or {}
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    expressions = selector.get("matchExpressions") or []
    parts += [
        f"{each['key']} {each['operator'].lower()} ({','.join(each.get('values') or [])})" for each in expressions
    ]
    return joined(parts)


def pod_cells(raw: Raw) -> list[Any]:
    """Name, ready, status, restarts, age, and the wide columns."""
    spec, status = raw["spec"], raw.get("status") or {}
    states = status.get("containerStatuses") or []
    ready = sum(1 for each in states if each.get("ready") and "running" in (each.get("state") or {}))
    return [
        raw["metadata"]["name"],
        f"{ready}/{len(spec['containers'])}",
        _pod_status(raw, status, states),
        _restarts(states),
        age(raw),
        status.get("podIP") or _NONE,
        spec.get("nodeName") or _NONE,
        status.get("nominatedNodeName") or _NONE,
        _NONE,
    ]


def _pod_status(raw: Raw, status: Raw, states: list[Raw]) -> str:
    text = status.get("reason") or status.get("phase") or "Unknown"
    waits_for_init = _init_status(raw, status)
    if waits_for_init is not None:
        text = waits_for_init
    else:
        running = any(each.get("ready") and "running" in (each.get("state") or {}) for each in states)
        for each in reversed(states):
            text = _container_status(each.get("state") or {}) or text
        if text == "Completed" and running:
            ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or [])
            text = "Running" if ready else "NotReady"
    if raw["metadata"].get("deletionTimestamp") and status.get("phase") not in ("Failed", "Succeeded"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return text


def _container_status(state: Raw) -> str | None:
    waiting, terminated = state.get("waiting") or {}, state.get("terminated")
    if waiting.get("reason"):
        return str(waiting["reason"])
    if terminated is None:
        return None
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _init_status(raw: Raw, status: Raw) -> str | None:
    """`Init:0/2` and kin while init containers run; None once they are through."""
    states = status.get("initContainerStatuses") or []
    for place, each in enumerate(states):
        state = each.get("state") or {}
        terminated = state.get("terminated")
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if terminated is None and each.get("started") and _is_sidecar(raw, each["name"]):
            continue
        reason = _container_status(state)
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{place}/{len(raw['spec'].get('initContainers') or [])}"
    return None


def _is_sidecar(raw: Raw, name: str) -> bool:
    containers = raw["spec"].get("initContainers") or []
    return any(each["name"] == name and each.get("restartPolicy") == "Always" for each in containers)


def _restarts(states: list[Raw]) -> str:
    count = sum(each.get("restartCount", 0) for each in states)
    ends = [((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for each in states]
    latest = max((end for end in ends if end), default=None)
    return f"{count} ({since(latest)} ago)" if count and latest else str(count)


def workload_wide(raw: Raw) -> list[Any]:
    """Containers, images, selector."""
    containers = raw["spec"].get("template", {}).get("spec", {}).get("containers") or []
    return [
        ",".join(each["name"] for each in containers),
        ",".join(each.get("image", "") for each in containers),
        selector_text(raw["spec"].get("selector")),
    ]


def deployment_cells(raw: Raw) -> list[Any]:
    spec, status = raw["spec"], raw.get("status") or {}
    return [
        raw["metadata"]["name"],
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(raw),
        *workload_wide(raw),
    ]


def replica_set_cells(raw: Raw) -> list[Any]:
    spec, status = raw["spec"], raw.get("status") or {}
    counts = [spec.get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [raw["metadata"]["name"], *counts, age(raw), *workload_wide(raw)]


def service_cells(raw: Raw) -> list[Any]:
    spec = raw["spec"]
    external: list[str] = [str(each.get("ip") or each.get("hostname")) for each in _ingress(raw)]
    external = external or spec.get("externalIPs") or []
    if spec["type"] == "ExternalName":
        external = [spec.get("externalName", "")]
    pending = "<pending>" if spec["type"] == "LoadBalancer" else _NONE
    return [
        raw["metadata"]["name"],
        spec["type"],
        spec.get("clusterIP") or _NONE,
        ",".join(external) or pending,
        joined([_service_port(port) for port in spec.get("ports") or []]),
        age(raw),
        labels_text(spec.get("selector")),
    ]


def _ingress(raw: Raw) -> list[Raw]:
    return (raw.get("status") or {}).get("loadBalancer", {}).get("ingress") or []


def _service_port(port: Raw) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node}/{port.get('protocol', 'TCP')}"


def endpoint_slice_cells(raw: Raw) -> list[Any]:
    ports = [str(port.get("port", "*")) for port in raw.get("ports") or []]
    addresses = [address for each in raw.get("endpoints") or [] for address in each.get("addresses") or []]
    shown = ",".join(addresses[:3]) + (f" + {len(addresses) - 3} more..." if len(addresses) > 3 else "")
    unset = "<unset>"
    return [raw["metadata"]["name"], raw.get("addressType"), ",".join(ports) or unset, shown or unset, age(raw)]


def config_map_cells(raw: Raw) -> list[Any]:
    return [raw["metadata"]["name"], len(raw.get("data") or {}) + len(raw.get("binaryData") or {}), age(raw)]


def secret_cells(raw: Raw) -> list[Any]:
    return [raw["metadata"]["name"], raw.get("type", ""), len(raw.get("data") or {}), age(raw)]


def event_cells(raw: Raw) -> list[Any]:
    """Last seen, type, reason, object, subobject, source, message, first seen, count, name."""
    involved, source = raw.get("involvedObject") or {}, raw.get("source") or {}
    series = raw.get("series") or {}
    last = series.get("lastObservedTime") or raw.get("lastTimestamp") or raw.get("eventTime")
    first = raw.get("firstTimestamp") or raw.get("eventTime")
    where = source.get("component") or raw.get("reportingComponent") or ""
    return [
        since(last or first),
        raw.get("type", ""),
        raw.get("reason", ""),
        f"{involved.get('kind', '').lower()}/{involved.get('name', '')}",
        involved.get("fieldPath", ""),
        where + (f", {source['host']}" if source.get("host") else ""),
        raw.get("message", "").strip(),
        since(first),
        series.get("count") or raw.get("count") or 1,
        raw["metadata"]["name"],
    ]


def node_cells(raw: Raw) -> list[Any]:
    status = raw.get("status") or {}
    ready = next((each["status"] for each in status.get("conditions") or [] if each["type"] == "Ready"), None)
    state = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    if (raw.get("spec") or {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = raw["metadata"].get("labels") or {}
    roles = sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))
    info = status.get("nodeInfo") or {}
    addresses = {each["type"]: each["address"] for each in status.get("addresses") or []}
    return [
        raw["metadata"]["name"],
        state,
        joined(roles),
        age(raw),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", _NONE),
        addresses.get("ExternalIP", _NONE),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def namespace_cells(raw: Raw) -> list[Any]:
    return [raw["metadata"]["name"], (raw.get("status") or {}).get("phase", ""), age(raw)]


def lease_cells(raw: Raw) -> list[Any]:
    return [raw["metadata"]["name"], (raw.get("spec") or {}).get("holderIdentity") or "", age(raw)]


def plain_cells(raw: Raw) -> list[Any]:
    return [raw["metadata"]["name"], age(raw)]

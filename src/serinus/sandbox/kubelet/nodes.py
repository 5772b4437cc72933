"""The Node objects of a kubelet: made once, ready, with room for pods."""

import platform

from serinus.sandbox.kubelet.clock import api_time
from serinus.sandbox.kubelet.settings import NodeSettings, Settings
from serinus.sandbox.rest import MERGE, Api, ApiError, Raw

KUBELET_VERSION = "v1.36.3"


async def register_node(api: Api, node: NodeSettings, settings: Settings) -> None:
    """Create the Node, or take over the one that is there; then report it ready. Raises ApiError."""
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
    }
    raw_node: Raw = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels | node.labels},
    }
    try:
        created = await api.call("POST", "/api/v1/nodes", raw_node | {"spec": {}})
        if (created.get("spec") or {}).get("taints"):
            # The API server marks a new node "not-ready"; the controller that takes that back does not run here.
            await api.call("PATCH", f"/api/v1/nodes/{node.name}", {"spec": {"taints": None}}, MERGE)
    except ApiError as error:
        if error.status != 409:
            raise
    status = {"status": node_status(node, settings, api_time())}
    await api.call("PATCH", f"/api/v1/nodes/{node.name}/status", status, MERGE)


def node_status(node: NodeSettings, settings: Settings, now: str) -> Raw:
    """What a healthy kubelet reports of its node at the time `now`."""
    room = {"cpu": node.cpu, "memory": node.memory, "pods": str(node.pods)}
    good = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    conditions = [
        {"type": kind, "status": status, "reason": reason, "message": message} | times
        for kind, status, reason, message in good
    ]
    # No Hostname: an API server that finds one resolves it by DNS, in preference to the address that works.
    addresses = [{"type": "InternalIP", "address": settings.node_address}]
    return {
        "capacity": room,
        "allocatable": room,
        "conditions": conditions,
        "addresses": addresses,
        "nodeInfo": {
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kernelVersion": platform.release(),
            "osImage": "Serinus sandbox (pods are processes)",
            "containerRuntimeVersion": "sandbox://1",
            "kubeletVersion": KUBELET_VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": platform.machine(),
        },
    } | ({"daemonEndpoints": {"kubeletEndpoint": {"Port": settings.endpoint_port}}} if settings.endpoint_port else {})

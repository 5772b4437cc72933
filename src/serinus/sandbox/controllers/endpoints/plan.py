"""The EndpointSlices a Service should have, given its pods and the slices that are there. Pure. IPv4 only."""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from serinus.sandbox.controllers.objects import (
    controller_reference,
    copied,
    creation_order,
    is_deleting,
    labels_of,
    owners_of,
    pod_is_ready,
    pod_is_terminal,
    uid_of,
)
from serinus.sandbox.rest import Raw

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGER_LABEL = "endpointslice.kubernetes.io/managed-by"
HEADLESS_LABEL = "service.kubernetes.io/headless"
MANAGER = "endpointslice-controller.k8s.io"
ENDPOINTS_MAX = 100
"""Endpoints in one slice."""

_RESERVED = frozenset({SERVICE_LABEL, MANAGER_LABEL, HEADLESS_LABEL})


@dataclass(frozen=True, slots=True)
class SliceChanges:
    """Slices to create come without a name."""

    create: list[Raw] = field(default_factory=list)
    update: list[Raw] = field(default_factory=list)
    delete: list[Raw] = field(default_factory=list)


def plan_slices(service: Raw, pods: Iterable[Raw], slices: Iterable[Raw]) -> SliceChanges:
    """`pods` are those the Service selects; `slices` those that carry its name and our mark."""
    changes = SliceChanges()
    mine: dict[str, list[Raw]] = {}
    present = sorted(slices, key=creation_order)
    for item in present:
        if _is_mine(service, item):
            mine.setdefault(_text(item.get("ports") or []), []).append(item)
        else:
            changes.delete.append(item)
    wanted = _endpoints_by_ports(service, pods)
    for ports, endpoints in wanted.items():
        _fill(service, json.loads(ports), endpoints, mine.pop(ports, []), changes)
    placeholder = new_slice(service, [], [])
    for item in [item for items in mine.values() for item in items]:
        keeps_place = len(present) == 1 and not wanted and _is_same(item, placeholder)
        if not keeps_place:
            changes.delete.append(item)
    if len(changes.delete) == len(present) and not changes.create:
        changes.create.append(placeholder)  # a Service has a slice even while nothing is behind it
    return _reusing(service, changes)


def _reusing(service: Raw, changes: SliceChanges) -> SliceChanges:
    """Turn a slice to be deleted into one to be created where possible: a watcher sees one change, never a gap."""
    left = list(changes.create)
    reused, kept = [], []
    for item in changes.delete:
        if not left or not _is_mine(service, item):
            kept.append(item)
            continue
        wanted, fresh = left.pop(0), copied(item)
        fresh["metadata"]["labels"] = wanted["metadata"]["labels"]
        fresh["ports"], fresh["endpoints"] = wanted["ports"], wanted["endpoints"]
        reused.append(fresh)
    return SliceChanges(left, [*changes.update, *reused], kept)


def _is_mine(service: Raw, item: Raw) -> bool:
    return item["addressType"] == "IPv4" and any(owner["uid"] == uid_of(service) for owner in owners_of(item))


def new_slice(service: Raw, ports: list[Raw], endpoints: list[Raw]) -> Raw:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{service['metadata']['name']}-",
            "namespace": service["metadata"]["namespace"],
            "labels": _labels(service),
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }


def endpoint_of(service: Raw, pod: Raw) -> Raw | None:
    """The endpoint that a pod is for a Service; None while it has no address, and once it has ended."""
    addresses = _addresses(pod)
    if pod_is_terminal(pod) or not addresses:
        return None
    serving, terminating = pod_is_ready(pod), is_deleting(pod)
    anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: Raw = {
        "addresses": addresses,
        "conditions": {
            "ready": anyway or (serving and not terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "targetRef": {
            "kind": "Pod",
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "uid": uid_of(pod),
        },
    }
    if pod["spec"].get("nodeName"):
        endpoint["nodeName"] = pod["spec"]["nodeName"]
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = pod["spec"]["hostname"]
    return endpoint


def ports_of(service: Raw, pod: Raw) -> list[Raw]:
    """The Service's ports as this pod serves them; a named port the pod does not have is left out."""
    ports = []
    for service_port in service["spec"].get("ports") or []:
        protocol = service_port.get("protocol") or "TCP"
        number = _pod_port(service_port, protocol, pod)
        if number is None:
            continue
        port = {"name": service_port.get("name") or "", "port": number, "protocol": protocol}
        if service_port.get("appProtocol"):
            port["appProtocol"] = service_port["appProtocol"]
        ports.append(port)
    return ports


def _pod_port(service_port: Raw, protocol: str, pod: Raw) -> int | None:
    target = service_port.get("targetPort") or service_port["port"]
    if not isinstance(target, str):
        return int(target)
    for container in pod["spec"].get("containers") or []:
        for port in container.get("ports") or []:
            if port.get("name") == target and (port.get("protocol") or "TCP") == protocol:
                return int(port["containerPort"])
    return None


def _addresses(pod: Raw) -> list[str]:
    status = pod.get("status") or {}
    found = [entry["ip"] for entry in status.get("podIPs") or []] or [status.get("podIP") or ""]
    return [text for text in found if text and ipaddress.ip_address(text).version == 4]


def _endpoints_by_ports(service: Raw, pods: Iterable[Raw]) -> dict[str, list[Raw]]:
    groups: dict[str, list[Raw]] = {}
    for pod in sorted(pods, key=creation_order):
        endpoint = endpoint_of(service, pod)
        if endpoint is not None:
            groups.setdefault(_text(ports_of(service, pod)), []).append(endpoint)
    return groups


def _fill(service: Raw, ports: list[Raw], wanted: list[Raw], slices: list[Raw], changes: SliceChanges) -> None:
    """Keep endpoints in the slice where they are, fill the gaps, then add slices; a slice left empty goes."""
    by_uid = {endpoint["targetRef"]["uid"]: endpoint for endpoint in wanted}
    contents = []
    for item in slices:
        uids = [endpoint.get("targetRef", {}).get("uid") for endpoint in item.get("endpoints") or []]
        contents.append([by_uid.pop(uid) for uid in uids if uid in by_uid])
    left = list(by_uid.values())
    for content in contents:
        room = ENDPOINTS_MAX - len(content)
        content += left[:room]
        left = left[room:]
    for item, content in zip(slices, contents, strict=True):
        fresh = copied(item)
        fresh["endpoints"], fresh["metadata"]["labels"] = content, _labels(service)
        if not content:
            changes.delete.append(item)
        elif not _is_same(item, fresh):
            changes.update.append(fresh)
    for start in range(0, len(left), ENDPOINTS_MAX):
        changes.create.append(new_slice(service, ports, left[start : start + ENDPOINTS_MAX]))


def _labels(service: Raw) -> dict[str, str]:
    labels = {name: text for name, text in labels_of(service).items() if name not in _RESERVED}
    if service["spec"].get("clusterIP") in (None, "", "None"):
        labels[HEADLESS_LABEL] = ""
    return {**labels, SERVICE_LABEL: service["metadata"]["name"], MANAGER_LABEL: MANAGER}


def _is_same(one: Raw, other: Raw) -> bool:
    same_labels = labels_of(one) == labels_of(other)
    return same_labels and all((one.get(name) or []) == (other.get(name) or []) for name in ("endpoints", "ports"))


def _text(ports: list[Raw]) -> str:
    return json.dumps(sorted(ports, key=lambda port: (port.get("name") or "", port["port"])), sort_keys=True)

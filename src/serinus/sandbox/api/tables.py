"""Tables: the form in which `kubectl get` asks for objects. Columns of each kind, and the frame around the cells."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from serinus.sandbox.api import table_cells as cells
from serinus.sandbox.api.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    HPA,
    JOB,
    LEASE,
    NAMESPACE,
    NODE,
    PDB,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Kind,
    Raw,
)

_WIDE = "+"
"""Starts the name of a column that only `-o wide` shows."""


class _View(NamedTuple):
    columns: tuple[str, ...]
    cells: Callable[[Raw], list[Any]]


def _horizontal_pod_autoscaler(raw: Raw) -> list[Any]:
    spec, status = raw["spec"], raw.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    return [
        raw["metadata"]["name"],
        f"{target.get('kind', '')}/{target.get('name', '')}",
        ", ".join(_metric(each, status) for each in spec.get("metrics") or []) or "<none>",
        str(spec.get("minReplicas", "<unset>")),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        cells.age(raw),
    ]


def _metric(metric: Raw, status: Raw) -> str:
    source = metric.get("resource") or {}
    if metric.get("type") != "Resource":
        return "<unknown>"
    target = source.get("target") or {}
    wanted = f"{target['averageUtilization']}%" if "averageUtilization" in target else target.get("averageValue", "")
    current = next(
        (
            each["resource"].get("current") or {}
            for each in status.get("currentMetrics") or []
            if (each.get("resource") or {}).get("name") == source.get("name")
        ),
        {},
    )
    used = f"{current['averageUtilization']}%" if "averageUtilization" in current else current.get("averageValue")
    return f"{source.get('name')}: {used or '<unknown>'}/{wanted}"


def _disruption_budget(raw: Raw) -> list[Any]:
    spec = raw["spec"]
    bounds = [str(spec.get(name, "N/A")) for name in ("minAvailable", "maxUnavailable")]
    allowed = (raw.get("status") or {}).get("disruptionsAllowed", 0)
    return [raw["metadata"]["name"], *bounds, allowed, cells.age(raw)]


def _job(raw: Raw) -> list[Any]:
    spec, status = raw["spec"], raw.get("status") or {}
    ended = {each["type"] for each in status.get("conditions") or [] if each["status"] == "True"}
    state = next((name for name in ("Complete", "Failed", "Suspended") if name in ended), "Running")
    wanted = spec.get("completions")
    done = f"{status.get('succeeded', 0)}/{wanted if wanted is not None else spec.get('parallelism', 1)}"
    duration = cells.since(status["startTime"]) if status.get("startTime") else ""
    return [raw["metadata"]["name"], state, done, duration, cells.age(raw), *cells.workload_wide(raw)]


_WORKLOAD_WIDE = ("+Containers", "+Images", "+Selector")
_VIEWS: dict[Kind, _View] = {
    POD: _View(
        ("Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"),
        cells.pod_cells,
    ),
    DEPLOYMENT: _View(("Name", "Ready", "Up-to-date", "Available", "Age", *_WORKLOAD_WIDE), cells.deployment_cells),
    REPLICA_SET: _View(("Name", "Desired", "Current", "Ready", "Age", *_WORKLOAD_WIDE), cells.replica_set_cells),
    SERVICE: _View(("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"), cells.service_cells),
    ENDPOINT_SLICE: _View(("Name", "AddressType", "Ports", "Endpoints", "Age"), cells.endpoint_slice_cells),
    CONFIG_MAP: _View(("Name", "Data", "Age"), cells.config_map_cells),
    SECRET: _View(("Name", "Type", "Data", "Age"), cells.secret_cells),
    EVENT: _View(
        (
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "+Subobject",
            "+Source",
            "Message",
            "+First Seen",
            "+Count",
            "+Name",
        ),
        cells.event_cells,
    ),
    NODE: _View(
        (
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "+Internal-IP",
            "+External-IP",
            "+OS-Image",
            "+Kernel-Version",
            "+Container-Runtime",
        ),
        cells.node_cells,
    ),
    NAMESPACE: _View(("Name", "Status", "Age"), cells.namespace_cells),
    LEASE: _View(("Name", "Holder", "Age"), cells.lease_cells),
    HPA: _View(("Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"), _horizontal_pod_autoscaler),
    PDB: _View(("Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"), _disruption_budget),
    JOB: _View(("Name", "Status", "Completions", "Duration", "Age", *_WORKLOAD_WIDE), _job),
}
_PLAIN = _View(("Name", "Age"), cells.plain_cells)


def table(kind: Kind, objects: Sequence[Raw], list_meta: Raw, include: str) -> Raw:
    """A Table of the objects; `include` is None, Metadata or Object, as the request's includeObject says."""
    view = _VIEWS.get(kind, _PLAIN)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_meta,
        "columnDefinitions": [_column(name) for name in view.columns],
        "rows": [_row(view, raw, include) for raw in objects],
    }


def _column(name: str) -> Raw:
    bare = name.removeprefix(_WIDE)
    form = "name" if bare == "Name" else ""
    return {"name": bare, "type": "string", "format": form, "description": bare, "priority": int(name != bare)}


def _row(view: _View, raw: Raw, include: str) -> Raw:
    if "uid" not in raw["metadata"]:
        return {"cells": [], "object": raw}  # a bookmark: only its metadata counts
    row: Raw = {"cells": view.cells(raw)}
    if include == "Object":
        row["object"] = raw
    elif include != "None":
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        row["object"] = partial | {"metadata": raw["metadata"]}
    return row

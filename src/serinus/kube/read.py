"""From raw objects to the core's frozen facts. Pure. Nobody else looks into a raw object of the cluster's."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from serinus.core.plan import AutoscalerKind, AutoscalerRef, Plan
from serinus.core.pods import Container, Ended, Pod, Track
from serinus.core.spec import PROBE_LABEL, RELEASE_LABEL, VERSION_LABEL
from serinus.core.survey import DeploymentFacts, ServiceFacts
from serinus.core.turn import Autoscaler, Workload
from serinus.kube.build import HASH_LABEL
from serinus.kube.keda import scaled_object_of
from serinus.kube.resources import Raw

VETO_KEY = "serinus.dev/veto"
OWN_MANAGERS = ("serinus", "kube-controller-manager", "kube-scheduler", "kubelet")


def labels_of(raw: Raw) -> dict[str, str]:
    """An object's own labels."""
    return raw["metadata"].get("labels") or {}


def matches(selector: Raw, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a LabelSelector."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression_holds(expression, labels) for expression in selector.get("matchExpressions") or [])


def _expression_holds(expression: Raw, labels: Mapping[str, str]) -> bool:
    key: str = expression["key"]
    values: list[str] = expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


# Pods


def serving_pods(raw_slices: Iterable[Raw]) -> frozenset[str]:
    """The names of the pods that the Service's EndpointSlices list as ready."""
    return frozenset(
        endpoint["targetRef"]["name"]
        for raw in raw_slices
        for endpoint in raw.get("endpoints") or []
        if endpoint.get("targetRef") and (endpoint.get("conditions") or {}).get("ready") is not False
    )


def pod_of(raw: Raw, track: Track, serving: frozenset[str]) -> Pod:
    """One pod's facts."""
    status = raw.get("status") or {}
    ready = _condition(status, "Ready").get("status") == "True"
    scheduled = _condition(status, "PodScheduled")
    unschedulable = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    failed = status.get("phase") == "Failed"
    deleting = "deletionTimestamp" in raw["metadata"]
    return Pod(
        name=raw["metadata"]["name"],
        track=track,
        phase=status.get("phase", "Pending"),
        ready=ready,
        serving=ready and not deleting and raw["metadata"]["name"] in serving,
        deleting=deleting,
        containers=tuple(_containers(raw, status)),
        unschedulable=scheduled.get("message", "") if unschedulable else "",
        failed_reason=status.get("reason", "") if failed else "",
        failed_message=status.get("message", "") if failed else "",
        ip=status.get("podIP", ""),
        started=_moment(status.get("startTime")),
        uid=raw["metadata"].get("uid", ""),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _condition(status: Raw, kind: str) -> Raw:
    return next((item for item in status.get("conditions") or [] if item["type"] == kind), {})


def _containers(raw: Raw, status: Raw) -> Iterable[Container]:
    images = {container["name"]: container.get("image", "") for container in raw["spec"]["containers"]}
    for item in status.get("initContainerStatuses") or []:
        yield _container(item, {}, is_init=True)
    for item in status.get("containerStatuses") or []:
        yield _container(item, images, is_init=False)


def _container(item: Raw, images: Mapping[str, str], is_init: bool) -> Container:
    state = item.get("state") or {}
    waiting = state.get("waiting") or {}
    ended = _ended(state.get("terminated"))
    if is_init and ended is not None and ended.exit_code == 0:
        ended = None  # an init container that is done: as it should be
    return Container(
        name=item["name"],
        image=images.get(item["name"]) or item.get("image", ""),
        restarts=item.get("restartCount", 0),
        running="running" in state,
        waiting_reason=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        ended=ended,
        last_ended=_ended((item.get("lastState") or {}).get("terminated")),
    )


def _ended(raw: Raw | None) -> Ended | None:
    if raw is None:
        return None
    return Ended(raw.get("reason", "Error"), raw.get("message", ""), raw.get("exitCode", -1))


def track_of(
    raw_pod: Raw, plan: Plan, adopted: bool, stable_selector: Raw | None, kept_selector: Raw | None = None
) -> Track | None:
    """Whose pod this is; None: nobody's. `adopted`: the canary's ReplicaSet is production's own by now.

    `kept_selector`: of a kept Deployment that serves again. It may be older than our label, and then also takes the
    pods of production, which is ours: so production's own selector is asked first.
    """
    labels = labels_of(raw_pod)
    if labels.get(PROBE_LABEL) == plan.release:
        return Track.PROBE
    if labels.get(RELEASE_LABEL) == plan.release:
        return Track.STABLE if adopted else Track.CANARY
    if stable_selector is not None and matches(stable_selector, labels):
        return Track.STABLE
    if kept_selector is not None and matches(kept_selector, labels):
        return Track.CANARY
    return None


# Workloads


def workload_of(raw: Raw, pods: Iterable[Pod], asked_to_go: bool) -> Workload:
    """A Deployment's facts, with its pods counted. `asked_to_go`: this run has deleted it, and waits to see it gone.

    Its own status counts as well, and the lesser number holds: the copy of the pods may be older than the Deployment's,
    and show pods that a scaling just undone has ended.
    """
    pods = tuple(pods)
    counted = sum(pod.serving for pod in pods)
    reported: int = (raw.get("status") or {}).get("readyReplicas", 0)
    spec = raw["spec"]
    template_labels = spec["template"]["metadata"].get("labels") or {}
    return Workload(
        uid=raw["metadata"]["uid"],
        wanted=spec.get("replicas", 1),
        serving=min(counted, reported),
        pods=len(pods),
        settled=is_observed(raw),
        paused=bool(spec.get("paused")),
        release=template_labels.get(RELEASE_LABEL),
        max_surge=max_surge_of(raw),
        obstructed=bool(creation_refused(raw)) or any(pod.unschedulable for pod in pods),
        deleting=asked_to_go or "deletionTimestamp" in raw["metadata"],
        serving_at_most=max(counted, reported),
    )


def is_observed(raw: Raw) -> bool:
    """Whether the Deployment controller has seen the latest spec."""
    seen: int = (raw.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= raw["metadata"].get("generation", 0))


def max_surge_of(raw: Raw) -> int | str | None:
    """The raw maxSurge; None under another strategy than RollingUpdate."""
    rolling = (raw["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge: int | str | None = rolling.get("maxSurge")
    return surge


def creation_refused(raw: Raw | None) -> str:
    """What the cluster said when it refused to create this Deployment's pods; empty if it did not."""
    if raw is None:
        return ""
    condition = _condition(raw.get("status") or {}, "ReplicaFailure")
    message: str = condition.get("message", "")
    return message if condition.get("status") == "True" else ""


def same_template(one: Raw, other: Raw) -> bool:
    """Whether two stored Deployments have equal pod templates, the pod-template-hash aside."""
    return _bare_template(one) == _bare_template(other)


def _bare_template(raw: Raw) -> Raw:
    template = raw["spec"]["template"]
    metadata = {key: value for key, value in template["metadata"].items() if key != "creationTimestamp" and value}
    if "labels" in metadata:
        metadata["labels"] = {key: value for key, value in metadata["labels"].items() if key != HASH_LABEL}
    return {"metadata": metadata, "spec": template["spec"]}


def template_hash(raw: Raw | None) -> str:
    """Of a Deployment's stored pod template, the pod-template-hash aside; empty: there is no Deployment."""
    return _hash(_bare_template(raw)) if raw is not None else ""


def selector_hash(raw_service: Raw | None) -> str:
    """Of a Service's selector; empty: there is no Service."""
    return _hash(raw_service["spec"].get("selector") or {}) if raw_service is not None else ""


def _hash(value: Raw) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:16]


def veto_of(raw: Raw) -> str:
    """The veto on an object, a label or an annotation: its reason, and where it is; empty: none."""
    metadata = raw["metadata"]
    reason = labels_of(raw).get(VETO_KEY) or (metadata.get("annotations") or {}).get(VETO_KEY)
    return f"{reason} (on {metadata['name']})" if reason else ""


def last_writer(raws: Iterable[Raw | None]) -> str:
    """The field manager, beside Serinus and the cluster's own, that last wrote to one of these objects."""
    entries = [
        entry
        for raw in raws
        if raw is not None
        for entry in raw["metadata"].get("managedFields") or []
        if entry.get("subresource") != "status" and not str(entry.get("manager", "")).startswith(OWN_MANAGERS)
    ]
    newest = max(entries, key=lambda entry: str(entry.get("time", "")), default=None)
    return str(newest["manager"]) if newest is not None else ""


def owner_uid(raw: Raw) -> str | None:
    """The uid of an object's controller."""
    owners = raw["metadata"].get("ownerReferences") or []
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def revision_of(raw: Raw) -> int:
    """A ReplicaSet's place in its Deployment's history."""
    text = (raw["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(text) if text.isdigit() else 0


def autoscaler_of(raw: Raw, before: AutoscalerRef) -> Autoscaler:
    """Production's autoscaler, compared with what pinning makes of it and with what it was."""
    if before.kind is AutoscalerKind.SCALED_OBJECT:
        return scaled_object_of(raw, before)
    spec = raw["spec"]
    behavior = spec.get("behavior") or {}
    still = all((behavior.get(way) or {}).get("selectPolicy") == "Disabled" for way in ("scaleUp", "scaleDown"))
    return Autoscaler(
        pinned=still and bool(spec.get("minReplicas", 1) <= 1),
        as_before=bool(
            spec.get("behavior") == before.behavior and spec.get("minReplicas", 1) == (before.min_replicas or 1)
        ),
        target=spec["scaleTargetRef"]["name"],
    )


# The survey


def service_facts(raw: Raw) -> ServiceFacts:
    """A Service's facts."""
    spec = raw["spec"]
    ports = tuple((port.get("name", ""), port.get("targetPort", port["port"])) for port in spec.get("ports") or [])
    return ServiceFacts(
        name=raw["metadata"]["name"],
        selector=spec.get("selector") or {},
        version=labels_of(raw).get(VERSION_LABEL),
        ports=ports,
        type=spec.get("type", "ClusterIP"),
    )


def deployment_facts(raw: Raw, kept: bool) -> DeploymentFacts:
    """A Deployment's facts, for planning."""
    spec, status = raw["spec"], raw.get("status") or {}
    wanted = spec.get("replicas", 1)
    pod_spec = spec["template"]["spec"]
    return DeploymentFacts(
        name=raw["metadata"]["name"],
        uid=raw["metadata"]["uid"],
        wanted=wanted,
        ready=status.get("readyReplicas", 0),
        settled=is_observed(raw) and status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted,
        paused=bool(spec.get("paused")),
        images={container["name"]: container.get("image", "") for container in pod_spec["containers"]},
        selector=spec["selector"].get("matchLabels") or {},
        labels=labels_of(raw),
        template_labels=spec["template"]["metadata"].get("labels") or {},
        surge=_surge_in_pods(raw, wanted),
        max_surge=max_surge_of(raw),
        max_unavailable=_unavailable_in_pods(raw, wanted),
        kept=kept,
    )


def _surge_in_pods(raw: Raw, replicas: int) -> int | None:
    if (raw["spec"].get("strategy") or {}).get("type", "RollingUpdate") != "RollingUpdate":
        return None
    surge = max_surge_of(raw)
    if isinstance(surge, str):
        return -(-replicas * int(surge.rstrip("%")) // 100)
    return surge if surge is not None else 1


def _unavailable_in_pods(raw: Raw, replicas: int) -> int:
    """How many pods a rolling update may miss: a percentage is rounded down, and where no pod could move, it is one."""
    rolling = (raw["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    unavailable: int | str = rolling.get("maxUnavailable", 0)
    if isinstance(unavailable, str):
        unavailable = replicas * int(unavailable.rstrip("%")) // 100
    return min(replicas, unavailable or int(_surge_in_pods(raw, replicas) == 0))


def first_port(raw_service: Raw, raw_pod: Raw) -> int | None:
    """The container port behind the Service's first port, on this pod."""
    for port in raw_service["spec"].get("ports") or []:
        wanted = port.get("targetPort", port["port"])
        if isinstance(wanted, int):
            return wanted
        for container in raw_pod["spec"]["containers"]:
            for offered in container.get("ports") or []:
                if offered.get("name") == wanted:
                    number: int = offered["containerPort"]
                    return number
    return None


def hpa_ref(raw: Raw) -> AutoscalerRef:
    """What pinning will replace."""
    return AutoscalerRef(raw["metadata"]["name"], raw["spec"].get("minReplicas"), raw["spec"].get("behavior"))

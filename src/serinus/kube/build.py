"""The objects that a rollout makes, and the patches that it sends: pure, raw objects in and out.

A Deployment is copied by structure, never by text: what the server or other tools put there is left behind, images are
set by container name (design.md, section 5). Not here: sending anything (`act.py`).
"""

import copy
from collections.abc import Mapping

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.spec import MANAGED_BY, MANAGED_BY_LABEL, PROBE_LABEL, RELEASE_LABEL, ROLLOUT_ANNOTATION
from serinus.kube.copies import rename_config
from serinus.kube.resources import Raw

VERSION_KEYS = ("version", "app.kubernetes.io/version")
"""Labels that name a version: where one carries production's, the canary's carries its own."""
HASH_LABEL = "pod-template-hash"
TRACKING_PREFIXES = (
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "kubectl.kubernetes.io/",
    "deployment.kubernetes.io/",
    "autoscaling.alpha.kubernetes.io/",
)
TRACKING_KEYS = ("app.kubernetes.io/instance", "helm.sh/chart")
"""What GitOps tools know their objects by: a copy that carried it would be pruned as one of theirs."""
SURGE_PATH = "/spec/strategy/rollingUpdate/maxSurge"

Patch = list[Raw]


def canary_deployment(raw_stable: Raw, plan: Plan, replicas: int) -> Raw:
    """The canary's Deployment: production's with the new images, and RELEASE_LABEL in selector and template."""
    spec = copy.deepcopy(raw_stable["spec"])
    spec.pop("paused", None)
    spec["replicas"] = replicas
    spec["selector"].setdefault("matchLabels", {})
    for labels in (spec["selector"]["matchLabels"], spec["template"]["metadata"].setdefault("labels", {})):
        labels.update(_versions(labels, raw_stable, plan))
        labels[RELEASE_LABEL] = plan.release
    spec["template"]["metadata"].pop("creationTimestamp", None)
    _set_images(spec["template"]["spec"], plan.images)
    rename_config(spec["template"]["spec"], plan.config)
    metadata = raw_stable["metadata"]
    labels = _untracked(metadata.get("labels") or {})
    labels.update(_versions(labels, raw_stable, plan))
    return _deployment(plan, labels, _untracked(metadata.get("annotations") or {}), spec)


def first_deployment(raw_service: Raw, plan: Plan, replicas: int) -> Raw:
    """A Deployment where there was none: what the Service says of its pods, and the image."""
    labels = dict(raw_service["spec"]["selector"])
    container, image = next(iter(plan.images.items()))
    ports = [_container_port(port) for port in raw_service["spec"].get("ports") or []]
    body: Raw = {"name": container, "image": image, "ports": ports}
    if ports:  # without a readiness probe a pod counts as ready before it listens
        body["readinessProbe"] = {"tcpSocket": {"port": ports[0]["containerPort"]}, "periodSeconds": 2}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": {**labels, RELEASE_LABEL: plan.release}},
            "spec": {"containers": [body]},
        },
    }
    return _deployment(plan, labels, {}, spec)


def probe_pod(raw_stable: Raw, plan: Plan) -> Raw:
    """A pod of the new version that no Service selects: none of the template's labels is on it."""
    template = copy.deepcopy(raw_stable["spec"]["template"])
    _set_images(template["spec"], plan.images)
    rename_config(template["spec"], plan.config)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": probe_name(plan),
            "namespace": plan.namespace,
            "labels": {PROBE_LABEL: plan.release, MANAGED_BY_LABEL: MANAGED_BY},
            "annotations": {**(template["metadata"].get("annotations") or {}), ROLLOUT_ANNOTATION: plan.rollout},
        },
        "spec": template["spec"],
    }


def probe_name(plan: Plan) -> str:
    """The name of the smoke test's pod."""
    return f"{plan.canary_name}-smoke"


def _deployment(plan: Plan, labels: Mapping[str, str], annotations: Mapping[str, str], spec: Raw) -> Raw:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": plan.canary_name,
            "namespace": plan.namespace,
            "labels": {**labels, MANAGED_BY_LABEL: MANAGED_BY},
            "annotations": {**annotations, ROLLOUT_ANNOTATION: plan.rollout},
        },
        "spec": spec,
    }


def _versions(labels: Mapping[str, str], raw_stable: Raw, plan: Plan) -> dict[str, str]:
    """Labels that carry production's version, with the canary's; those that must stay for adoption are left."""
    if plan.stable is None:
        return {}
    bound = raw_stable["spec"]["selector"].get("matchLabels") or {}
    fixed = bound if plan.promotion is Promotion.ADOPT else {}
    return {key: plan.version for key in VERSION_KEYS if labels.get(key) == plan.stable.version and key not in fixed}


def _untracked(values: Mapping[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in values.items()
        if key not in TRACKING_KEYS and not key.startswith(TRACKING_PREFIXES) and key != MANAGED_BY_LABEL
    }


def _set_images(pod_spec: Raw, images: Mapping[str, str]) -> None:
    for container in pod_spec["containers"]:
        if container["name"] in images:
            container["image"] = images[container["name"]]


def _container_port(raw_port: Raw) -> Raw:
    target = raw_port.get("targetPort") or raw_port["port"]
    if isinstance(target, int):
        return {"containerPort": target}
    return {"name": target, "containerPort": raw_port["port"]}


# Patches: each tests what was seen, so that one that comes late, or twice, changes nothing


def scale_patch(raw_seen: Raw, seen: int, replicas: int) -> Patch:
    """From one size to another, if it is still the first."""
    return [
        *_unchanged(raw_seen),
        {"op": "test", "path": "/spec/replicas", "value": seen},
        {"op": "replace", "path": "/spec/replicas", "value": replicas},
    ]


def template_patch(raw_seen: Raw, raw_template: Raw, paused: bool, surge: int | str | None) -> Patch:
    """Another pod template, paused or not, with this maxSurge."""
    template = copy.deepcopy(raw_template)
    (template["metadata"].get("labels") or {}).pop(HASH_LABEL, None)
    return [
        *_unchanged(raw_seen),
        {"op": "add", "path": "/spec/template", "value": template},
        {"op": "add", "path": "/spec/paused", "value": paused},
        {"op": "add", "path": SURGE_PATH, "value": surge},
    ]


def size_patch(raw_seen: Raw, replicas: int, surge: int) -> Patch:
    """Size and maxSurge together, still paused."""
    return [
        *_unchanged(raw_seen),
        {"op": "test", "path": "/spec/paused", "value": True},
        {"op": "add", "path": SURGE_PATH, "value": surge},
        {"op": "replace", "path": "/spec/replicas", "value": replicas},
    ]


def release_patch(raw_seen: Raw, surge: int | str | None) -> Patch:
    """Unpause, with the strategy it had."""
    return [
        *_unchanged(raw_seen),
        {"op": "add", "path": SURGE_PATH, "value": surge},
        {"op": "add", "path": "/spec/paused", "value": False},
    ]


def _unchanged(raw_seen: Raw) -> Patch:
    """The same object with the same spec: sizes come back (1, 2, 1), so a size alone does not tell a late patch."""
    metadata = raw_seen["metadata"]
    return [{"op": "test", "path": f"/metadata/{key}", "value": metadata[key]} for key in ("uid", "generation")]


def test_as_seen(raw: Raw) -> dict[str, object]:
    """The first operation of a patch that is only good for the object as it was seen.

    A call that comes late, of a runner that was stopped or has died, then changes nothing any more.
    """
    return {"op": "test", "path": "/metadata/resourceVersion", "value": raw["metadata"]["resourceVersion"]}


def merge_as_seen(raw: Raw, patch: Raw) -> Raw:
    """The same for a merge patch: another version of the object is a conflict."""
    metadata = {**patch.get("metadata", {}), "resourceVersion": raw["metadata"]["resourceVersion"]}
    return {**patch, "metadata": metadata}


def pin_patch() -> Patch:
    """An autoscaler that changes nothing, whatever it measures; its bounds let every size of the rollout be."""
    still = {"selectPolicy": "Disabled"}
    return [
        {"op": "add", "path": "/spec/minReplicas", "value": 1},
        {"op": "add", "path": "/spec/behavior", "value": {"scaleUp": still, "scaleDown": still}},
    ]


def unpin_patch(hpa: AutoscalerRef, target: str, has_behavior: bool) -> Patch:
    """The fields it had before, to the letter, and the Deployment it is to scale."""
    patch: Patch = [
        {"op": "add", "path": "/spec/minReplicas", "value": hpa.min_replicas or 1},
        {"op": "replace", "path": "/spec/scaleTargetRef/name", "value": target},
    ]
    if hpa.behavior is not None:
        patch.append({"op": "add", "path": "/spec/behavior", "value": hpa.behavior})
    elif has_behavior:
        patch.append({"op": "remove", "path": "/spec/behavior"})
    return patch

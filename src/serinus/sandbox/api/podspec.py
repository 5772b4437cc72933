"""What the API server fills into a pod spec, alone or inside a template. Changes the object it is given."""

from typing import Any

from serinus.sandbox.api.kinds import Raw

_DEFAULT_MODE = 0o644
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def fill(target: Raw, **values: Any) -> None:
    """Sets what is absent or null."""
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def fill_pod_spec(spec: Raw) -> None:
    """The defaults that pods and templates share."""
    fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
    )
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for list_name in _CONTAINER_LISTS:
        for container in spec.get(list_name) or []:
            _fill_container(container)
    for volume in spec.get("volumes") or []:
        _fill_volume(volume)


def fill_pod(raw: Raw) -> None:
    """What only a pod of its own gets: defaults, and what the standard admission plugins add."""
    spec = raw.setdefault("spec", {})
    fill_pod_spec(spec)
    fill(spec, enableServiceLinks=True, priority=0, preemptionPolicy="PreemptLowerPriority")
    for list_name in _CONTAINER_LISTS:
        for container in spec.get(list_name) or []:
            limits = container["resources"].get("limits")
            if limits:
                requests = container["resources"].setdefault("requests", {})
                fill(requests, **limits)
    tolerations = spec.setdefault("tolerations", [])
    for taint in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(each.get("key", taint) == taint for each in tolerations):
            tolerations.append({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})


def quality_of_service(spec: Raw) -> str:
    """Guaranteed, Burstable or BestEffort, from requests and limits of cpu and memory."""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    asked = [container.get("resources") or {} for container in containers]
    if not any(each.get(side) for each in asked for side in ("requests", "limits")):
        return "BestEffort"
    guaranteed = all(
        each.get("limits", {}).get(name) and each["limits"][name] == each.get("requests", {}).get(name)
        for each in asked
        for name in ("cpu", "memory")
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _fill_container(container: Raw) -> None:
    image = str(container.get("image", ""))
    pull = "Always" if _tag(image) in ("", "latest") else "IfNotPresent"
    fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=pull,
    )
    for port in container.get("ports") or []:
        fill(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _fill_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and hook.get("httpGet"):
            fill(hook["httpGet"], path="/", scheme="HTTP")
    for variable in container.get("env") or []:
        field_ref = (variable.get("valueFrom") or {}).get("fieldRef")
        if field_ref:
            fill(field_ref, apiVersion="v1")


def _tag(image: str) -> str:
    """The tag; a digest counts as one; empty when there is neither."""
    if "@" in image:
        return image.split("@", 1)[1]
    last = image.rsplit("/", 1)[-1]
    return last.split(":", 1)[1] if ":" in last else ""


def _fill_probe(probe: Raw) -> None:
    for name in ("timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if probe.get(name) == 0:
            del probe[name]
    fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if probe.get("httpGet"):
        fill(probe["httpGet"], path="/", scheme="HTTP")
    if probe.get("grpc"):
        fill(probe["grpc"], service="")


def _fill_volume(volume: Raw) -> None:
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if volume.get(source) is not None:
            fill(volume[source], defaultMode=_DEFAULT_MODE)
    if volume.get("hostPath") is not None:
        fill(volume["hostPath"], type="")
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}

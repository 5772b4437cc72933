"""What the API server fills into each kind before it stores it. Changes the object it is given."""

import base64
from collections.abc import Callable

from serinus.sandbox.api.kinds import (
    CONFIG_MAP,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    HPA,
    JOB,
    NAMESPACE,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Raw,
)
from serinus.sandbox.api.podspec import fill, fill_pod, fill_pod_spec


def fill_defaults(kind: Kind, raw: Raw) -> None:
    """Fills in every default of this kind that is not there yet; safe to run twice."""
    filler = _FILLERS.get(kind.plural) if kind.group != "events.k8s.io" else None
    if filler is not None:
        filler(raw)


def _template(spec: Raw) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    fill_pod_spec(template.setdefault("spec", {}))


def _deployment(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    _template(spec)
    fill(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec["strategy"]
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy, rollingUpdate={})
        fill(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")


def _replica_set(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    fill(spec, replicas=1)
    if spec.get("template"):
        _template(spec)


def _stateful_set(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    _template(spec)
    fill(spec, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10, updateStrategy={})
    fill(spec, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})
    fill(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        fill(spec["updateStrategy"], rollingUpdate={})
        fill(spec["updateStrategy"]["rollingUpdate"], partition=0)


def _daemon_set(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    _template(spec)
    fill(spec, revisionHistoryLimit=10, updateStrategy={})
    fill(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        fill(spec["updateStrategy"], rollingUpdate={})
        fill(spec["updateStrategy"]["rollingUpdate"], maxSurge=0, maxUnavailable=1)


def _job_spec(spec: Raw) -> None:
    _template(spec)
    fill(spec, backoffLimit=6, completionMode="NonIndexed", suspend=False, manualSelector=False)
    fill(spec, podReplacementPolicy="TerminatingOrFailed")
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    fill(spec, parallelism=1)


def _job(raw: Raw) -> None:
    _job_spec(raw.setdefault("spec", {}))


def _cron_job(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    job_template = spec.setdefault("jobTemplate", {})
    job_template.setdefault("metadata", {})
    if (job_template.get("spec") or {}).get("template"):
        _template(job_template["spec"])


def _replication_controller(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    fill(spec, replicas=1)
    if spec.get("template"):
        _template(spec)
        labels = (spec["template"]["metadata"].get("labels")) or {}
        fill(spec, selector=dict(labels))
        fill(raw["metadata"], labels=dict(labels))


def _service(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    fill(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    if spec["type"] == "ExternalName":
        del spec["internalTrafficPolicy"]
        return
    fill(spec, ipFamilyPolicy="SingleStack", ipFamilies=["IPv4"])
    if spec["sessionAffinity"] == "ClientIP":
        fill(spec, sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}})
    if spec["type"] in ("NodePort", "LoadBalancer"):
        fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        fill(spec, allocateLoadBalancerNodePorts=True)
    for port in spec.get("ports") or []:
        fill(port, protocol="TCP", targetPort=port.get("port"))


def _horizontal_pod_autoscaler(raw: Raw) -> None:
    spec = raw.setdefault("spec", {})
    fill(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _namespace(raw: Raw) -> None:
    fill(raw.setdefault("spec", {}), finalizers=["kubernetes"])
    labels = raw["metadata"].setdefault("labels", {})
    if raw["metadata"].get("name"):
        labels["kubernetes.io/metadata.name"] = raw["metadata"]["name"]


def _secret(raw: Raw) -> None:
    fill(raw, type="Opaque")
    for key, text in (raw.pop("stringData", None) or {}).items():
        raw.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _config_map(raw: Raw) -> None:
    if raw.get("data") is None:
        raw.pop("data", None)


def _endpoint_slice(raw: Raw) -> None:
    for port in raw.get("ports") or []:
        fill(port, name="", protocol="TCP")
    for endpoint in raw.get("endpoints") or []:
        fill(endpoint, conditions={})


def _endpoints(raw: Raw) -> None:
    for subset in raw.get("subsets") or []:
        for port in subset.get("ports") or []:
            fill(port, protocol="TCP")


def _event(raw: Raw) -> None:
    raw.setdefault("eventTime", None)
    fill(raw, reportingComponent="", reportingInstance="")


def _binding(raw: Raw) -> None:
    fill(raw.setdefault("roleRef", {}), apiGroup="rbac.authorization.k8s.io")
    for subject in raw.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            fill(subject, apiGroup="rbac.authorization.k8s.io")


_FILLERS: dict[str, Callable[[Raw], None]] = {
    POD.plural: fill_pod,
    DEPLOYMENT.plural: _deployment,
    REPLICA_SET.plural: _replica_set,
    STATEFUL_SET.plural: _stateful_set,
    DAEMON_SET.plural: _daemon_set,
    JOB.plural: _job,
    CRON_JOB.plural: _cron_job,
    REPLICATION_CONTROLLER.plural: _replication_controller,
    SERVICE.plural: _service,
    HPA.plural: _horizontal_pod_autoscaler,
    NAMESPACE.plural: _namespace,
    SECRET.plural: _secret,
    CONFIG_MAP.plural: _config_map,
    ENDPOINT_SLICE.plural: _endpoint_slice,
    "endpoints": _endpoints,
    EVENT.plural: _event,
    ROLE_BINDING.plural: _binding,
    "clusterrolebindings": _binding,
}

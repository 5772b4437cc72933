"""What is in production when a story begins: a Service, and a Deployment of the demo application behind it."""

from typing import Any

from serinus.sandbox.rest import Raw

SERVICE = "shop"
PORT = 80
READINESS = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 5}


def service(version: str | None = None, selector: dict[str, str] | None = None) -> Raw:
    """The Service; with the metadata label `version` when production is named by it."""
    labels = {"version": version} if version is not None else {}
    ports = [{"name": "http", "port": PORT, "targetPort": 8080}]
    spec = {"selector": selector or {"app": SERVICE}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE, "labels": labels}, "spec": spec}


def container(name: str = SERVICE, image: str = "demo/checkout:v1", **fields: Any) -> Raw:
    """One container of the demo application; fields that are None are left out."""
    ports = [{"name": "http", "containerPort": 8080}]
    body = {"name": name, "image": image, "ports": ports, "readinessProbe": READINESS} | fields
    return {key: value for key, value in body.items() if value is not None}


def deployment(name: str = SERVICE, replicas: int = 4, *containers: Raw, **labels: str) -> Raw:
    """A Deployment of pods with these labels."""
    labels = labels or {"app": SERVICE}
    pod_spec = {"containers": list(containers) or [container()], "terminationGracePeriodSeconds": 10}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod_spec},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def in_place(replicas: int = 4, **fields: Any) -> list[Raw]:
    """Production that keeps its name."""
    return [service(), deployment(SERVICE, replicas, container(**fields))]


def versioned(replicas: int = 4, **fields: Any) -> list[Raw]:
    """Production named by its version, as the Codefresh step left it."""
    return [service("v1"), deployment(f"{SERVICE}-v1", replicas, container(**fields))]


def autoscaler(target: str, least: int, most: int, behavior: Raw | None = None) -> Raw:
    """A HorizontalPodAutoscaler by CPU."""
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    spec: Raw = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [metric],
    }
    if behavior is not None:
        spec["behavior"] = behavior
    metadata = {"name": target}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}

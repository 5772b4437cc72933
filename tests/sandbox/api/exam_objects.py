"""Objects and paths that exam papers and tests share."""

from typing import Any

DEPLOYMENTS = "/apis/apps/v1/namespaces/$NS/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/$NS/replicasets"
PODS = "/api/v1/namespaces/$NS/pods"
LABELS = {"app": "web"}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """Paused, so that a cluster with controllers leaves it alone."""
    containers = [{"name": "app", "image": "demo/app:v1"}, {"name": "side", "image": "demo/side"}]
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": containers}}
    base = {"selector": {"matchLabels": LABELS}, "template": template, "paused": True}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": base | spec}


def replica_set(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "app", "image": "demo/app:v1"}]}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": template},
    }


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "demo/app:v1", "resources": {"limits": {"cpu": "1"}}}]
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": containers} | spec}

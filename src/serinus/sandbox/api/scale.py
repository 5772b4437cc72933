"""The Scale subresource: a view on replicas and selector of a workload, and the way back."""

from serinus.sandbox.api.errors import Cause, invalid
from serinus.sandbox.api.kinds import Kind, Raw

SCALE = Kind("autoscaling", "v1", "Scale", "scales")


def scale_of(kind: Kind, raw: Raw) -> Raw:
    """The Scale object of a workload."""
    metadata = raw["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Raw = {"replicas": (raw.get("status") or {}).get("replicas", 0)}
    selector = raw["spec"].get("selector")
    if selector:
        status["selector"] = _selector_text(selector.get("matchLabels", selector))
        for expression in selector.get("matchExpressions") or []:
            status["selector"] = ",".join(filter(None, (status["selector"], _expression_text(expression))))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": raw["spec"].get("replicas", 1)},
        "status": status,
    }


def with_scale(kind: Kind, raw: Raw, scale: Raw) -> Raw:
    """The workload with the Scale's replicas; its resourceVersion, if any, becomes the write's precondition."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    name = raw["metadata"]["name"]
    if not isinstance(replicas, int) or replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid(SCALE, name, [Cause("spec.replicas", message)])
    metadata = dict(raw["metadata"])
    metadata["resourceVersion"] = (scale.get("metadata") or {}).get("resourceVersion", "")
    return raw | {"metadata": metadata, "spec": raw["spec"] | {"replicas": replicas}}


def _selector_text(labels: Raw) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()) if isinstance(value, str))


def _expression_text(expression: Raw) -> str:
    key, values = expression["key"], ",".join(sorted(expression.get("values") or []))
    match expression["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
        case _:
            return f"!{key}"

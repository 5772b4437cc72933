"""How lists and maps of the served kinds merge: by which key, as a set, or only as a whole. Data, made by hand.

Rules are found by the name of a field and of the field that holds it: enough for the kinds served here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListRule:
    """`patch_key` serves strategic merge patch, `apply_keys` server-side apply; a set of scalars has neither."""

    patch_key: str = ""
    apply_keys: tuple[str, ...] = ()


def _by(*keys: str) -> ListRule:
    return ListRule(keys[0], keys)


_NAME = _by("name")
_CONTAINER_PORTS = _by("containerPort", "protocol")
SCALAR_SET = ListRule()

_ANYWHERE: dict[str, ListRule] = {
    "containers": _NAME,
    "initContainers": _NAME,
    "ephemeralContainers": _NAME,
    "volumes": _NAME,
    "env": _NAME,
    "volumeMounts": _by("mountPath"),
    "volumeDevices": _by("devicePath"),
    "hostAliases": _by("ip"),
    "topologySpreadConstraints": _by("topologyKey", "whenUnsatisfiable"),
    "schedulingGates": _NAME,
    "resourceClaims": _NAME,
    "conditions": _by("type"),
    "podIPs": _by("ip"),
    "hostIPs": ListRule("ip"),
    "ownerReferences": _by("uid"),
    "finalizers": SCALAR_SET,
}
_BELOW: dict[tuple[str, str], ListRule] = {
    ("containers", "ports"): _CONTAINER_PORTS,
    ("initContainers", "ports"): _CONTAINER_PORTS,
    ("ephemeralContainers", "ports"): _CONTAINER_PORTS,
    ("spec", "ports"): _by("port", "protocol"),
    ("spec", "imagePullSecrets"): _NAME,
    ("", "imagePullSecrets"): ListRule("name"),
    ("", "secrets"): _NAME,
    ("status", "addresses"): _by("type"),
    ("spec", "podCIDRs"): SCALAR_SET,
}
_WHOLE_MAPS = frozenset(
    {
        "selector",
        "nodeSelector",
        "labelSelector",
        "namespaceSelector",
        "matchLabels",
        "configMapKeyRef",
        "secretKeyRef",
        "fieldRef",
        "resourceFieldRef",
        "nodeSelectorTerms",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "involvedObject",
        "targetRef",
        "roleRef",
    }
)


def list_rule(parent: str, field: str) -> ListRule | None:
    """The rule for the list `field` inside `parent` (empty at the top); None for a list that is one value."""
    return _BELOW.get((parent, field)) or _ANYWHERE.get(field)


def is_whole_map(field: str) -> bool:
    """True for a map that server-side apply owns and replaces as one value."""
    return field in _WHOLE_MAPS

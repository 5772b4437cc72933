"""The table of kinds that the embedded API serves: names, scope, subresources. One place, and data only."""

from dataclasses import dataclass
from typing import Any

Raw = dict[str, Any]
"""An API object as plain JSON. What the store holds is never changed in place: copy first."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One served kind.

    `counts_generation`: metadata.generation starts at 1 and rises when anything but metadata and status changes.
    `returns_deleted`: a finished DELETE answers with the object's last state and not with a Status.
    """

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    counts_generation: bool = False
    returns_deleted: bool = False

    @property
    def singular(self) -> str:
        return self.name.lower()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As error messages name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """As validation messages name it: `Pod`, `Deployment.apps`."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources


_RBAC = "rbac.authorization.k8s.io"
_ALL = ("all",)

RESOURCE_QUOTA = Kind(
    "", "v1", "ResourceQuota", "resourcequotas", short_names=("quota",), subresources=("status",), returns_deleted=True
)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    short_names=("po",),
    categories=_ALL,
    subresources=("status", "log", "binding", "eviction", "proxy"),
    counts_generation=True,
    returns_deleted=True,
)
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", False, ("ns",), subresources=("status",), returns_deleted=True)
SERVICE = Kind(
    "", "v1", "Service", "services", True, ("svc",), _ALL, subresources=("status", "proxy"), returns_deleted=True
)
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", short_names=("cm",))
SECRET = Kind("", "v1", "Secret", "secrets")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments", True, ("deploy",), _ALL, ("status", "scale"), True)
REPLICA_SET = Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _ALL, ("status", "scale"), True)
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _ALL, ("status", "scale"), True)
DAEMON_SET = Kind("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), _ALL, ("status",), True)
JOB = Kind("batch", "v1", "Job", "jobs", True, (), _ALL, ("status",), True)
CRON_JOB = Kind("batch", "v1", "CronJob", "cronjobs", True, ("cj",), _ALL, ("status",), True)
REPLICATION_CONTROLLER = Kind(
    "", "v1", "ReplicationController", "replicationcontrollers", True, ("rc",), _ALL, ("status", "scale"), True
)
HPA = Kind(
    "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ("hpa",), _ALL, ("status",)
)
PDB = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, ("pdb",), (), ("status",), True)
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", counts_generation=True)
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
EVENT = Kind("", "v1", "Event", "events", short_names=("ev",))
NODE = Kind("", "v1", "Node", "nodes", False, ("no",), subresources=("status", "proxy"))
ROLE = Kind(_RBAC, "v1", "Role", "roles")
ROLE_BINDING = Kind(_RBAC, "v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE = Kind(_RBAC, "v1", "ClusterRole", "clusterroles", False)
CLUSTER_ROLE_BINDING = Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False)
DEFINITION = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    False,
    ("crd", "crds"),
    subresources=("status",),
    counts_generation=True,
)

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    POD,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    EVENT,
    NODE,
    Kind("", "v1", "ServiceAccount", "serviceaccounts", short_names=("sa",), returns_deleted=True),
    Kind("", "v1", "Endpoints", "endpoints", short_names=("ep",)),
    Kind(
        "",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        short_names=("pvc",),
        subresources=("status",),
        returns_deleted=True,
    ),
    RESOURCE_QUOTA,
    Kind("", "v1", "LimitRange", "limitranges", short_names=("limits",)),
    REPLICATION_CONTROLLER,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    HPA,
    JOB,
    CRON_JOB,
    LEASE,
    ENDPOINT_SLICE,
    Kind("events.k8s.io", "v1", "Event", "events", short_names=("ev",)),
    PDB,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    DEFINITION,
)

PUT_CREATES = frozenset(
    {"leases", "events", "services", "endpoints", "limitranges"}
    | {"roles", "rolebindings", "clusterroles", "clusterrolebindings"}
)
"""Plurals of the kinds that a PUT may create."""

_BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
_BY_NAME = {(kind.api_version, kind.name): kind for kind in KINDS}


def kind_at(group: str, version: str, plural: str, custom: tuple[Kind, ...] = ()) -> Kind | None:
    """The kind served at a group, version and plural of a URL, be it in the table or among the custom ones."""
    where = (group, version, plural)
    return _BY_PATH.get(where) or next((one for one in custom if (one.group, one.version, one.plural) == where), None)


def kind_named(api_version: str, name: str) -> Kind | None:
    """The kind that an object's apiVersion and kind name."""
    return _BY_NAME.get((api_version, name))

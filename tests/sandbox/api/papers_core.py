"""Exam papers on Services, ConfigMaps, Secrets, Leases, lists, RBAC and reviews."""

from typing import Any

from tests.sandbox.api.examiner import (
    ANYTHING,
    MERGE,
    NOTHING,
    STRATEGIC,
    Containing,
    Step,
    delete,
    get,
    patch,
    post,
    put,
)

CORE = "/api/v1/namespaces/$NS"
SERVICES, CONFIG_MAPS, SECRETS = f"{CORE}/services", f"{CORE}/configmaps", f"{CORE}/secrets"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/$NS/leases"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/$NS/roles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/$NS/rolebindings"
BUDGETS = "/apis/policy/v1/namespaces/$NS/poddisruptionbudgets"
SCALERS = "/apis/autoscaling/v2/namespaces/$NS/horizontalpodautoscalers"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/$NS/endpointslices"
EVENTS = f"{CORE}/events"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


def event(name: str, **fields: Any) -> dict[str, Any]:
    involved = {"kind": "Pod", "name": "p", "namespace": "$NS"}
    base = {"metadata": {"name": name}, "involvedObject": involved, "reason": "Tested", "type": "Normal"}
    return base | fields


def owner(uid: str, *, controller: bool = True) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "o", "uid": uid, "controller": controller}


def service(name: str, *ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": list(ports), "selector": {"app": name}} | spec}


SERVICE_LIFE: list[Step] = [
    post(
        SERVICES,
        service("web", {"port": 80}),
        fields={
            "spec.type": "ClusterIP",
            "spec.clusterIP": ANYTHING,
            "spec.clusterIPs.0": ANYTHING,
            "spec.ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}],
            "spec.sessionAffinity": "None",
            "spec.internalTrafficPolicy": "Cluster",
            "spec.ipFamilies": ["IPv4"],
            "spec.ipFamilyPolicy": "SingleStack",
            "status": {"loadBalancer": {}},
            "metadata.generation": NOTHING,
        },
        keep={"ip": "spec.clusterIP"},
    ),
    put(f"{SERVICES}/web", service("web", {"port": 81}), fields={"spec.clusterIP": "$ip", "spec.ports.0.port": 81}),
    patch(f"{SERVICES}/web", {"metadata": {"labels": {"version": "v2"}}}, fields={"metadata.labels.version": "v2"}),
    patch(
        f"{SERVICES}/web",
        {"spec": {"clusterIP": "10.99.99.99", "clusterIPs": ["10.99.99.99"]}},
        status=422,
        reason="Invalid",
    ),
    patch(
        f"{SERVICES}/web", {"spec": {"selector": {"app": None, "tier": "x"}}}, fields={"spec.selector": {"tier": "x"}}
    ),
    post(SERVICES, service("headless", {"port": 80}, clusterIP="None"), fields={"spec.clusterIP": "None"}),
    post(
        SERVICES,
        service("two", {"port": 80}, {"port": 81}),
        422,
        fields={"details.causes.0.field": "spec.ports[0].name"},
    ),
    post(SERVICES, service("none"), 422, fields={"details.causes.0.field": "spec.ports"}),
    post(SERVICES, service("not.valid", {"port": 80}), 422, fields={"details.causes.0.field": "metadata.name"}),
    post(SERVICES, service("out", externalName="a.example", type="ExternalName"), fields={"spec.clusterIP": NOTHING}),
    delete(f"{SERVICES}/web", fields={"kind": "Service"}),
    get(f"{SERVICES}/web", 404, fields={"message": 'services "web" not found'}),
]

CONFIG: list[Step] = [
    post(CONFIG_MAPS, config_map("a", x="1"), keep={"rv": "metadata.resourceVersion"}),
    patch(f"{CONFIG_MAPS}/a", {"data": {"x": "1"}}, fields={"metadata.resourceVersion": "$rv"}),
    put(f"{CONFIG_MAPS}/a", config_map("a", x="1"), fields={"metadata.resourceVersion": "$rv"}),
    patch(f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": "$rv"}, "data": {"x": "2"}}, fields={"data.x": "2"}),
    patch(
        f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": "$rv"}, "data": {"x": "3"}}, status=409, reason="Conflict"
    ),
    post(CONFIG_MAPS, {"metadata": {"name": "b"}, "data": {"x": 1}}, 400, reason="BadRequest"),
    post(CONFIG_MAPS, {"metadata": {"name": "b"}, "data": {"not/valid": "1"}}, 422, reason="Invalid"),
    post(CONFIG_MAPS, {"metadata": {}}, 422, reason="Invalid", fields={"details.causes.0.field": "metadata.name"}),
    post(CONFIG_MAPS, {"metadata": {"name": "c"}, "immutable": True, "data": {"x": "1"}}),
    patch(
        f"{CONFIG_MAPS}/c",
        {"data": {"x": "2"}},
        status=422,
        reason="Invalid",
        fields={"details.causes.0.field": "data"},
    ),
    post(
        SECRETS,
        {"metadata": {"name": "s"}, "stringData": {"p": "q"}},
        fields={"type": "Opaque", "data.p": "cQ==", "stringData": NOTHING},
    ),
    patch(f"{SECRETS}/s", {"type": "else"}, status=422, reason="Invalid", fields={"details.causes.0.field": "type"}),
]

LISTS: list[Step] = [
    post(CONFIG_MAPS, config_map("a", {"app": "x", "tier": "1"})),
    post(CONFIG_MAPS, config_map("b", {"app": "x", "tier": "2"})),
    post(CONFIG_MAPS, config_map("c", {"app": "y"})),
    get(
        f"{CONFIG_MAPS}?labelSelector=app%3Dx",
        fields={
            "kind": "ConfigMapList",
            "items.0.metadata.name": "a",
            "items.1.metadata.name": "b",
            "items.2": NOTHING,
        },
    ),
    get(
        f"{CONFIG_MAPS}?labelSelector=app%20in%20(x,y),tier", fields={"items.1.metadata.name": "b", "items.2": NOTHING}
    ),
    get(f"{CONFIG_MAPS}?labelSelector=app,!tier", fields={"items.0.metadata.name": "c", "items.1": NOTHING}),
    get(
        f"{CONFIG_MAPS}?labelSelector=app,tier%20notin%20(1)",
        fields={"items.0.metadata.name": "b", "items.1.metadata.name": "c"},
    ),
    get(f"{CONFIG_MAPS}?labelSelector=app!%3Dx,app", fields={"items.0.metadata.name": "c", "items.1": NOTHING}),
    get(f"{CONFIG_MAPS}?labelSelector=a%20b", 400, reason="BadRequest"),
    get(f"{CONFIG_MAPS}?fieldSelector=metadata.name%3Db", fields={"items.0.metadata.name": "b", "items.1": NOTHING}),
    get(f"{CONFIG_MAPS}?fieldSelector=data.x%3Db", 400, reason="BadRequest"),
    get(
        f"{CONFIG_MAPS}?limit=2&labelSelector=app",
        fields={"items.1.metadata.name": "b", "items.2": NOTHING, "metadata.continue": ANYTHING},
        keep={"next": "metadata.continue", "rv": "metadata.resourceVersion"},
    ),
    get(
        f"{CONFIG_MAPS}?limit=2&labelSelector=app&continue=$next",
        fields={
            "items.0.metadata.name": "c",
            "items.1": NOTHING,
            "metadata.continue": NOTHING,
            "metadata.resourceVersion": "$rv",
        },
    ),
    get(f"{CONFIG_MAPS}?continue=nonsense", 400, reason="BadRequest"),
    get(f"{CONFIG_MAPS}?resourceVersion=nonsense", 400, reason="BadRequest"),
    get(
        f"{CONFIG_MAPS}?resourceVersion=999999999",
        504,
        reason="Timeout",
        fields={"message": Containing("Too large resource version")},
    ),
    get(
        "/api/v1/configmaps?fieldSelector=metadata.namespace%3D$NS,metadata.name%3Da",
        fields={"items.0.metadata.name": "a"},
    ),
    delete(f"{CONFIG_MAPS}?labelSelector=app%3Dx", fields={"kind": "ConfigMapList", "items.1.metadata.name": "b"}),
    get(f"{CONFIG_MAPS}?labelSelector=app", fields={"items.0.metadata.name": "c", "items.1": NOTHING}),
    get("/api/v1/namespaces/absent/configmaps", fields={"items": []}),
    get(
        f"{CONFIG_MAPS}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true",
        422,
        reason="Invalid",
    ),
]

LEASE_LIFE: list[Step] = [
    post(LEASES, {"metadata": {"name": "x"}, "spec": {"renewTime": "2026-01-01T00:00:00Z"}}, 400, reason="BadRequest"),
    post(LEASES, {"metadata": {"name": "x"}, "spec": {"leaseDurationSeconds": 0}}, 422, reason="Invalid"),
    post(LEASES, {"metadata": {"name": "x"}, "spec": {"renewTime": "2026-01-01T00:00:00.000001Z"}}),
    post(
        LEASES, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}, keep={"rv": "metadata.resourceVersion"}
    ),
    put(f"{LEASES}/l", {"metadata": {"name": "l"}, "spec": {"holderIdentity": "you"}}, 422, reason="Invalid"),
    put(f"{LEASES}/l", {"metadata": {"name": "l", "resourceVersion": "$rv"}, "spec": {"holderIdentity": "you"}}),
    put(
        f"{LEASES}/l",
        {"metadata": {"name": "l", "resourceVersion": "$rv"}, "spec": {"holderIdentity": "me"}},
        409,
        reason="Conflict",
    ),
    put(f"{LEASES}/m", {"metadata": {"name": "m"}, "spec": {"holderIdentity": "me"}}, 201),
    patch(f"{LEASES}/l", {"spec": {"holderIdentity": None}}, MERGE, fields={"spec.holderIdentity": NOTHING}),
]

POLICY: list[Step] = [
    post(
        BUDGETS,
        {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        fields={"metadata.generation": 1},
    ),
    post(
        SCALERS,
        {
            "metadata": {"name": "h"},
            "spec": {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "w", "apiVersion": "apps/v1"}},
        },
        fields={
            "spec.minReplicas": 1,
            "spec.metrics.0.resource.target.averageUtilization": 80,
            "metadata.generation": NOTHING,
        },
    ),
    patch(f"{SCALERS}/h", {"spec": {"minReplicas": 2}}, fields={"spec.minReplicas": 2}),
    post(
        SLICES,
        {
            "metadata": {"name": "s"},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.1.2.3"]}],
            "ports": [{"port": 80, "name": ""}],
        },
        fields={"metadata.generation": 1, "endpoints.0.addresses": ["10.1.2.3"]},
    ),
]

RIGHTS: list[Step] = [
    post(ROLES, {"metadata": {"name": "r:x"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    post(
        BINDINGS,
        {
            "metadata": {"name": "b"},
            "roleRef": {"kind": "Role", "name": "r:x", "apiGroup": "rbac.authorization.k8s.io"},
            "subjects": [{"kind": "User", "name": "exam-user"}],
        },
        fields={"subjects.0.apiGroup": "rbac.authorization.k8s.io"},
    ),
    patch(
        f"{BINDINGS}/b",
        {"roleRef": {"name": "else"}},
        status=422,
        reason="Invalid",
        fields={"details.causes.0.field": "roleRef"},
    ),
    post(
        REVIEWS,
        {"spec": {"resourceAttributes": {"namespace": "$NS", "verb": "list", "resource": "pods"}}},
        fields={"status.allowed": True},
    ),
    post(
        REVIEWS,
        {"spec": {"nonResourceAttributes": {"path": "/healthz", "verb": "get"}}},
        fields={"status.allowed": True},
    ),
    post(REVIEWS, {"spec": {}}, 422, reason="Invalid"),
]

EVENT_LIFE: list[Step] = [
    post(
        EVENTS,
        event("a", lastTimestamp="2026-01-01T00:00:00Z"),
        fields={"eventTime": None, "reportingComponent": "", "involvedObject.name": "p"},
    ),
    post(EVENTS, event("b", involvedObject={"kind": "Pod", "namespace": "other"}), 422, reason="Invalid"),
    post(EVENTS, event("c", lastTimestamp="yesterday"), 400, reason="BadRequest"),
    post(EVENTS, event("e", eventTime="2026-01-01T00:00:00.000000Z"), 422, reason="Invalid"),
    post(EVENTS, event("d", eventTime="2026-01-01T00:00:00Z"), 400, reason="BadRequest"),
    patch(f"{EVENTS}/a", {"count": 2}, fields={"count": 2}),
    get(f"{EVENTS}?fieldSelector=involvedObject.name%3Dp,reason%3DTested", fields={"items.0.metadata.name": "a"}),
    get(f"{EVENTS}?fieldSelector=involvedObject.name%3Dq", fields={"items": []}),
]

METADATA: list[Step] = [
    post(CONFIG_MAPS, {"metadata": {"name": "a", "annotations": {"k": "x" * 262144}}}, 422, reason="Invalid"),
    post(CONFIG_MAPS, {"metadata": {"name": "a", "annotations": {"Bad Key": "x"}}}, 422, reason="Invalid"),
    post(CONFIG_MAPS, config_map("a", x="y" * 1048577), 422, reason="Invalid"),
    post(CONFIG_MAPS, config_map("a", x="y" * 3200000), 413, reason="RequestEntityTooLarge"),
    post(CONFIG_MAPS, {"metadata": {"name": "a", "ownerReferences": [owner("1"), owner("2")]}}, 422, reason="Invalid"),
    post(
        CONFIG_MAPS, {"metadata": {"name": "a", "ownerReferences": [{"kind": "X", "name": "x"}]}}, 422, reason="Invalid"
    ),
    post(CONFIG_MAPS, {"metadata": {"name": "a", "ownerReferences": [owner("1"), owner("2", controller=False)]}}),
    patch(
        f"{CONFIG_MAPS}/a",
        {"metadata": {"ownerReferences": [{"$patch": "delete", "uid": "1"}]}},
        STRATEGIC,
        fields={"metadata.ownerReferences.0.uid": "2", "metadata.ownerReferences.1": NOTHING},
    ),
    patch(
        f"{CONFIG_MAPS}/a",
        {"metadata": {"ownerReferences": [owner("3")]}},
        fields={"metadata.ownerReferences.0.uid": "3"},
    ),
    post(f"{CONFIG_MAPS}?dryRun=Some", config_map("b"), 422, reason="Invalid"),
]

NAMESPACES: list[Step] = [
    get(
        "/api/v1/namespaces/$NS",
        fields={
            "status.phase": "Active",
            "spec.finalizers": ["kubernetes"],
            "metadata.labels.kubernetes~io/metadata~name": "$NS",
        },
    ),
    post("/api/v1/namespaces", {"metadata": {"name": "Not_Valid"}}, 422, reason="Invalid"),
    post("/api/v1/namespaces", {"metadata": {"name": "$NS"}}, 409, reason="AlreadyExists"),
    post(CONFIG_MAPS, config_map("held") | {"metadata": {"name": "held", "finalizers": ["exam.io/hold"]}}),
    delete("/api/v1/namespaces/$NS", fields={"kind": "Namespace", "status.phase": "Terminating"}),
    post(
        CONFIG_MAPS,
        config_map("late"),
        403,
        reason="Forbidden",
        fields={
            "details.causes.0.reason": "NamespaceTerminating",
            "message": Containing("because it is being terminated"),
        },
    ),
    patch(f"{CONFIG_MAPS}/held", {"metadata": {"finalizers": None}}),
]

DISCOVERY: list[Step] = [
    get("/version", fields={"major": "1", "gitVersion": Containing("v1.")}),
    get("/api", fields={"kind": "APIVersions", "versions": ["v1"]}),
    get("/apis", fields={"kind": "APIGroupList", "groups.0.name": ANYTHING}),
    get("/apis/apps", fields={"kind": "APIGroup", "name": "apps", "preferredVersion.version": "v1"}),
    get("/apis/apps/v1", fields={"kind": "APIResourceList", "groupVersion": "apps/v1"}),
    get("/api/v1", fields={"kind": "APIResourceList", "groupVersion": "v1"}),
    get("/apis/nonsense.example/v1", 404),
    get("/healthz"),
]

PAPERS = {
    "services": SERVICE_LIFE,
    "config": CONFIG,
    "lists": LISTS,
    "leases": LEASE_LIFE,
    "policy": POLICY,
    "rights": RIGHTS,
    "events": EVENT_LIFE,
    "metadata": METADATA,
    "namespaces": NAMESPACES,
    "discovery": DISCOVERY,
}

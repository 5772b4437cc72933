"""Exam papers on Deployments, ReplicaSets, pods, scale and patches."""

from typing import Any

from tests.sandbox.api.examiner import (
    ANYTHING,
    APPLY,
    JSON_PATCH,
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


def _images(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": name, "image": image} for name, image in pairs]}}}}


_PROBED = {
    "name": "app",
    "image": "demo/app:v1",
    "readinessProbe": {"httpGet": {"port": 80}},
    "ports": [{"containerPort": 80}],
}
_SPEC = "spec.template.spec"

DEFAULTS: list[Step] = [
    post(
        DEPLOYMENTS,
        deployment(),
        fields={
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "metadata.uid": ANYTHING,
            "metadata.generation": 1,
            "metadata.namespace": "$NS",
            "metadata.creationTimestamp": ANYTHING,
            "spec.replicas": 1,
            "spec.strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "spec.revisionHistoryLimit": 10,
            "spec.progressDeadlineSeconds": 600,
            f"{_SPEC}.restartPolicy": "Always",
            f"{_SPEC}.terminationGracePeriodSeconds": 30,
            f"{_SPEC}.dnsPolicy": "ClusterFirst",
            f"{_SPEC}.schedulerName": "default-scheduler",
            f"{_SPEC}.securityContext": {},
            f"{_SPEC}.containers.0.imagePullPolicy": "IfNotPresent",
            f"{_SPEC}.containers.1.imagePullPolicy": "Always",
            f"{_SPEC}.containers.0.terminationMessagePath": "/dev/termination-log",
            f"{_SPEC}.containers.0.terminationMessagePolicy": "File",
            f"{_SPEC}.containers.0.resources": {},
            "status": {},
        },
    ),
    post(
        DEPLOYMENTS,
        deployment(
            "probed", template={"metadata": {"labels": LABELS}, "spec": {"containers": [_PROBED]}}, minReadySeconds=3
        ),
        fields={
            f"{_SPEC}.containers.0.ports": [{"containerPort": 80, "protocol": "TCP"}],
            f"{_SPEC}.containers.0.readinessProbe": {
                "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
                "timeoutSeconds": 1,
                "periodSeconds": 10,
                "successThreshold": 1,
                "failureThreshold": 3,
            },
            "spec.minReadySeconds": 3,
        },
    ),
    post(
        DEPLOYMENTS,
        deployment("recreate", strategy={"type": "Recreate"}),
        fields={"spec.strategy": {"type": "Recreate"}},
    ),
    post(DEPLOYMENTS, deployment("none", replicas=0), fields={"spec.replicas": 0}),
    post(REPLICA_SETS, replica_set("rs"), fields={"spec.replicas": 0, "metadata.generation": 1}),
]

REFUSALS: list[Step] = [
    post(DEPLOYMENTS, deployment()),
    post(DEPLOYMENTS, deployment(), 409, reason="AlreadyExists", fields={"details.kind": "deployments"}),
    get(DEPLOYMENTS + "/absent", 404, reason="NotFound", fields={"message": 'deployments.apps "absent" not found'}),
    post(
        DEPLOYMENTS, deployment("Big_Name"), 422, reason="Invalid", fields={"details.causes.0.field": "metadata.name"}
    ),
    post(
        DEPLOYMENTS,
        deployment("other", selector={"matchLabels": {"app": "else"}}),
        422,
        reason="Invalid",
        fields={
            "details.causes.0.field": "spec.template.metadata.labels",
            "message": Containing("`selector` does not match template `labels`"),
        },
    ),
    post(
        DEPLOYMENTS,
        deployment("other", replicas=-1),
        422,
        reason="Invalid",
        fields={"details.causes.0.field": "spec.replicas"},
    ),
    post(DEPLOYMENTS, deployment("other", replicas="two"), 400, reason="BadRequest"),
    post(
        DEPLOYMENTS,
        deployment("other", template={"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "app"}]}}),
        422,
        fields={"details.causes.0.field": f"{_SPEC}.containers.0.image".replace(".0", "[0]")},
    ),
    post(
        DEPLOYMENTS,
        deployment("other", template={"metadata": {"labels": LABELS}, "spec": {"containers": []}}),
        422,
        fields={"details.causes.0.field": f"{_SPEC}.containers", "details.causes.0.reason": "FieldValueRequired"},
    ),
    post(
        DEPLOYMENTS,
        {"metadata": {"name": "other"}, "spec": {"template": deployment()["spec"]["template"]}},
        422,
        fields={"details.causes.0.field": "spec.selector"},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        {"spec": {"selector": {"matchLabels": {"track": "x"}}, "template": {"metadata": {"labels": {"track": "x"}}}}},
        status=422,
        reason="Invalid",
        fields={
            "details.causes.0.field": "spec.selector",
            "message": Containing('Deployment.apps "web" is invalid: spec.selector: Invalid value:'),
        },
    ),
    patch(f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"a": "not valid!"}}}, status=422, reason="Invalid"),
    patch(f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"a": 1}}}, status=422, reason="Invalid"),
    patch(f"{DEPLOYMENTS}/web", {"spec": {"strategy": {"type": "Recreate"}}}, status=422, reason="Invalid"),
    patch(f"{DEPLOYMENTS}/absent", {"spec": {"paused": True}}, status=404, reason="NotFound"),
    post(DEPLOYMENTS, b"{", 400, reason="BadRequest"),
    post(DEPLOYMENTS, deployment("other"), 415, content_type="text/plain", reason="UnsupportedMediaType"),
    patch(f"{DEPLOYMENTS}/web", {}, "application/json", status=415, reason="UnsupportedMediaType"),
    post(DEPLOYMENTS, deployment("other") | {"kind": "ReplicaSet"}, 400, reason="BadRequest"),
    post(
        DEPLOYMENTS.replace("$NS", "absent"),
        deployment(),
        404,
        reason="NotFound",
        fields={"details.kind": "namespaces"},
    ),
    put(f"{DEPLOYMENTS}/web", deployment("other"), 400, reason="BadRequest"),
    put(f"{DEPLOYMENTS}/absent", deployment("absent"), 404, reason="NotFound"),
    post(DEPLOYMENTS, {"metadata": {"name": "other", "namespace": "else"}}, 400, reason="BadRequest"),
    put(DEPLOYMENTS, deployment(), 405, reason="MethodNotAllowed"),
    get("/apis/apps/v1/namespaces/$NS/nonsense", 404, reason="NotFound"),
]

GENERATION: list[Step] = [
    post(DEPLOYMENTS, deployment(), keep={"uid": "metadata.uid"}),
    patch(f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"a": "b"}}}, fields={"metadata.generation": 1}),
    patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}}, fields={"metadata.generation": 2, "spec.replicas": 3}),
    patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}}, fields={"metadata.generation": 2}),
    patch(
        f"{DEPLOYMENTS}/web/status",
        {"status": {"collisionCount": 7}, "spec": {"replicas": 9}},
        fields={"metadata.generation": 2, "spec.replicas": 3, "status.collisionCount": 7},
    ),
    patch(f"{DEPLOYMENTS}/web", {"status": {"collisionCount": 9}}, fields={"status.collisionCount": 7}),
    patch(
        f"{DEPLOYMENTS}/web",
        {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 4}},
        status=409,
        reason="Conflict",
    ),
    patch(f"{DEPLOYMENTS}/web", {"metadata": {"uid": "else"}, "spec": {"replicas": 4}}, status=422, reason="Invalid"),
    put(f"{DEPLOYMENTS}/web", deployment(replicas=5), fields={"metadata.generation": 3, "metadata.uid": "$uid"}),
    put(
        f"{DEPLOYMENTS}/web",
        deployment() | {"metadata": {"name": "web", "resourceVersion": "1"}},
        409,
        reason="Conflict",
        fields={"message": Containing("the object has been modified; please apply your changes to the latest version")},
    ),
    patch(f"{DEPLOYMENTS}/web?dryRun=All", {"spec": {"replicas": 8}}, fields={"spec.replicas": 8}),
    get(f"{DEPLOYMENTS}/web", fields={"spec.replicas": 5}),
    post(f"{DEPLOYMENTS}?dryRun=All", deployment("dry"), fields={"metadata.uid": ANYTHING}),
    get(f"{DEPLOYMENTS}/dry", 404),
]

PATCHES: list[Step] = [
    post(DEPLOYMENTS, deployment()),
    patch(
        f"{DEPLOYMENTS}/web",
        _images(("app", "demo/app:v2")),
        STRATEGIC,
        fields={f"{_SPEC}.containers.0.image": "demo/app:v2", f"{_SPEC}.containers.1.name": "side"},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}},
        STRATEGIC,
        fields={f"{_SPEC}.containers.1": NOTHING},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        {
            "spec": {
                "template": {
                    "spec": {
                        "$setElementOrder/containers": [{"name": "new"}, {"name": "app"}],
                        "containers": [{"name": "new", "image": "demo/new:v1"}],
                    }
                }
            }
        },
        STRATEGIC,
        fields={f"{_SPEC}.containers.0.name": "new", f"{_SPEC}.containers.1.name": "app"},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        STRATEGIC,
        fields={"spec.strategy": {"type": "Recreate"}},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        {"metadata": {"annotations": {"a": "1", "b": "2"}}},
        fields={"metadata.annotations": {"a": "1", "b": "2"}},
    ),
    patch(
        f"{DEPLOYMENTS}/web", {"metadata": {"annotations": {"a": None}}}, fields={"metadata.annotations": {"b": "2"}}
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        {"spec": {"template": {"spec": {"containers": [{"image": "no/name"}]}}}},
        STRATEGIC,
        status=500,
        fields={"message": Containing("does not contain declared merge key: name")},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        [
            {"op": "test", "path": "/spec/replicas", "value": 1},
            {"op": "replace", "path": "/spec/replicas", "value": 2},
            {"op": "add", "path": "/metadata/annotations/c~1d", "value": "x"},
        ],
        JSON_PATCH,
        fields={"spec.replicas": 2, "metadata.annotations.c/d": "x"},
    ),
    patch(
        f"{DEPLOYMENTS}/web",
        [{"op": "test", "path": "/spec/replicas", "value": 99}],
        JSON_PATCH,
        status=422,
        reason="Invalid",
        fields={"message": "the server rejected our request due to an error in our request"},
    ),
    patch(f"{DEPLOYMENTS}/web", [{"op": "remove", "path": "/spec/nothing"}], JSON_PATCH, status=422, reason="Invalid"),
    patch(f"{DEPLOYMENTS}/web", {"op": "remove"}, JSON_PATCH, status=400, reason="BadRequest"),
    patch(f"{DEPLOYMENTS}/web", {"metadata": {"finalizers": ["a.io/x", "a.io/y"]}}, STRATEGIC),
    patch(
        f"{DEPLOYMENTS}/web",
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.io/x"]}},
        STRATEGIC,
        fields={"metadata.finalizers": ["a.io/y"]},
    ),
    patch(f"{DEPLOYMENTS}/web", {"metadata": {"finalizers": None}}, fields={"metadata.finalizers": NOTHING}),
]

SCALE: list[Step] = [
    post(DEPLOYMENTS, deployment(replicas=2)),
    get(
        f"{DEPLOYMENTS}/web/scale",
        fields={"kind": "Scale", "apiVersion": "autoscaling/v1", "spec.replicas": 2, "status.selector": "app=web"},
    ),
    patch(f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 4}}, fields={"spec.replicas": 4, "kind": "Scale"}),
    get(f"{DEPLOYMENTS}/web", fields={"spec.replicas": 4, "metadata.generation": 2}),
    put(f"{DEPLOYMENTS}/web/scale", {"metadata": {"name": "web", "namespace": "$NS"}, "spec": {"replicas": 6}}),
    patch(f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": -1}}, status=422, reason="Invalid"),
    patch(
        f"{DEPLOYMENTS}/web/scale",
        {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 5}},
        status=409,
        reason="Conflict",
    ),
    get(f"{DEPLOYMENTS}/absent/scale", 404, reason="NotFound"),
    get(f"{DEPLOYMENTS}/web", fields={"spec.replicas": 6}),
]

DELETION: list[Step] = [
    post(REPLICA_SETS, replica_set("a"), keep={"uid": "metadata.uid"}),
    delete(f"{REPLICA_SETS}/a", 409, {"preconditions": {"uid": "else"}}, reason="Conflict"),
    delete(f"{REPLICA_SETS}/a", 409, {"preconditions": {"resourceVersion": "1"}}, reason="Conflict"),
    delete(f"{REPLICA_SETS}/a?dryRun=All", fields={"status": "Success"}),
    get(f"{REPLICA_SETS}/a"),
    delete(
        f"{REPLICA_SETS}/a",
        fields={
            "kind": "Status",
            "status": "Success",
            "details": {"name": "a", "group": "apps", "kind": "replicasets", "uid": "$uid"},
        },
    ),
    get(f"{REPLICA_SETS}/a", 404),
    delete(f"{REPLICA_SETS}/a", 404, reason="NotFound"),
    post(REPLICA_SETS, replica_set("b") | {"metadata": {"name": "b", "finalizers": ["exam.io/hold"]}}),
    delete(
        f"{REPLICA_SETS}/b",
        body={"propagationPolicy": "Foreground"},
        fields={
            "kind": "ReplicaSet",
            "metadata.finalizers": ["exam.io/hold", "foregroundDeletion"],
            "metadata.deletionTimestamp": ANYTHING,
            "metadata.deletionGracePeriodSeconds": 0,
            "metadata.generation": 2,
        },
    ),
    patch(f"{REPLICA_SETS}/b", {"metadata": {"finalizers": ["exam.io/new"]}}, status=422, reason="Invalid"),
    patch(f"{REPLICA_SETS}/b", {"metadata": {"finalizers": None}}),
    get(f"{REPLICA_SETS}/b", 404),
    post(REPLICA_SETS, replica_set("c") | {"metadata": {"name": "c", "finalizers": ["exam.io/hold"]}}),
    delete(
        f"{REPLICA_SETS}/c?propagationPolicy=Orphan",
        fields={"metadata.finalizers": ["exam.io/hold", "orphan"], "metadata.deletionTimestamp": ANYTHING},
    ),
    patch(f"{REPLICA_SETS}/c", {"metadata": {"finalizers": None}}),
    delete(f"{REPLICA_SETS}/c", 422, {"propagationPolicy": "Nonsense"}, reason="Invalid"),
    post(
        REPLICA_SETS,
        replica_set("d") | {"metadata": {"generateName": "made-"}},
        fields={"metadata.name": Containing("made-")},
    ),
    delete(REPLICA_SETS, fields={"kind": Containing("List")}),
    get(REPLICA_SETS, fields={"items": []}),
]

POD_LIFE: list[Step] = [
    post(
        PODS,
        pod("p"),
        fields={
            "status.phase": "Pending",
            "status.qosClass": "Burstable",
            "spec.enableServiceLinks": True,
            "spec.containers.0.resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
            "spec.tolerations.0.key": "node.kubernetes.io/not-ready",
            "spec.priority": 0,
            "spec.preemptionPolicy": "PreemptLowerPriority",
        },
    ),
    patch(f"{PODS}/p", {"spec": {"containers": [{"name": "app", "image": "demo/app:v2"}]}}, STRATEGIC),
    patch(
        f"{PODS}/p",
        {"spec": {"restartPolicy": "Never"}},
        status=422,
        reason="Invalid",
        fields={"details.causes.0.field": "spec"},
    ),
    patch(f"{PODS}/p", {"spec": {"nodeName": "n1"}}, status=422, reason="Invalid"),
    patch(f"{PODS}/p", {"spec": {"activeDeadlineSeconds": 60}}),
    post(
        f"{PODS}/p/binding",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}},
        fields={"status": "Success"},
    ),
    get(f"{PODS}/p", fields={"spec.nodeName": "n1", "status.conditions.0.type": "PodScheduled"}),
    post(
        f"{PODS}/p/binding",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n2"}},
        409,
        reason="Conflict",
    ),
    patch(
        f"{PODS}/p/status",
        {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
        STRATEGIC,
        fields={"status.phase": "Running", "status.conditions.1.type": ANYTHING},
    ),
    get(f"{PODS}?fieldSelector=status.phase=Running,spec.nodeName=n1", fields={"items.0.metadata.name": "p"}),
    get(f"{PODS}?fieldSelector=status.phase!=Running", fields={"items": []}),
    get(f"{PODS}?fieldSelector=spec.nonsense=1", 400, reason="BadRequest"),
    delete(
        f"{PODS}/p",
        fields={"kind": "Pod", "metadata.deletionGracePeriodSeconds": 30, "metadata.deletionTimestamp": ANYTHING},
    ),
    delete(f"{PODS}/p", body={"gracePeriodSeconds": 5}, fields={"metadata.deletionGracePeriodSeconds": 5}),
    get(f"{PODS}/p", fields={"metadata.deletionTimestamp": ANYTHING}),
    delete(
        f"{PODS}/p", body={"gracePeriodSeconds": 0}, fields={"kind": "Pod", "metadata.deletionGracePeriodSeconds": 0}
    ),
    get(f"{PODS}/p", 404),
    post(PODS, pod("q"), fields={"metadata.generation": 1}),
    delete(f"{PODS}/q", fields={"kind": "Pod", "metadata.name": "q"}),
    get(f"{PODS}/q", 404),
    post(PODS, pod("r", nodeName="n1", terminationGracePeriodSeconds=0)),
    delete(f"{PODS}/r"),
    get(f"{PODS}/r", 404),
    post(PODS, {"metadata": {"name": "s"}, "spec": {}}, 422, reason="Invalid"),
    get(f"{PODS}/absent/log", 404, reason="NotFound"),
]


def _applied(image: str | None, **spec: Any) -> dict[str, Any]:
    """An apply configuration of one container, with or without its image."""
    body = deployment(**spec)
    body["spec"]["template"]["spec"]["containers"] = [{"name": "app", **({"image": image} if image else {})}]
    return body


SERVER_SIDE_APPLY: list[Step] = [
    patch(f"{DEPLOYMENTS}/web", _applied("demo/app:v1"), APPLY, status=422, reason="Invalid"),
    patch(
        f"{DEPLOYMENTS}/web?fieldManager=one",
        _applied("demo/app:v1", replicas=2, minReadySeconds=5),
        APPLY,
        status=201,
        fields={
            "spec.replicas": 2,
            "metadata.managedFields.0.manager": "one",
            "metadata.managedFields.0.operation": "Apply",
        },
    ),
    patch(
        f"{DEPLOYMENTS}/web?fieldManager=two",
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}},
        APPLY,
        status=409,
        reason="Conflict",
        fields={
            "message": 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
            "details.causes.0.reason": "FieldManagerConflict",
            "details.causes.0.field": ".spec.replicas",
        },
    ),
    patch(
        f"{DEPLOYMENTS}/web?fieldManager=two&force=true",
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}},
        APPLY,
        fields={"spec.replicas": 5, "metadata.managedFields.1.manager": "two"},
    ),
    patch(
        f"{DEPLOYMENTS}/web?fieldManager=one",
        _applied("demo/app:v2"),
        APPLY,
        fields={"spec.replicas": 5, "spec.minReadySeconds": NOTHING, f"{_SPEC}.containers.0.image": "demo/app:v2"},
    ),
    patch(f"{DEPLOYMENTS}/web?fieldManager=three", _images(("app", "demo/app:v3")), STRATEGIC),
    patch(
        f"{DEPLOYMENTS}/web?fieldManager=one",
        _applied("demo/app:v2"),
        APPLY,
        status=409,
        fields={
            "message": Containing(
                'conflict with "three" using apps/v1: .spec.template.spec.containers[name="app"].image'
            )
        },
    ),
    patch(
        f"{DEPLOYMENTS}/web?fieldManager=one&force=true",
        _applied("demo/app:v2") | {"metadata": {"name": "web", "labels": {"a": "b"}}},
        APPLY,
        fields={"metadata.labels": {"a": "b"}, f"{_SPEC}.containers.0.image": "demo/app:v2"},
    ),
    patch(f"{DEPLOYMENTS}/web?fieldManager=one", _applied("demo/app:v2"), APPLY, fields={"metadata.labels": NOTHING}),
]

PAPERS = {
    "defaults": DEFAULTS,
    "refusals": REFUSALS,
    "generation": GENERATION,
    "patches": PATCHES,
    "scale": SCALE,
    "deletion": DELETION,
    "pod-life": POD_LIFE,
    "server-side-apply": SERVER_SIDE_APPLY,
}

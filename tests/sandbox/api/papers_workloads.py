"""Exam papers on Deployments: defaults, refusals, generation, scale."""

from tests.sandbox.api.exam_objects import DEPLOYMENTS, LABELS, REPLICA_SETS, deployment, replica_set
from tests.sandbox.api.examiner import ANYTHING, Containing, Step, get, patch, post, put

_SPEC = "spec.template.spec"

_PROBED = {
    "name": "app",
    "image": "demo/app:v1",
    "readinessProbe": {"httpGet": {"port": 80}},
    "ports": [{"containerPort": 80}],
}
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
    post(DEPLOYMENTS, deployment("other", template="text"), 400, reason="BadRequest"),
    post(DEPLOYMENTS, deployment("other", template={"spec": {"containers": "text"}}), 400, reason="BadRequest"),
    post(DEPLOYMENTS, deployment("other") | {"spec": ["text"]}, 400, reason="BadRequest"),
    post(DEPLOYMENTS, deployment("other") | {"metadata": "text"}, 400, reason="BadRequest"),
    post(DEPLOYMENTS, [1], 400, reason="BadRequest"),
    get(f"{DEPLOYMENTS}?limit=some", 400, reason="BadRequest"),
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

PAPERS = {"defaults": DEFAULTS, "refusals": REFUSALS, "generation": GENERATION, "scale": SCALE}

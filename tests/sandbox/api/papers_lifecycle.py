"""Exam papers on deletion, and on the life of a pod."""

from typing import Any

from tests.sandbox.api.exam_objects import PODS, REPLICA_SETS, pod, replica_set
from tests.sandbox.api.examiner import ANYTHING, STRATEGIC, Containing, Step, delete, get, patch, post

JOBS = "/apis/batch/v1/namespaces/$NS/jobs"


def job(name: str) -> dict[str, Any]:
    """Suspended, so that a cluster with controllers makes no pod of it."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "demo/app:v1"}]}}
    return {"metadata": {"name": name}, "spec": {"suspend": True, "template": template}}


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
    post(JOBS, job("j")),
    delete(f"{JOBS}/j", fields={"kind": "Job", "metadata.finalizers": ["orphan"]}),
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

PAPERS = {"deletion": DELETION, "pod-life": POD_LIFE}

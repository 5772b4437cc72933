"""Exam papers on patches and server-side apply."""

from typing import Any

from tests.sandbox.api.exam_objects import DEPLOYMENTS, deployment
from tests.sandbox.api.examiner import (
    APPLY,
    JSON_PATCH,
    NOTHING,
    STRATEGIC,
    Containing,
    Step,
    patch,
    post,
)

_SPEC = "spec.template.spec"


def _images(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": name, "image": image} for name, image in pairs]}}}}


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

PAPERS = {"patches": PATCHES, "server-side-apply": SERVER_SIDE_APPLY}

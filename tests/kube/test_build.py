"""Copies of a Deployment: by structure, never by text."""

import copy
from typing import Any

import msgspec
import pytest

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.spec import MANAGED_BY_LABEL, PROBE_LABEL, RELEASE_LABEL, ROLLOUT_ANNOTATION
from serinus.kube.build import (
    canary_deployment,
    first_deployment,
    pin_patch,
    probe_pod,
    release_patch,
    scale_patch,
    size_patch,
    template_patch,
    unpin_patch,
)
from tests.core.samples import plan_of
from tests.kube.embedded import service

PLAN = plan_of()
ADOPT = plan_of(Promotion.ADOPT)
LIVE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "checkout-v1",
        "namespace": "shop",
        "uid": "uid-stable",
        "resourceVersion": "812",
        "generation": 7,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "selfLink": "/apis/apps/v1/namespaces/shop/deployments/checkout-v1",
        "managedFields": [{"manager": "kubectl", "operation": "Update"}],
        "ownerReferences": [{"kind": "Application", "name": "shop", "uid": "uid-owner"}],
        "finalizers": ["shop.example/hold"],
        "labels": {
            "app": "checkout",
            "version": "v1",
            "team": "payments",
            "app.kubernetes.io/version": "v1",
            "app.kubernetes.io/instance": "shop",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": "checkout-3.1.0",
            "argocd.argoproj.io/instance": "shop",
            "kustomize.toolkit.fluxcd.io/name": "shop",
            "helm.toolkit.fluxcd.io/name": "shop",
        },
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "deployment.kubernetes.io/revision": "7",
            "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout",
            "meta.helm.sh/release-name": "shop",
            "autoscaling.alpha.kubernetes.io/conditions": "[]",
            "contact": "payments@shop.example",
        },
    },
    "spec": {
        "replicas": 4,
        "paused": True,
        "revisionHistoryLimit": 5,
        "minReadySeconds": 3,
        "selector": {"matchLabels": {"app": "checkout", "version": "v1"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": {
            "metadata": {
                "creationTimestamp": None,
                "labels": {"app": "checkout", "version": "v1", "api": "v1beta1"},
                "annotations": {"prometheus.io/scrape": "true"},
            },
            "spec": {
                "initContainers": [{"name": "migrate", "image": "shop/checkout:v1"}],
                "containers": [
                    {
                        "name": "app",
                        "image": "shop/checkout:v1",
                        "env": [
                            {"name": "API_VERSION", "value": "v1"},
                            {"name": "UPSTREAM", "value": "http://checkout-v1.shop/v1/pay"},
                        ],
                        "readinessProbe": {"httpGet": {"path": "/v1/healthz", "port": 8080}},
                    },
                    {"name": "proxy", "image": "mesh/proxy:v1"},
                ],
                "serviceAccountName": "checkout-v1",
            },
        },
    },
    "status": {"replicas": 4, "readyReplicas": 4, "observedGeneration": 7},
}

SEEN = {"metadata": {"uid": "u", "generation": 3}}


def canary(plan: Plan = PLAN) -> dict[str, Any]:
    return canary_deployment(LIVE, plan, 2)


def containers(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    pod = raw["spec"]["template"]["spec"] if raw["kind"] == "Deployment" else raw["spec"]
    return {container["name"]: container for container in pod["containers"]}


def test_a_copy_has_a_name_a_size_and_a_mark_of_its_own() -> None:
    raw = canary()
    assert (raw["metadata"]["name"], raw["metadata"]["namespace"], raw["spec"]["replicas"]) == (
        "checkout-v2",
        "shop",
        2,
    )
    assert raw["metadata"]["labels"][MANAGED_BY_LABEL] == "serinus"
    assert raw["metadata"]["annotations"][ROLLOUT_ANNOTATION] == PLAN.rollout


def test_what_the_server_put_there_is_left_behind() -> None:
    raw = canary()
    assert set(raw) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(raw["metadata"]) == {"name", "namespace", "labels", "annotations"}
    assert "creationTimestamp" not in raw["spec"]["template"]["metadata"]
    assert "paused" not in raw["spec"]


def test_what_gitops_tools_know_their_objects_by_is_left_behind() -> None:
    metadata = canary()["metadata"]
    assert set(metadata["labels"]) == {"app", "version", "team", "app.kubernetes.io/version", MANAGED_BY_LABEL}
    assert set(metadata["annotations"]) == {"contact", ROLLOUT_ANNOTATION}


def test_the_rest_of_the_spec_is_as_production_has_it() -> None:
    spec = canary()["spec"]
    for field in ("strategy", "minReadySeconds", "revisionHistoryLimit"):
        assert spec[field] == LIVE["spec"][field]
    assert spec["template"]["metadata"]["annotations"] == {"prometheus.io/scrape": "true"}


def test_the_original_is_not_touched() -> None:
    before = copy.deepcopy(LIVE)
    canary()
    probe_pod(LIVE, PLAN)
    assert before == LIVE


def test_images_are_set_by_container_and_by_nothing_else() -> None:
    raw = canary()
    assert {name: one["image"] for name, one in containers(raw).items()} == {
        "app": "registry/checkout:v2",
        "proxy": "mesh/proxy:v1",
    }
    assert raw["spec"]["template"]["spec"]["initContainers"] == [{"name": "migrate", "image": "shop/checkout:v1"}]


def test_text_that_happens_to_hold_the_old_version_stays() -> None:
    raw = canary()
    app = containers(raw)["app"]
    assert app["env"] == LIVE["spec"]["template"]["spec"]["containers"][0]["env"]
    assert app["readinessProbe"]["httpGet"]["path"] == "/v1/healthz"
    assert raw["spec"]["template"]["spec"]["serviceAccountName"] == "checkout-v1"
    assert raw["spec"]["template"]["metadata"]["labels"]["api"] == "v1beta1"


def test_the_release_is_in_the_selector_and_in_the_template() -> None:
    spec = canary()["spec"]
    assert spec["selector"]["matchLabels"][RELEASE_LABEL] == "v2"
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_labels_that_carry_productions_version_carry_the_canarys() -> None:
    raw = canary()
    assert raw["metadata"]["labels"]["version"] == "v2"
    assert raw["metadata"]["labels"]["app.kubernetes.io/version"] == "v2"
    assert raw["spec"]["selector"]["matchLabels"]["version"] == "v2"
    assert raw["spec"]["template"]["metadata"]["labels"]["version"] == "v2"


def test_a_version_label_that_says_something_else_stays() -> None:
    live = copy.deepcopy(LIVE)
    live["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] = "2024.1"
    raw = canary_deployment(live, PLAN, 1)
    assert raw["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] == "2024.1"


def test_a_version_label_that_production_selects_by_stays_where_production_is_to_adopt() -> None:
    raw = canary(ADOPT)
    assert raw["spec"]["selector"]["matchLabels"]["version"] == "v1"
    assert raw["spec"]["template"]["metadata"]["labels"]["version"] == "v1"
    assert raw["metadata"]["labels"]["app.kubernetes.io/version"] == "v2"


def test_a_copy_of_a_deployment_that_selects_by_expressions_is_narrower_too() -> None:
    live = copy.deepcopy(LIVE)
    live["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    selector = canary_deployment(live, PLAN, 1)["spec"]["selector"]
    assert selector["matchLabels"] == {RELEASE_LABEL: "v2"}
    assert selector["matchExpressions"] == [{"key": "app", "operator": "Exists"}]


def test_the_smoke_tests_pod_runs_the_new_version_behind_no_service() -> None:
    raw = probe_pod(LIVE, PLAN)
    assert raw["metadata"]["name"] == "checkout-v2-smoke"
    assert raw["metadata"]["labels"] == {PROBE_LABEL: "v2", MANAGED_BY_LABEL: "serinus"}
    assert raw["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    assert {name: one["image"] for name, one in containers(raw).items()} == {
        "app": "registry/checkout:v2",
        "proxy": "mesh/proxy:v1",
    }


# The first version


def test_a_first_deployment_is_what_the_service_says_of_its_pods() -> None:
    raw = first_deployment(service(), plan_of(Promotion.FIRST), 3)
    spec = raw["spec"]
    assert (raw["metadata"]["name"], spec["replicas"]) == ("checkout-v2", 3)
    assert spec["selector"]["matchLabels"] == {"app": "checkout"}
    assert spec["template"]["metadata"]["labels"] == {"app": "checkout", RELEASE_LABEL: "v2"}
    assert containers(raw)["app"] == {
        "name": "app",
        "image": "registry/checkout:v2",
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 2},
    }


def test_a_port_that_the_service_names_is_named_on_the_container() -> None:
    raw_service = service()
    raw_service["spec"]["ports"] = [{"port": 80, "targetPort": "http"}, {"port": 9090}]
    app = containers(first_deployment(raw_service, plan_of(Promotion.FIRST), 1))["app"]
    assert app["ports"] == [{"name": "http", "containerPort": 80}, {"containerPort": 9090}]


# Patches


@pytest.mark.parametrize(
    "patch",
    [
        scale_patch(SEEN, 1, 2),
        template_patch(SEEN, {"metadata": {}}, True, 4),
        size_patch(SEEN, 4, 1),
        release_patch(SEEN, 1),
    ],
)
def test_every_patch_of_a_deployment_is_for_that_one_and_no_namesake(patch: list[dict[str, Any]]) -> None:
    assert patch[0] == {"op": "test", "path": "/metadata/uid", "value": "u"}


def test_a_scale_is_from_the_size_that_was_seen() -> None:
    assert scale_patch(SEEN, 1, 2)[2] == {"op": "test", "path": "/spec/replicas", "value": 1}


def test_a_template_is_handed_over_without_its_replicasets_hash() -> None:
    template = {"metadata": {"labels": {"app": "checkout", "pod-template-hash": "abc"}}, "spec": {}}
    values = {step["path"]: step["value"] for step in template_patch(SEEN, template, True, 4)}
    assert values["/spec/template"] == {"metadata": {"labels": {"app": "checkout"}}, "spec": {}}
    assert (values["/spec/paused"], values["/spec/strategy/rollingUpdate/maxSurge"]) == (True, 4)
    assert template["metadata"]["labels"]["pod-template-hash"] == "abc"  # type: ignore[index]


def test_an_autoscaler_is_held_still_both_ways() -> None:
    values = {step["path"]: step["value"] for step in pin_patch()}
    still = {"selectPolicy": "Disabled"}
    assert values == {"/spec/minReplicas": 1, "/spec/behavior": {"scaleUp": still, "scaleDown": still}}


@pytest.mark.parametrize(
    ("before", "has_behavior", "last"),
    [
        (
            AutoscalerRef("h", 3, {"scaleUp": {}}),
            True,
            {"op": "add", "path": "/spec/behavior", "value": {"scaleUp": {}}},
        ),
        (AutoscalerRef("h", 3, None), True, {"op": "remove", "path": "/spec/behavior"}),
        (
            AutoscalerRef("h", 3, None),
            False,
            {"op": "replace", "path": "/spec/scaleTargetRef/name", "value": "checkout"},
        ),
    ],
)
def test_an_autoscaler_gets_back_what_it_had(before: AutoscalerRef, has_behavior: bool, last: dict[str, Any]) -> None:
    patch = unpin_patch(before, "checkout", has_behavior)
    assert patch[0] == {"op": "add", "path": "/spec/minReplicas", "value": 3}
    assert patch[-1] == last


def test_a_copy_can_be_sent_as_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(canary())) == canary()

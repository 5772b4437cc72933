"""From raw objects to the preflight's facts: what the embedded API has no part in."""

from typing import Any

import pytest

from serinus.core.preflight.facts import Keeper, Neighbour, Scaler, Unread
from serinus.core.preflight.owners import ARGO_CD, FLUX, FLUX_HELM
from serinus.kube import preflight_read as read
from serinus.kube.quantity import amounts_of, parse_quantity, pod_amounts
from serinus.kube.rehearse import differences

Raw = dict[str, Any]


def pod(**spec: Any) -> Raw:
    return {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{"name": "app"}]} | spec}


def container(name: str = "app", **fields: Any) -> Raw:
    return {"name": name} | fields


def asking(name: str, cpu: str, **fields: Any) -> Raw:
    return container(name, resources={"requests": {"cpu": cpu}}, **fields)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", 0.5),
        ("2", 2.0),
        (3, 3.0),
        ("64Mi", 64 * 2.0**20),
        ("1Gi", 2.0**30),
        ("1k", 1000.0),
        ("1G", 1e9),
        ("1e3", 1000.0),
        ("100n", 1e-7),
        ("0.5Ei", 2.0**59),
    ],
)
def test_a_quantity_is_a_number(text: str | int, number: float) -> None:
    assert parse_quantity(text) == pytest.approx(number)


def test_what_is_no_quantity_is_left_out() -> None:
    with pytest.raises(ValueError, match="'lots' is not a quantity"):
        parse_quantity("lots")
    assert amounts_of({"cpu": "1", "memory": "lots"}) == {"cpu": 1.0}


def test_a_pod_takes_what_runs_together_or_its_largest_init_container() -> None:
    init = [asking("first", "3"), asking("sidecar", "1", restartPolicy="Always"), asking("second", "4")]
    together = [asking("app", "1"), asking("proxy", "500m")]
    assert pod_amounts({"containers": together})[0] == {"cpu": 1.5}
    assert pod_amounts({"containers": together, "initContainers": init})[0] == {"cpu": 5.0}  # second beside the sidecar
    assert pod_amounts({"containers": together, "overhead": {"cpu": "250m"}})[0] == {"cpu": 1.75}


def test_a_limit_without_a_request_is_the_request() -> None:
    requests, limits = pod_amounts({"containers": [container(resources={"limits": {"cpu": "2"}})]})
    assert (requests, limits) == ({"cpu": 2.0}, {"cpu": 2.0})


def test_injected_are_containers_that_neither_template_nor_pods_of_production_have() -> None:
    template, new = pod(), pod(containers=[container(), container("mesh")], initContainers=[container("mesh-init")])
    assert read.injected_containers(new, template, [pod()]) == ("mesh-init", "mesh")
    assert read.injected_containers(new, template, [pod(), new]) == ()
    assert read.injected_containers(new, template, []) == ()  # nothing to compare with


def test_ports_of_the_node_are_host_ports_and_with_the_nodes_network_all() -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 90}]
    assert read.pod_shape(pod(containers=[container(ports=ports)]), None).host_ports == (8080,)
    assert read.pod_shape(pod(containers=[container(ports=ports)], hostNetwork=True), None).host_ports == (8080, 90)


def test_words_of_leader_election_are_found_and_a_plain_no_is_none() -> None:
    containers = [
        container(args=["--leader-elect=true", "--leader-election-id=x"], env=[{"name": "LEADER_ELECTION"}]),
        container("quiet", args=["--leader-elect=false"], env=[{"name": "LEADER_ELECTION", "value": "false"}]),
    ]
    hints = read.pod_shape(pod(containers=containers), None).leader_hints
    assert hints == ("--leader-elect=true", "--leader-election-id=x", "env LEADER_ELECTION")


def test_a_node_counts_when_labels_affinity_taints_and_state_let_the_pod_on_it() -> None:
    def node(name: str, labels: Raw | None = None, **spec: Any) -> Raw:
        return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec}

    def on(nodes: list[Raw], **spec: Any) -> list[str]:
        found = read.nodes(nodes, Unread(), pod(**spec))
        assert not isinstance(found, Unread)
        return [each.name for each in found]

    gpu = {"key": "gpu", "value": "a", "effect": "NoSchedule"}
    soft = {"key": "soft", "effect": "PreferNoSchedule"}
    nodes = [
        node("plain"),
        node("ssd", {"disk": "ssd"}, taints=[soft]),
        node("gpu", taints=[gpu]),
        node("off", unschedulable=True),
    ]
    assert on(nodes) == ["plain", "ssd"]
    assert on(nodes, nodeSelector={"disk": "ssd"}) == ["ssd"]
    assert on(nodes, tolerations=[{"key": "gpu", "value": "a"}]) == ["plain", "ssd", "gpu"]
    assert on(nodes, tolerations=[{"key": "gpu", "value": "b"}]) == ["plain", "ssd"]
    assert on(nodes, tolerations=[{"operator": "Exists"}]) == ["plain", "ssd", "gpu"]
    term = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    assert on(nodes, affinity={"nodeAffinity": required}) == ["ssd"]


def scaled(name: str, target: str = "checkout", **annotations: str) -> Raw:
    keys = {f"autoscaling.keda.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {"metadata": {"name": name, "annotations": keys}, "spec": {"scaleTargetRef": {"name": target}}}


def test_a_scaled_object_is_still_only_when_it_is_paused_and_not_at_a_number() -> None:
    raws = [
        scaled("acts"),
        scaled("paused", paused="true"),
        scaled("at-two", paused_replicas="2"),
        scaled("both", paused="true", paused_replicas="2"),
        scaled("other", target="another"),
    ]
    expected = (Scaler("acts", True), Scaler("paused", False), Scaler("at-two", True), Scaler("both", True))
    assert read.scaled_objects(raws, "checkout") == expected


@pytest.mark.parametrize(("mode", "active"), [(None, True), ("Recreate", True), ("Initial", False), ("Off", False)])
def test_a_vertical_autoscaler_acts_by_its_mode(mode: str | None, active: bool) -> None:
    policy = {} if mode is None else {"updatePolicy": {"updateMode": mode}}
    raw = {"metadata": {"name": "v"}, "spec": {"targetRef": {"kind": "Deployment", "name": "checkout"}} | policy}
    assert read.vertical_autoscalers([raw], "checkout") == (Scaler("v", active, mode or "Auto"),)


def kept(kind: str = "Deployment", labels: Raw | None = None, annotations: Raw | None = None) -> Raw:
    return {"kind": kind, "metadata": {"name": "checkout", "labels": labels or {}, "annotations": annotations or {}}}


def test_argo_cd_is_known_by_its_tracking_and_not_by_a_label_that_charts_set_too() -> None:
    tracked = kept(annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout"})
    assert read.keepers([tracked]) == (Keeper(ARGO_CD, "shop", "Deployment", "checkout"),)
    waved = kept(labels={"app.kubernetes.io/instance": "shop"}, annotations={"argocd.argoproj.io/sync-wave": "1"})
    assert read.keepers([waved]) == (Keeper(ARGO_CD, "shop", "Deployment", "checkout"),)
    assert read.keepers([kept(labels={"app.kubernetes.io/instance": "shop"})]) == ()


def test_flux_is_known_by_its_labels_unless_it_was_told_to_leave_the_object() -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    assert read.keepers([kept("Service", labels)]) == (Keeper(FLUX, "apps", "Service", "checkout"),)
    for key, value in (("reconcile", "disabled"), ("ssa", "IfNotPresent"), ("ssa", "Ignore")):
        assert read.keepers([kept(labels=labels, annotations={f"kustomize.toolkit.fluxcd.io/{key}": value})]) == ()
    helm = kept(labels={"helm.toolkit.fluxcd.io/name": "shop"})
    assert read.keepers([helm]) == (Keeper(FLUX_HELM, "shop", "Deployment", "checkout"),)


def test_neighbours_are_those_behind_the_service_that_production_does_not_own() -> None:
    def owned(kind: str, name: str, labels: Raw, **fields: Any) -> Raw:
        owners = [{"kind": kind, "name": name, "controller": True}] if kind else []
        return {"metadata": {"labels": labels, "ownerReferences": owners} | fields, "spec": {}}

    ours = {"app": "checkout", "tier": "web"}
    pods = [
        owned("ReplicaSet", "checkout-1", ours),
        owned("ReplicaSet", "old-1", {"app": "checkout"}),
        owned("StatefulSet", "legacy", ours),
        owned("", "", ours),
        owned("StatefulSet", "leaving", ours, deletionTimestamp="2026-01-01T00:00:00Z"),
    ]
    found = read.neighbours(pods, {"matchLabels": ours})
    assert found == (Neighbour("", "", 1), Neighbour("ReplicaSet", "old-1", 1), Neighbour("StatefulSet", "legacy", 1))


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["BestEffort"]}, True),
        ({"scopes": ["NotBestEffort"]}, False),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [_in := {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
                }
            },
            True,
        ),
        ({"scopeSelector": {"matchExpressions": [_in | {"values": ["low"]}]}}, False),
    ],
)
def test_a_quota_counts_by_its_scopes(scope: Raw, counts: bool) -> None:
    raw = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "5"}} | scope}
    assert bool(read.quotas([raw], pod(priorityClassName="high"))) is counts


def deployment(**template: Any) -> Raw:
    return {"metadata": {"name": "checkout-v2", "labels": {"app": "checkout"}}, "spec": {"template": template}}


def test_what_the_server_fills_in_is_no_difference() -> None:
    sent = deployment(metadata={"labels": {"a": "b"}}, spec={"containers": [container()]})
    stored = deployment(metadata={"labels": {"a": "b"}, "creationTimestamp": None}, spec={"containers": [container()]})
    stored["metadata"] |= {"uid": "u", "resourceVersion": "1", "generation": 1, "managedFields": [{}]}
    assert list(differences(sent, stored)) == []


def test_differences_are_named_by_path_and_list_items_by_name() -> None:
    sent = deployment(spec={"containers": [container(env=[{"name": "A", "value": "1"}])]})
    changed = container(env=[{"name": "A", "value": "2"}, {"name": "B"}])
    stored = deployment(metadata={"annotations": {"mesh": "on"}}, spec={"containers": [changed, container("proxy")]})
    assert sorted(differences(sent, stored)) == [
        "spec.template.metadata.annotations.mesh",
        "spec.template.spec.containers[app].env[A].value",
        "spec.template.spec.containers[app].env[B]",
        "spec.template.spec.containers[proxy]",
    ]

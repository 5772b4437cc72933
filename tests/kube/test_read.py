"""From raw objects to facts: each fact from the field it stands in."""

import copy
from typing import Any

import pytest

from serinus.core.plan import AutoscalerRef
from serinus.core.pods import Container, Ended, Track
from serinus.core.spec import PROBE_LABEL, RELEASE_LABEL
from serinus.kube.read import (
    autoscaler_of,
    creation_refused,
    deployment_facts,
    first_port,
    hpa_ref,
    matches,
    owner_uid,
    pod_of,
    revision_of,
    same_template,
    service_facts,
    serving_pods,
    track_of,
    workload_of,
)
from tests.core.samples import plan_of
from tests.kube.embedded import deployment, service

PLAN = plan_of()


def pod(labels: dict[str, str] | None = None, containers: int = 1, **status: Any) -> dict[str, Any]:
    metadata = {"name": "pod-1", "uid": "u1", "labels": labels or {}}
    spec = {"containers": [{"name": f"app{number or ''}", "image": "checkout:v1"} for number in range(containers)]}
    return {"metadata": metadata, "spec": spec, "status": status}


def condition(kind: str, status: str, **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, **more}


def only_container(**status: Any) -> Container:
    raw = pod(containerStatuses=[{"name": "app", "restartCount": 0, **status}])
    (container,) = pod_of(raw, Track.CANARY, frozenset()).containers
    return container


# Selectors


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ({"matchLabels": {"app": "checkout"}}, True),
        ({"matchLabels": {"app": "checkout", "tier": "web"}}, False),
        ({}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["checkout", "cart"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["checkout"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Resembles"}]}, False),
    ],
)
def test_labels_satisfy_a_selector(selector: dict[str, Any], holds: bool) -> None:
    assert matches(selector, {"app": "checkout", "version": "v1"}) is holds


# Pods


def test_a_pod_serves_when_it_is_ready_and_its_service_lists_it() -> None:
    raw = pod(phase="Running", podIP="127.1.2.3", conditions=[condition("Ready", "True")])
    seen = pod_of(raw, Track.CANARY, frozenset({"pod-1"}))
    assert (seen.name, seen.uid, seen.ip, seen.phase, seen.track) == (
        "pod-1",
        "u1",
        "127.1.2.3",
        "Running",
        Track.CANARY,
    )
    assert (seen.ready, seen.serving, seen.deleting) == (True, True, False)


def test_a_ready_pod_that_no_slice_lists_does_not_serve() -> None:
    seen = pod_of(pod(conditions=[condition("Ready", "True")]), Track.CANARY, frozenset())
    assert (seen.ready, seen.serving) == (True, False)


def test_a_pod_on_its_way_out_does_not_serve() -> None:
    raw = pod(conditions=[condition("Ready", "True")])
    raw["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    seen = pod_of(raw, Track.CANARY, frozenset({"pod-1"}))
    assert (seen.deleting, seen.serving) == (True, False)


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_a_pod_whose_readiness_is_false_or_unknown_is_not_ready(ready: str) -> None:
    assert not pod_of(pod(conditions=[condition("Ready", ready)]), Track.CANARY, frozenset({"pod-1"})).ready


def test_a_pod_without_a_status_is_pending() -> None:
    raw = pod()
    del raw["status"]
    seen = pod_of(raw, Track.CANARY, frozenset())
    assert (seen.phase, seen.ready, seen.containers) == ("Pending", False, ())


def test_a_pod_that_no_node_takes_has_the_schedulers_message() -> None:
    raw = pod(conditions=[condition("PodScheduled", "False", reason="Unschedulable", message="0/3 nodes")])
    assert pod_of(raw, Track.CANARY, frozenset()).unschedulable == "0/3 nodes"
    gated = pod(conditions=[condition("PodScheduled", "False", reason="SchedulingGated", message="gated")])
    assert pod_of(gated, Track.CANARY, frozenset()).unschedulable == ""


def test_a_pod_that_failed_as_a_whole_says_why() -> None:
    seen = pod_of(pod(phase="Failed", reason="Evicted", message="low on memory"), Track.CANARY, frozenset())
    assert (seen.failed_reason, seen.failed_message) == ("Evicted", "low on memory")


def test_a_containers_waiting_is_read() -> None:
    seen = only_container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}})
    assert (seen.waiting_reason, seen.waiting_message, seen.running) == ("ImagePullBackOff", "Back-off", False)


def test_a_containers_ends_are_read() -> None:
    seen = only_container(
        restartCount=2,
        state={"terminated": {"reason": "OOMKilled", "exitCode": 137, "message": "oh"}},
        lastState={"terminated": {"exitCode": 1}},
    )
    assert (seen.ended, seen.last_ended) == (Ended("OOMKilled", "oh", 137), Ended("Error", "", 1))
    assert (seen.restarts, seen.times_ended) == (2, 3)


def test_a_running_container_has_the_image_that_was_asked_for() -> None:
    seen = only_container(image="docker.io/library/checkout:v1", state={"running": {}})
    assert (seen.image, seen.running, seen.times_ended) == ("checkout:v1", True, 0)


@pytest.mark.parametrize(("code", "times"), [(0, 0), (1, 1)])
def test_an_init_container_that_is_done_has_not_ended_badly(code: int, times: int) -> None:
    state = {"terminated": {"reason": "Completed", "exitCode": code}}
    raw = pod(initContainerStatuses=[{"name": "migrate", "image": "migrate:v1", "restartCount": 0, "state": state}])
    (seen,) = pod_of(raw, Track.CANARY, frozenset()).containers
    assert (seen.name, seen.image, seen.times_ended) == ("migrate", "migrate:v1", times)


def test_serving_pods_are_those_that_the_slices_do_not_call_unready() -> None:
    def endpoint(name: str, **conditions: Any) -> dict[str, Any]:
        return {"targetRef": {"kind": "Pod", "name": name}, "conditions": conditions}

    slices = [
        {"endpoints": [endpoint("a", ready=True), endpoint("b", ready=False), endpoint("c")]},
        {"endpoints": [{"addresses": ["10.0.0.1"]}, endpoint("d", ready=None)]},
        {"endpoints": None},
    ]
    assert serving_pods(slices) == {"a", "c", "d"}


@pytest.mark.parametrize(
    ("labels", "adopted", "track"),
    [
        ({"app": "checkout"}, False, Track.STABLE),
        ({"app": "checkout", RELEASE_LABEL: "v1"}, False, Track.STABLE),
        ({"app": "checkout", RELEASE_LABEL: "v2"}, False, Track.CANARY),
        ({"app": "checkout", RELEASE_LABEL: "v2"}, True, Track.STABLE),
        ({PROBE_LABEL: "v2"}, False, Track.PROBE),
        ({PROBE_LABEL: "v0"}, False, None),
        ({"app": "cart"}, False, None),
    ],
)
def test_a_pods_track_is_told_by_its_labels(labels: dict[str, str], adopted: bool, track: Track | None) -> None:
    assert track_of(pod(labels), PLAN, adopted, {"matchLabels": {"app": "checkout"}}) is track


def test_without_production_other_pods_are_nobodys() -> None:
    assert track_of(pod({"app": "checkout"}), PLAN, False, None) is None


# Workloads


def live(**metadata: Any) -> dict[str, Any]:
    raw = deployment()
    raw["metadata"] |= {"uid": "u", "generation": 3} | metadata
    raw["status"] = {"observedGeneration": 3, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4}
    return raw


def test_a_deployments_pods_are_counted() -> None:
    ready = pod_of(pod(conditions=[condition("Ready", "True")]), Track.STABLE, frozenset({"pod-1"}))
    unready = pod_of(pod(), Track.STABLE, frozenset())
    seen = workload_of(live(), (ready, unready), asked_to_go=False)
    assert (seen.uid, seen.wanted, seen.pods, seen.serving) == ("u", 4, 2, 1)
    assert (seen.settled, seen.paused, seen.release, seen.max_surge, seen.deleting) == (True, False, None, None, False)


def test_a_deployment_whose_controller_lags_behind_is_not_settled() -> None:
    assert not workload_of(live(generation=4), (), asked_to_go=False).settled
    fresh = live()
    del fresh["status"]
    assert not workload_of(fresh, (), asked_to_go=False).settled


def test_a_deployment_that_was_asked_to_go_is_deleting() -> None:
    assert workload_of(live(), (), asked_to_go=True).deleting
    assert workload_of(live(deletionTimestamp="2026-01-01T00:00:00Z"), (), asked_to_go=False).deleting


def test_release_pause_and_surge_are_read_from_the_spec() -> None:
    raw = live()
    raw["spec"] |= {"paused": True, "strategy": {"rollingUpdate": {"maxSurge": 4}}}
    raw["spec"]["template"]["metadata"]["labels"][RELEASE_LABEL] = "v2"
    seen = workload_of(raw, (), asked_to_go=False)
    assert (seen.paused, seen.release, seen.max_surge) == (True, "v2", 4)


def test_a_deployment_without_replicas_wants_one() -> None:
    raw = live()
    del raw["spec"]["replicas"]
    assert workload_of(raw, (), asked_to_go=False).wanted == 1


def test_the_refusal_of_pods_is_read_from_the_deployments_condition() -> None:
    raw = live()
    raw["status"]["conditions"] = [condition("ReplicaFailure", "True", message="exceeded quota")]
    assert creation_refused(raw) == "exceeded quota"
    raw["status"]["conditions"][0]["status"] = "False"
    assert (creation_refused(raw), creation_refused(live()), creation_refused(None)) == ("", "", "")


def test_templates_are_equal_but_for_the_hash_and_empty_fields() -> None:
    one, other = live(), live()
    other["spec"]["template"]["metadata"] |= {"creationTimestamp": None, "annotations": {}}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "checkout", "pod-template-hash": "abc"}
    assert same_template(one, other)
    for change in ({"labels": {"app": "checkout", "x": "y"}}, {"annotations": {"injected": "true"}}):
        different = copy.deepcopy(one)
        different["spec"]["template"]["metadata"] |= change
        assert not same_template(one, different)
    different = copy.deepcopy(one)
    different["spec"]["template"]["spec"]["priority"] = 5
    assert not same_template(one, different)


def test_the_owner_is_the_controller_among_the_owners() -> None:
    owners = [{"uid": "other"}, {"uid": "mine", "controller": True}]
    assert owner_uid({"metadata": {"ownerReferences": owners}}) == "mine"
    assert owner_uid({"metadata": {"ownerReferences": owners[:1]}}) is None
    assert owner_uid({"metadata": {}}) is None


@pytest.mark.parametrize(("text", "revision"), [("12", 12), ("", 0), ("one", 0)])
def test_a_revision_is_read_from_its_annotation(text: str, revision: int) -> None:
    assert revision_of({"metadata": {"annotations": {"deployment.kubernetes.io/revision": text}}}) == revision
    assert revision_of({"metadata": {}}) == 0


# The autoscaler


STILL = {"scaleUp": {"selectPolicy": "Disabled"}, "scaleDown": {"selectPolicy": "Disabled"}}


def hpa(min_replicas: int | None = 2, behavior: dict[str, Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"scaleTargetRef": {"kind": "Deployment", "name": "checkout"}}
    if min_replicas is not None:
        spec["minReplicas"] = min_replicas
    if behavior is not None:
        spec["behavior"] = behavior
    return {"metadata": {"name": "checkout"}, "spec": spec}


def test_what_pinning_replaces_is_kept_to_the_letter() -> None:
    assert hpa_ref(hpa()) == AutoscalerRef("checkout", 2, None)
    assert hpa_ref(hpa(None, STILL)) == AutoscalerRef("checkout", None, STILL)


@pytest.mark.parametrize(
    ("raw", "pinned", "as_before"),
    [
        (hpa(), False, True),
        (hpa(1, STILL), True, False),
        (hpa(2, STILL), False, False),
        (hpa(1, {"scaleUp": STILL["scaleUp"]}), False, False),
        (hpa(2, {"scaleUp": {}}), False, False),
    ],
)
def test_an_autoscaler_is_compared_with_pinned_and_with_before(
    raw: dict[str, Any], pinned: bool, as_before: bool
) -> None:
    seen = autoscaler_of(raw, AutoscalerRef("checkout", 2, None))
    assert (seen.pinned, seen.as_before, seen.target) == (pinned, as_before, "checkout")


def test_a_minimum_that_was_not_given_and_one_of_1_are_the_same() -> None:
    assert autoscaler_of(hpa(1), AutoscalerRef("checkout", None, None)).as_before


# The survey


def test_a_services_facts_are_read() -> None:
    facts = service_facts(service(version="v1"))
    assert (facts.name, facts.version, facts.selector, facts.type) == (
        "checkout",
        "v1",
        {"app": "checkout"},
        "ClusterIP",
    )
    assert facts.ports == (("http", 8080),)
    bare = service_facts({"metadata": {"name": "x"}, "spec": {"type": "ExternalName"}})
    assert (bare.version, bare.selector, bare.type) == (None, {}, "ExternalName")


def test_a_deployments_facts_are_read() -> None:
    facts = deployment_facts(live(), kept=False)
    assert (facts.name, facts.uid, facts.wanted, facts.ready, facts.settled) == ("checkout-v1", "u", 4, 4, True)
    assert (facts.images, facts.paused, facts.kept) == ({"app": "shop/checkout:v1"}, False, False)


@pytest.mark.parametrize("change", [{"updatedReplicas": 3}, {"replicas": 5}, {"observedGeneration": 2}])
def test_a_deployment_in_the_middle_of_its_own_rollout_is_not_settled(change: dict[str, int]) -> None:
    raw = live()
    raw["status"] |= change
    assert not deployment_facts(raw, kept=False).settled


@pytest.mark.parametrize(
    ("strategy", "pods"),
    [
        (None, 1),
        ({"type": "Recreate"}, None),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}, 1),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "30%"}}, 2),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3}}, 3),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}, 0),
    ],
)
def test_a_surge_is_counted_in_pods_rounded_up(strategy: dict[str, Any] | None, pods: int | None) -> None:
    raw = live()
    if strategy is not None:
        raw["spec"]["strategy"] = strategy
    assert deployment_facts(raw, kept=False).surge == pods


@pytest.mark.parametrize(
    ("rolling", "pods"),
    [
        ({"maxSurge": "25%", "maxUnavailable": "25%"}, 1),
        ({"maxSurge": "25%", "maxUnavailable": "20%"}, 0),
        ({"maxSurge": 1, "maxUnavailable": 0}, 0),
        ({"maxSurge": 0, "maxUnavailable": "10%"}, 1),
        ({"maxSurge": 0, "maxUnavailable": 9}, 4),
        (None, 0),
    ],
)
def test_how_many_pods_may_be_missing_is_rounded_down_but_one_can_always_move(
    rolling: dict[str, Any] | None, pods: int
) -> None:
    raw = live()
    raw["spec"]["strategy"] = {"rollingUpdate": rolling} if rolling is not None else {"type": "Recreate"}
    assert deployment_facts(raw, kept=False).max_unavailable == pods


@pytest.mark.parametrize("status", ["True", "False"])
def test_a_deployment_whose_pods_are_refused_is_obstructed(status: str) -> None:
    raw = live()
    raw["status"]["conditions"] = [{"type": "ReplicaFailure", "status": status, "message": "exceeded quota"}]
    assert workload_of(raw, (), asked_to_go=False).obstructed == (status == "True")


@pytest.mark.parametrize(
    ("ports", "offered", "found"),
    [
        ([{"port": 80, "targetPort": 8080}], [], 8080),
        ([{"port": 80}], [], 80),
        ([{"port": 80, "targetPort": "http"}], [{"name": "http", "containerPort": 3000}], 3000),
        ([{"port": 80, "targetPort": "http"}], [{"name": "metrics", "containerPort": 3000}], None),
        ([], [], None),
    ],
)
def test_the_port_behind_the_services_first_one_is_found(
    ports: list[dict[str, Any]], offered: list[dict[str, Any]], found: int | None
) -> None:
    raw = pod()
    raw["spec"]["containers"][0]["ports"] = offered
    assert first_port({"spec": {"ports": ports}}, raw) == found

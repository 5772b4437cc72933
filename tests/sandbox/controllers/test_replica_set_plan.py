"""The ReplicaSet controller's decisions, without an API."""

from datetime import UTC, datetime, timedelta
from typing import Any

from serinus.sandbox.controllers.objects import format_time, selector_matches
from serinus.sandbox.controllers.ownership import claim
from serinus.sandbox.controllers.replicaset.order import DELETION_COST, deletion_order
from serinus.sandbox.controllers.replicaset.plan import new_pod, plan_pods, plan_status, seconds_to_recheck
from serinus.sandbox.rest import Raw

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LABELS = {"app": "shop"}


def replica_set(replicas: int, **spec: Any) -> Raw:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": []}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "shop-1", "namespace": "default", "uid": "rs", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template, **spec},
    }


def pod(name: str, *, ready_for: float | None = 100.0, phase: str = "Running", node: str = "n1", **more: Any) -> Raw:
    conditions = []
    if ready_for is not None:
        since = format_time(NOW - timedelta(seconds=ready_for))
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": LABELS, "resourceVersion": "1"}
    metadata["creationTimestamp"] = more.pop("created", "2026-01-01T11:00:00Z")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | more,
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": conditions},
    }


def order(*pods: Raw) -> list[str]:
    return [item["metadata"]["name"] for item in deletion_order(pods, pods, NOW)]


def test_the_most_dispensable_pods_go_first() -> None:
    pods = [
        pod("old"),
        pod("unready", ready_for=None),
        pod("pending", ready_for=None, phase="Pending"),
        pod("unassigned", ready_for=None, phase="Pending", node=""),
        pod("cheap", annotations={DELETION_COST: "-1"}),
    ]
    assert order(*pods) == ["unassigned", "pending", "unready", "cheap", "old"]


def test_of_two_ready_pods_the_one_ready_for_less_time_goes_first() -> None:
    assert order(pod("long", ready_for=1000.0), pod("short", ready_for=2.0)) == ["short", "long"]


def test_a_pod_that_shares_its_node_goes_before_one_that_does_not() -> None:
    assert order(pod("alone", node="n2"), pod("one"), pod("two"))[-1] == "alone"


def test_more_restarts_go_first_and_then_the_younger() -> None:
    restarted = pod("restarted")
    restarted["status"]["containerStatuses"] = [{"restartCount": 3}]
    young = pod("young", created="2026-01-01T11:59:58Z")
    assert order(pod("old"), young, restarted) == ["restarted", "young", "old"]


def test_ended_and_leaving_pods_do_not_count() -> None:
    pods = [pod("ok"), pod("failed", phase="Failed"), pod("leaving", deletionTimestamp="2026-01-01T11:59:00Z")]
    assert plan_pods(replica_set(3), pods, pods, NOW).missing == 2
    status = plan_status(replica_set(3), [pods[0], pods[2]], None, NOW)
    assert (status["replicas"], status["terminatingReplicas"]) == (1, 1)


def test_a_pod_is_available_after_its_waiting_time() -> None:
    waiting = replica_set(1, minReadySeconds=10)
    young, old = pod("young", ready_for=4.0), pod("old", ready_for=11.0)
    status = plan_status(waiting, [young, old], None, NOW)
    assert (status["readyReplicas"], status["availableReplicas"]) == (2, 1)
    assert seconds_to_recheck(waiting, [young, old], NOW) == 6.0
    assert seconds_to_recheck(replica_set(1), [young], NOW) is None


def test_a_new_pod_carries_the_template_and_its_controller() -> None:
    made = new_pod(replica_set(1), "abcde")
    assert made["metadata"]["name"] == "shop-1-abcde"
    assert made["metadata"]["generateName"] == "shop-1-"
    assert made["metadata"]["labels"] == LABELS
    assert made["metadata"]["ownerReferences"][0] == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "shop-1",
        "uid": "rs",
        "controller": True,
        "blockOwnerDeletion": True,
    }


def test_the_first_failure_stands_until_it_is_over() -> None:
    body = replica_set(2)
    body["status"] = plan_status(body, [], ("FailedCreate", "quota"), NOW)
    again = plan_status(body, [], ("FailedCreate", "another message"), NOW + timedelta(seconds=5))
    assert again["conditions"] == body["status"]["conditions"]
    assert "conditions" not in plan_status(body, [], None, NOW)


def owned(name: str, uid: str, labels: dict[str, str] = LABELS) -> Raw:
    return pod(name, ownerReferences=[{"uid": uid, "controller": True}], labels=labels)


def test_orphans_are_adopted_strangers_released_and_others_left_alone() -> None:
    pods = [owned("mine", "rs"), owned("lost", "rs", {"app": "x"}), owned("other", "another"), pod("orphan")]
    claims = claim(replica_set(1), pods)
    assert [item["metadata"]["name"] for item in claims.owned] == ["mine"]
    assert [wanted.path.rsplit("/", 1)[1] for wanted in claims.adoptions] == ["orphan"]
    assert [wanted.path.rsplit("/", 1)[1] for wanted in claims.releases] == ["lost"]
    assert claims.releases[0].body["metadata"]["ownerReferences"] == []


def test_an_owner_that_is_leaving_adopts_and_releases_nothing() -> None:
    leaving = replica_set(1)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T11:59:00Z"
    claims = claim(leaving, [owned("mine", "rs"), owned("lost", "rs", {"app": "x"}), pod("orphan")])
    assert (len(claims.owned), claims.adoptions, claims.releases) == (1, [], [])


def test_selectors_know_expressions() -> None:
    def expression(operator: str, *values: str) -> Raw:
        return {"matchExpressions": [{"key": "app", "operator": operator, "values": list(values)}]}

    assert selector_matches(expression("In", "shop", "cart"), LABELS)
    assert not selector_matches(expression("NotIn", "shop"), LABELS)
    assert selector_matches(expression("Exists"), LABELS)
    assert selector_matches(expression("DoesNotExist"), {})
    assert not selector_matches({}, LABELS)

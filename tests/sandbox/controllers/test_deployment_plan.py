"""The Deployment controller's decisions, without an API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serinus.sandbox.controllers.deployment.annotations import DESIRED, HISTORY, MAXIMUM, REVISION, mark_newest
from serinus.sandbox.controllers.deployment.arithmetic import max_surge, max_unavailable, rounded
from serinus.sandbox.controllers.deployment.conditions import condition_of
from serinus.sandbox.controllers.deployment.plan import plan_deployment
from serinus.sandbox.controllers.deployment.template import HASH_LABEL, same_template, template_hash
from serinus.sandbox.controllers.objects import copied, format_time
from serinus.sandbox.rest import Raw

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def template(image: str, **labels: str) -> Raw:
    container = {"name": "app", "image": image}
    return {"metadata": {"labels": {"app": "shop", **labels}}, "spec": {"containers": [container]}}


def deployment(replicas: int, image: str = "v2", **spec: Any) -> Raw:
    rolling = {"maxSurge": "25%", "maxUnavailable": "25%"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "default", "uid": "d", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": template(image),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "progressDeadlineSeconds": 600,
            **spec,
        },
    }


def replica_set(image: str, size: int, available: int, *, revision: int = 1, desired: int = 4, maximum: int = 5) -> Raw:
    annotations = {REVISION: str(revision), DESIRED: str(desired), MAXIMUM: str(maximum)}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"shop-{image}",
            "namespace": "default",
            "uid": image,
            "annotations": annotations,
            "creationTimestamp": f"2026-01-01T0{revision}:00:00Z",
        },
        "spec": {"replicas": size, "template": template(image, **{HASH_LABEL: image})},
        "status": {"replicas": available, "availableReplicas": available, "readyReplicas": available},
    }


def sizes(body: Raw, *owned: Raw) -> dict[str, int]:
    rollout = plan_deployment(body, owned, [], NOW)
    images = ((item["spec"]["template"]["spec"]["containers"][0]["image"], item) for item in rollout.all)
    return {image: item["spec"]["replicas"] for image, item in images}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (4, 0, 0, (0, 1)),
        (4, "0%", "10%", (0, 1)),
        (3, 2, 5, (2, 3)),
    ],
)
def test_surge_is_rounded_up_and_unavailability_down(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    body = deployment(replicas, strategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    assert (max_surge(body), max_unavailable(body)) == expected


def test_halves_are_rounded_away_from_zero() -> None:
    assert [rounded(value) for value in (0.5, 1.4, 2.5, -0.5, -2.5)] == [1, 1, 3, -1, -3]


def test_templates_differ_by_content_but_not_by_the_hash_label_or_by_empty_maps() -> None:
    one = template("v1")
    assert same_template(one, template("v1", **{HASH_LABEL: "x"}))
    assert same_template(one, {**one, "metadata": {**one["metadata"], "annotations": {}}})
    assert not same_template(one, template("v1", extra="label"))
    with_volume = copied(one)
    with_volume["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    without_kind = copied(one)
    without_kind["spec"]["volumes"] = [{"name": "scratch"}]
    assert not same_template(with_volume, without_kind)


def test_a_collision_gives_another_hash_for_the_same_template() -> None:
    hashes = {template_hash(template("v1"), collisions) for collisions in range(5)}
    assert len(hashes) == 5
    assert template_hash(template("v1"), 0) in hashes


def test_the_first_pass_makes_the_replica_set_at_full_size() -> None:
    rollout = plan_deployment(deployment(4), [], [], NOW)
    made, status = (wanted.body for wanted in rollout.writes())
    assert made["spec"]["replicas"] == 4
    assert made["metadata"]["annotations"] == {REVISION: "1", DESIRED: "4", MAXIMUM: "5"}
    assert status["metadata"]["annotations"] == {REVISION: "1"}
    assert condition_of(status, "Progressing")["reason"] == "NewReplicaSetCreated"


def test_a_pass_over_what_is_as_it_should_be_writes_nothing() -> None:
    newest = replica_set("v2", 4, 4)
    body = deployment(4)
    for _ in range(3):
        rollout = plan_deployment(body, [newest], [], NOW)
        body = rollout.deployment
    assert rollout.writes() == []


def test_a_new_template_grows_by_the_surge_and_shrinks_the_old_at_once() -> None:
    assert sizes(deployment(4), replica_set("v1", 4, 4)) == {"v1": 3, "v2": 1}


def test_unhealthy_old_pods_go_first() -> None:
    ill, well = replica_set("v0", 2, 0, revision=1), replica_set("v1", 3, 3, revision=2)
    after = sizes(deployment(4), ill, well, replica_set("v2", 0, 0, revision=3))
    assert after["v0"] < 2
    assert after["v1"] == 3


def test_old_counters_that_lag_behind_are_not_counted_twice() -> None:
    # The old ReplicaSet was shrunk to 2 a moment ago, and its status still speaks of 3 available pods.
    lagging = replica_set("v1", 2, 3)
    assert sizes(deployment(4), lagging, replica_set("v2", 3, 2, revision=2)) == {"v1": 2, "v2": 3}


def test_availability_is_never_sold_for_pods_that_are_not_ready() -> None:
    assert sizes(deployment(4), replica_set("v1", 3, 3), replica_set("v2", 2, 0, revision=2)) == {"v1": 3, "v2": 2}


def test_a_half_done_rollout_grows_in_proportion() -> None:
    old = replica_set("v1", 8, 8, desired=10, maximum=13)
    new = replica_set("v2", 5, 0, revision=2, desired=10, maximum=13)
    assert sizes(deployment(20, paused=True), old, new) == {"v1": 15, "v2": 10}


def test_what_proportions_leave_over_goes_to_the_largest_and_newest() -> None:
    old = replica_set("v1", 3, 3, desired=5, maximum=8)
    new = replica_set("v2", 3, 3, revision=2, desired=5, maximum=8)
    assert sizes(deployment(6), old, new) == {"v1": 3, "v2": 5}


def test_scaling_to_nothing_takes_all() -> None:
    old, new = replica_set("v1", 3, 3), replica_set("v2", 2, 0, revision=2)
    assert sizes(deployment(0), old, new) == {"v1": 0, "v2": 0}


def test_recreate_waits_for_the_last_old_pod() -> None:
    old = replica_set("v1", 0, 0)
    pod = {"metadata": {"ownerReferences": [{"uid": "v1", "controller": True}]}, "status": {"phase": "Running"}}
    body = deployment(2, strategy={"type": "Recreate"})
    waiting = plan_deployment(body, [old], [pod], NOW)
    assert waiting.created is None
    ended = {**pod, "status": {"phase": "Failed"}}
    assert plan_deployment(body, [old], [ended], NOW).created is not None


def test_a_rollback_raises_the_revision_and_remembers_the_one_before() -> None:
    back = replica_set("v2", 0, 0, revision=1)
    mark_newest(deployment(4), back, 3)
    assert back["metadata"]["annotations"][REVISION] == "3"
    assert back["metadata"]["annotations"][HISTORY] == "1"


def test_a_long_history_forgets_its_beginning() -> None:
    back = replica_set("v2", 0, 0, revision=9999)
    back["metadata"]["annotations"][HISTORY] = ",".join(str(number) for number in range(1000, 1400))
    mark_newest(deployment(4), back, 10000)
    history = back["metadata"]["annotations"][HISTORY]
    assert len(history) <= 2000
    assert history.endswith(",9999")


def progressing(reason: str, status: str, updated: datetime) -> Raw:
    time = format_time(updated)
    return {
        "type": "Progressing",
        "status": status,
        "reason": reason,
        "message": "",
        "lastUpdateTime": time,
        "lastTransitionTime": time,
    }


def stuck(seconds: int) -> Raw:
    body = deployment(4)
    since = NOW - timedelta(seconds=seconds)
    body["status"] = {
        "replicas": 2,
        "updatedReplicas": 2,
        "conditions": [progressing("ReplicaSetUpdated", "True", since)],
    }
    return body


def test_the_deadline_counts_from_the_last_progress() -> None:
    newest = replica_set("v2", 4, 2)
    newest["status"].update(availableReplicas=0, readyReplicas=0)
    early = plan_deployment(stuck(599), [newest], [], NOW)
    assert condition_of(early.deployment, "Progressing")["reason"] == "ReplicaSetUpdated"
    assert early.recheck_seconds == 2.0
    late = plan_deployment(stuck(601), [newest], [], NOW)
    assert condition_of(late.deployment, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert late.recheck_seconds is None


def test_a_pause_stops_the_deadline() -> None:
    body = stuck(10_000)
    body["spec"]["paused"] = True
    paused = plan_deployment(body, [replica_set("v2", 4, 2)], [], NOW)
    assert condition_of(paused.deployment, "Progressing")["reason"] == "DeploymentPaused"
    body = paused.deployment
    body["spec"]["paused"] = False
    resumed = plan_deployment(body, [replica_set("v2", 4, 2)], [], NOW)
    assert condition_of(resumed.deployment, "Progressing")["reason"] == "DeploymentResumed"


def test_a_failure_of_a_replica_set_is_a_condition_of_the_deployment() -> None:
    newest = replica_set("v2", 4, 2)
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    newest["status"]["conditions"] = [failure]
    rollout = plan_deployment(deployment(4), [newest], [], NOW)
    assert condition_of(rollout.deployment, "ReplicaFailure")["message"] == "quota"
    newest["status"]["conditions"] = []
    over = plan_deployment(rollout.deployment, [newest], [], NOW)
    assert condition_of(over.deployment, "ReplicaFailure") is None


def test_a_deployment_that_is_being_deleted_is_only_counted() -> None:
    body = deployment(4)
    body["metadata"]["deletionTimestamp"] = format_time(NOW)
    writes = plan_deployment(body, [replica_set("v1", 4, 4)], [], NOW).writes()
    assert [wanted.path.rsplit("/", 1)[1] for wanted in writes] == ["status"]

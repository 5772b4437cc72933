"""The checks of the preflight, one by one, over facts alone."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from serinus.core.plan import AutoscalerKind, AutoscalerRef, Plan, Promotion
from serinus.core.preflight import CHECKS, report_on
from serinus.core.preflight.facts import (
    Budget,
    Claim,
    Inputs,
    Keeper,
    Limit,
    Neighbour,
    Node,
    Note,
    PodShape,
    Quota,
    Refusal,
    Rehearsal,
    Scaler,
    Unread,
)
from serinus.core.preflight.owners import ARGO_CD, FLUX, FLUX_HELM
from serinus.core.preflight.room import extra_pods, peak_backwards, peak_forwards
from serinus.core.spec import Smoke
from serinus.core.survey import Problem
from tests.core.samples import plan_of

GIB = 2.0**30
ROOMY = Node("big", {"cpu": 100.0, "memory": 100 * GIB, "pods": 100.0})


IN_PLACE = plan_of(Promotion.ADOPT)
"""Four pods; shares of 1+3, 2+2, 4+1."""


def inputs(plan: Plan | None = None, **fields: Any) -> Inputs:
    return Inputs(plan or IN_PLACE, "the test's cluster", **fields)


def only(check: str, given: Inputs) -> Problem | Note:
    """The one finding of a check, which must be the only one of all checks."""
    (finding,) = CHECKS[check](given)
    report = report_on(given)
    assert [*report.problems, *report.notes] == [finding]
    if isinstance(finding, Note):
        assert finding.check == check
        assert "\n" not in finding.sentence
    return finding


def problem(check: str, given: Inputs) -> Problem:
    finding = only(check, given)
    assert isinstance(finding, Problem)
    assert all((finding.what, finding.where, finding.why, finding.hint))
    return finding


def note(check: str, given: Inputs) -> Note:
    finding = only(check, given)
    assert isinstance(finding, Note)
    return finding


def quiet(given: Inputs) -> bool:
    report = report_on(given)
    return not report.problems and not report.notes


def test_an_ordinary_deployment_gives_no_word() -> None:
    assert quiet(inputs())


def test_every_missing_right_is_a_problem_of_its_own() -> None:
    report = report_on(inputs(missing_rights=("delete deployments (apps)", "get pods/log")))
    assert [found.what for found in report.problems] == [
        "no right to delete deployments (apps)",
        "no right to get pods/log",
    ]


def test_all_problems_and_notes_come_in_one_report() -> None:
    many = inputs(
        missing_rights=("create pods",),
        claims=(Claim("data", ("ReadWriteOncePod",)),),
        quotas=(Quota("small", {"pods": 4.0}, {"pods": 4.0}),),
        pod=PodShape(has_readiness_probe=False),
    )
    report = report_on(many)
    assert len(report.problems) == 3
    assert [found.check for found in report.notes] == ["readiness-probe"]


# Pods and their template


def test_a_refused_dry_run_is_a_problem() -> None:
    refusal = Refusal("the cluster refuses pods", "here", "violates PodSecurity", "correct it")
    assert problem("dry-run", inputs(rehearsal=Rehearsal((refusal,)))).why == "violates PodSecurity"


def test_a_webhook_that_refuses_a_pod_without_an_owner_is_a_note_unless_such_a_pod_is_made() -> None:
    rehearsal = Rehearsal((Refusal("the cluster refuses pods", "here", "admission webhook said no", "do", True),))
    assert note("dry-run", inputs(rehearsal=rehearsal)).why == "admission webhook said no"
    assert problem("dry-run", inputs(plan_of(Promotion.ADOPT, smoke=Smoke("/")), rehearsal=rehearsal))


def test_paths_that_admission_changed_are_named() -> None:
    rehearsal = Rehearsal(altered=("spec.template.metadata.annotations.sidecar",))
    assert "spec.template.metadata.annotations.sidecar" in note("admission", inputs(rehearsal=rehearsal)).why


def test_containers_that_only_new_pods_are_given_are_named() -> None:
    assert "mesh-proxy" in note("admission", inputs(rehearsal=Rehearsal(injected=("mesh-proxy",)))).what


def test_a_missing_readiness_probe_is_a_note() -> None:
    assert "count as ready" in note("readiness-probe", inputs(pod=PodShape(has_readiness_probe=False))).why


def test_a_single_replica_is_a_note() -> None:
    assert "50 %" in note("single-replica", inputs(plan_of(Promotion.ADOPT, replicas=1))).why


def test_a_volume_for_one_pod_is_a_problem() -> None:
    found = problem("volumes", inputs(claims=(Claim("data", ("ReadWriteOncePod",)),), nodes=(ROOMY,)))
    assert "PersistentVolumeClaim data" in found.where


def test_a_volume_for_one_node_is_a_problem_where_there_may_be_several() -> None:
    claims = (Claim("data", ("ReadWriteOnce",)),)
    assert problem("volumes", inputs(claims=claims, nodes=(ROOMY, ROOMY)))
    assert problem("volumes", inputs(claims=claims, nodes=Unread()))
    assert quiet(inputs(claims=claims, nodes=(ROOMY,)))


def test_a_volume_for_many_nodes_is_fine() -> None:
    assert quiet(inputs(claims=(Claim("data", ("ReadWriteOnce", "ReadWriteMany")),)))


def test_leader_election_is_a_note() -> None:
    assert "--leader-elect" in note("leader-election", inputs(pod=PodShape(leader_hints=("--leader-elect",)))).why
    assert "Lease checkout" in note("leader-election", inputs(lock_names=("checkout",))).why


# Room


def test_the_largest_moment_forwards_is_a_steps_canary_beside_the_production_of_the_step_before() -> None:
    plan = plan_of(Promotion.ADOPT, replicas=10, asked=(10, 50))  # 1+9, 5+5, 10+1
    assert peak_forwards(plan).pods == 15  # 10 of the canary, 5 of production
    assert extra_pods(plan, peak_forwards(plan)) == 5


def test_the_smoke_tests_pod_counts_in_the_first_step() -> None:
    assert peak_forwards(plan_of(Promotion.ADOPT, replicas=4, asked=(99,))).pods == 8
    with_smoke = plan_of(Promotion.ADOPT, replicas=4, asked=(99,), smoke=Smoke("/"))
    assert peak_forwards(with_smoke).pods == 9
    assert "smoke test" in peak_forwards(with_smoke).when


def test_the_largest_moment_backwards_is_production_whole_and_the_canary_not_yet_gone() -> None:
    assert peak_backwards(plan_of(Promotion.RENAME, replicas=10)).pods == 20
    assert peak_backwards(plan_of(Promotion.ADOPT, replicas=10)).pods == 19


def test_a_first_deployment_needs_room_for_all_its_pods() -> None:
    plan = plan_of(Promotion.FIRST, replicas=3)
    assert extra_pods(plan, peak_forwards(plan)) == 3
    assert extra_pods(plan, peak_backwards(plan)) == 0


@pytest.mark.parametrize(("hard", "enough"), [(19.0, True), (18.0, False)])
def test_a_quota_of_pods_must_leave_room_for_the_way_back(hard: float, enough: bool) -> None:
    given = inputs(
        plan_of(Promotion.ADOPT, replicas=10, asked=(10, 50)), quotas=(Quota("team", {"pods": hard}, {"pods": 10.0}),)
    )
    if enough:
        assert quiet(given)
        return
    found = problem("quota", given)
    assert found.what == "ResourceQuota team leaves too few pods"
    assert "10 of 18 are used" in found.why
    assert "the rollout needs 5 more" in found.why
    assert "its way back needs 9 more" in found.why
    assert "raise its pods to 19" in found.hint


@pytest.mark.parametrize(
    "resource", ["cpu", "requests.cpu", "memory", "requests.memory", "limits.cpu", "limits.memory"]
)
def test_a_quota_of_a_resource_counts_what_a_pod_takes_of_it(resource: str) -> None:
    pod = PodShape(requests={"cpu": 0.5, "memory": GIB}, limits={"cpu": 0.5, "memory": GIB})
    per_pod = GIB if "memory" in resource else 0.5
    used = {resource: 4 * per_pod}  # the way back from 4+1 needs 3 more
    assert quiet(inputs(pod=pod, quotas=(Quota("team", {resource: 7 * per_pod}, used),)))
    assert problem("quota", inputs(pod=pod, quotas=(Quota("team", {resource: 6.9 * per_pod}, used),)))


def test_a_quota_that_nobody_has_counted_yet_says_nothing() -> None:
    assert quiet(inputs(quotas=(Quota("new", {"pods": 1.0}, {}),)))


def test_a_limit_range_names_the_container_and_the_numbers() -> None:
    containers = (("app", {"cpu": 2.0, "memory": GIB / 4}, {"cpu": 2.0}),)
    limit = Limit("bounds", "Container", {"memory": GIB}, {"cpu": 1.0})
    found = problem("limit-range", inputs(pod=PodShape(containers=containers), limits=(limit,)))
    assert "container app: memory request 256Mi is below 1Gi, cpu 2 is above 1" in found.why


def test_a_limit_range_of_pods_counts_the_whole_pod() -> None:
    limit = Limit("bounds", "Pod", {}, {"cpu": 1.0})
    assert problem("limit-range", inputs(pod=PodShape(requests={"cpu": 1.5}), limits=(limit,)))
    assert quiet(inputs(pod=PodShape(requests={"cpu": 1.0}), limits=(limit,)))


def test_too_little_room_on_the_nodes_is_a_note() -> None:
    pod = PodShape(requests={"cpu": 1.0})
    crowded = (Node("a", {"cpu": 1.9, "pods": 10.0}), Node("b", {"cpu": 5.0, "pods": 1.0}))  # one pod each
    assert "room for 2 more pods of 3" in note("node-room", inputs(pod=pod, nodes=crowded)).what
    assert quiet(inputs(pod=pod, nodes=(*crowded, Node("c", {"cpu": 1.0, "pods": 1.0}))))


def test_nodes_whose_pods_were_not_counted_give_no_word() -> None:
    assert quiet(inputs(nodes=(Node("a", None),)))


def test_pods_with_a_port_of_the_node_need_as_many_nodes() -> None:
    pod = PodShape(host_ports=(9000,))
    assert "7 pods are needed at once" in problem("host-ports", inputs(pod=pod, nodes=(ROOMY,) * 6)).why
    assert quiet(inputs(pod=pod, nodes=(ROOMY,) * 7))
    assert "could not be counted" in note("host-ports", inputs(pod=pod)).why


# Others who have a say


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_pods_of_another_kind_behind_the_service_are_a_problem(kind: str) -> None:
    found = problem("neighbours", inputs(neighbours=(Neighbour(kind, "legacy", 2),)))
    assert found.what == f"{kind} legacy stands behind the Service"


def test_other_pods_behind_the_service_are_a_note() -> None:
    assert (
        "1 pod of ReplicaSet old-1 "
        in note("neighbours", inputs(neighbours=(Neighbour("ReplicaSet", "old-1", 1),))).what
    )
    assert "3 pods of no owner" in note("neighbours", inputs(neighbours=(Neighbour("", "", 3),))).what


def test_an_autoscaler_that_is_held_still_is_a_note() -> None:
    assert (
        "HorizontalPodAutoscaler web"
        in note("autoscaler", inputs(plan_of(Promotion.ADOPT, autoscaler=AutoscalerRef("web", 2, None)))).what
    )


def test_a_scaled_object_that_will_be_paused_is_a_note_and_a_second_one_a_problem() -> None:
    plan = plan_of(Promotion.ADOPT, autoscaler=AutoscalerRef("queue", kind=AutoscalerKind.SCALED_OBJECT))
    queue, other = Scaler("queue", active=True), Scaler("other", active=True)
    held = note("autoscaler", inputs(plan, scaled_objects=(queue,)))
    assert held.what == "ScaledObject queue is paused while the release runs"
    [second] = report_on(inputs(plan, scaled_objects=(queue, other))).problems
    assert second.what == "ScaledObject other scales production as well"
    assert quiet(inputs(scaled_objects=(Scaler("queue", active=False),)))


def test_a_vertical_autoscaler_that_acts_is_a_note() -> None:
    assert "mode Auto" in note("vertical-autoscaler", inputs(vertical_autoscalers=(Scaler("v", True, "Auto"),))).what
    assert quiet(inputs(vertical_autoscalers=(Scaler("v", False, "Off"),)))


@pytest.mark.parametrize(
    ("minimum", "maximum", "word"),
    [(2, None, "it wants 2 of them and the plan goes down to 1"), ("75%", None, "wants 3"), (None, 1, "wants 3")],
)
def test_a_budget_of_production_alone_is_a_note(minimum: int | str | None, maximum: int | None, word: str) -> None:
    assert word in note("disruption-budget", inputs(budgets=(Budget("b", minimum, maximum, counts_canary=False),))).why


def test_a_budget_of_both_versions_that_leaves_room_is_no_word() -> None:
    assert quiet(inputs(budgets=(Budget("b", 3, None, counts_canary=True),)))


@pytest.mark.parametrize(("minimum", "maximum"), [(4, None), ("100%", None), (None, 0), (None, "0%")])
def test_a_budget_that_lets_nothing_go_is_a_note(minimum: int | str | None, maximum: int | str | None) -> None:
    found = note("disruption-budget", inputs(budgets=(Budget("b", minimum, maximum, counts_canary=True),)))
    assert "lets no pod be evicted" in found.what


def test_argo_cd_is_told_what_to_ignore() -> None:
    keepers = (Keeper(ARGO_CD, "shop", "Deployment", "checkout"), Keeper(ARGO_CD, "shop", "Service", "checkout"))
    found = note("gitops", inputs(plan_of(Promotion.RENAME, mark_version=True), keepers=keepers))
    assert found.what == "Argo CD 'shop' keeps Deployment checkout and Service checkout as Git has it"
    hint = found.hint
    assert "{group: apps, kind: Deployment, name: checkout, jsonPointers: [/spec/replicas]}" in hint
    assert "{kind: Service, name: checkout, jsonPointers: [/metadata/labels/version]}" in hint
    assert "RespectIgnoreDifferences=true" in hint
    without = note("gitops", inputs(plan_of(Promotion.RENAME, mark_version=False), keepers=keepers))
    assert "Service" not in without.sentence


def test_a_release_in_place_changes_the_template_that_git_has_too() -> None:
    hint = note("gitops", inputs(keepers=(Keeper(ARGO_CD, "shop", "Deployment", "checkout"),))).hint
    assert "jsonPointers: [/spec/replicas, /spec/template, /spec/strategy]" in hint
    assert "bring the new image into Git" in hint


def test_a_service_that_the_release_does_not_change_may_be_kept_by_anyone() -> None:
    assert quiet(
        inputs(plan_of(Promotion.ADOPT, mark_version=False), keepers=(Keeper(ARGO_CD, "shop", "Service", "checkout"),))
    )


def test_flux_is_told_what_to_ignore() -> None:
    rule = "ignore: [{paths: [/spec/replicas], target: {kind: Deployment, name: checkout}}]"
    plan = plan_of(Promotion.RENAME)
    kustomization = note("gitops", inputs(plan, keepers=(Keeper(FLUX, "shop", "Deployment", "checkout"),))).hint
    assert "kustomize.toolkit.fluxcd.io/reconcile: disabled" in kustomization
    assert rule in kustomization
    release = note("gitops", inputs(plan, keepers=(Keeper(FLUX_HELM, "shop", "Deployment", "checkout"),))).hint
    assert f"driftDetection: {{{rule}}}" in release


def test_git_must_name_the_new_deployment_after_a_release_by_version() -> None:
    given = inputs(plan_of(Promotion.RENAME), keepers=(Keeper(ARGO_CD, "shop", "Deployment", "checkout"),))
    assert "have Git name checkout-v2 in place of checkout-v1" in note("gitops", given).hint


# What was not looked at


def test_what_could_not_be_read_is_said_once_and_refuses_nothing() -> None:
    unread = Unread("no right to list it")
    fields = [field.name for field in dataclasses.fields(Inputs) if "Unread" in str(field.type)]
    given = inputs(**dict.fromkeys(fields, unread))
    report = report_on(given)
    assert report.problems == ()
    (said,) = report.notes
    assert said.check == "unread"
    assert "resourcequotas, limitranges, poddisruptionbudgets" in said.what


def test_nodes_that_may_not_be_read_are_no_word() -> None:
    assert quiet(inputs(nodes=Unread()))


def test_the_reference_page_has_a_line_for_each_check_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/preflight.md").read_text()
    rows = [line.split("|")[1].strip().strip("`") for line in page.splitlines() if line.startswith("| `")]
    assert rows == list(CHECKS)

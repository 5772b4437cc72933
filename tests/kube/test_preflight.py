"""The preflight over the embedded API: what it finds there, and that it touches nothing (each look compares that)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from serinus.core.spec import Image, Spec
from serinus.kube.errors import Unauthorized
from tests.kube.preflight_world import ADMIN, NAMESPACE, PIPELINE, SPEC, World, documented_grants, running_world

REQUESTS_MAX = 12
WITHOUT_SMOKE = Spec(NAMESPACE, "checkout", images=(Image("demo/checkout:v2"),))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running_world() as running:
        yield running


def namespaced(api_version: str, kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


async def test_an_ordinary_release_is_passed_without_a_word(world: World) -> None:
    world.production()
    world.node("n1")
    report = await world.looked_at()
    assert (report.problems, report.notes) == ((), ())


async def test_a_first_deployment_is_passed(world: World) -> None:
    service = namespaced("v1", "Service", "checkout", selector={"app": "checkout"}, ports=[{"port": 80}])
    world.create(service)
    world.node("n1")
    report = await world.looked_at()
    assert (report.problems, report.notes) == ((), ())


async def test_it_costs_few_requests(world: World) -> None:
    world.production(pod={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]})
    world.node("n1")
    await world.looked_at()
    assert len(world.sent) <= REQUESTS_MAX
    assert [request.path.rsplit("/", 1)[1] for request in world.sent].count("selfsubjectaccessreviews") == 0


async def test_everything_is_told_at_once(world: World) -> None:
    world.production(1, readinessProbe=None, pod={"volumes": [_volume("data")]})
    world.create(namespaced("v1", "PersistentVolumeClaim", "data", accessModes=["ReadWriteOncePod"]))
    world.pod("legacy-0", "StatefulSet", "legacy")
    world.create(namespaced("v1", "ResourceQuota", "team", hard={"pods": "1"}), status=_quota("pods", "1", "1"))
    world.autoscaler()
    report = await world.looked_at()
    assert [problem.what for problem in report.problems] == [
        "StatefulSet legacy stands behind the Service",
        "the two versions cannot share a volume",
        "ResourceQuota team leaves too few pods",
    ]
    assert [note.check for note in report.notes] == ["readiness-probe", "single-replica", "node-room", "autoscaler"]


def _volume(claim: str) -> dict[str, Any]:
    return {"name": claim, "persistentVolumeClaim": {"claimName": claim}}


def _quota(resource: str, hard: str, used: str) -> dict[str, Any]:
    return {"hard": {resource: hard}, "used": {resource: used}}


async def test_a_quota_is_compared_with_what_the_template_asks_for(world: World) -> None:
    world.production(resources={"requests": {"cpu": "250m", "memory": "64Mi"}})
    world.node("n1")
    raw = namespaced("v1", "ResourceQuota", "team", hard={"requests.cpu": "1500m"})
    world.create(raw, status=_quota("requests.cpu", "1500m", "1"))
    (problem,) = (await world.looked_at()).problems
    assert problem.what == "ResourceQuota team leaves too few requests.cpu"
    assert "1 of 1500m are used" in problem.why
    assert "its way back needs 750m more" in problem.why


async def test_a_quota_for_other_pods_is_not_compared(world: World) -> None:
    world.production(resources={"requests": {"cpu": "250m"}})
    world.node("n1")
    raw = namespaced("v1", "ResourceQuota", "batch", hard={"pods": "4"}, scopes=["Terminating"])
    world.create(raw, status=_quota("pods", "4", "4"))
    assert (await world.looked_at()).problems == ()


async def test_a_limit_range_forbids_the_template(world: World) -> None:
    world.production(resources={"limits": {"cpu": "2"}})
    world.node("n1")
    world.create(namespaced("v1", "LimitRange", "bounds", limits=[{"type": "Container", "max": {"cpu": "1"}}]))
    without = {grant for grant in documented_grants() if grant != ("create", "", "pods")}  # so no pod is rehearsed
    world.grant(without | {("list", "", "limitranges")})
    (problem,) = (await world.looked_at(WITHOUT_SMOKE, PIPELINE)).problems
    assert problem.why == "container app: cpu 2 is above 1"


async def test_a_volume_for_one_node_is_fine_where_the_pods_have_one_node(world: World) -> None:
    world.production(pod={"volumes": [_volume("data")], "nodeSelector": {"disk": "yes"}})
    world.create(namespaced("v1", "PersistentVolumeClaim", "data", accessModes=["ReadWriteOnce"]))
    for name, labels in (("n1", {"disk": "yes"}), ("n2", {})):
        raw = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        world.create(raw, status={"allocatable": {"cpu": "9", "pods": "99"}})
    assert (await world.looked_at()).problems == ()


async def test_ports_of_the_node_are_counted_against_the_nodes_that_take_such_pods(world: World) -> None:
    world.production(2, ports=[{"containerPort": 8080, "hostPort": 8080}])
    for name in ("n1", "n2", "n3"):
        world.node(name)
    world.node("cordoned", unschedulable=True)
    world.node("special", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    report = await world.looked_at(WITHOUT_SMOKE)
    assert report.problems == ()  # three at once: two and one
    (problem,) = (await world.looked_at()).problems  # with the smoke test's pod
    assert "4 pods are needed at once" in problem.why
    assert "3 nodes" in problem.why


async def test_too_little_room_on_the_nodes_is_a_note(world: World) -> None:
    world.production(4, resources={"requests": {"cpu": "1"}})
    world.node("n1", cpu="2")
    (note,) = (await world.looked_at()).notes
    assert note.what == "the nodes have room for 2 more pods of 3"


async def test_a_budget_of_production_alone_is_a_note(world: World) -> None:
    world.production(labels={}, pod={})
    world.node("n1")
    only_production = {"matchExpressions": [{"key": "serinus.dev/release", "operator": "DoesNotExist"}]}
    world.create(namespaced("policy/v1", "PodDisruptionBudget", "strict", minAvailable=3, selector=only_production))
    both = {"matchLabels": {"app": "checkout"}}
    world.create(namespaced("policy/v1", "PodDisruptionBudget", "wide", minAvailable=3, selector=both))
    (note,) = (await world.looked_at()).notes
    assert note.what == "PodDisruptionBudget strict counts production's pods only"


async def test_a_leader_is_seen_by_its_lease_and_our_own_lease_is_none(world: World) -> None:
    world.production()
    world.node("n1")
    for name, holder in (("elector", "checkout-1-0_ab"), ("serinus-checkout", "checkout-ci"), ("other", "worker-1")):
        world.create(namespaced("coordination.k8s.io/v1", "Lease", name, holderIdentity=holder))
    (note,) = (await world.looked_at()).notes
    assert note.check == "leader-election"
    assert "Lease elector" in note.why
    assert "serinus" not in note.why


async def test_what_the_cluster_refuses_is_a_problem_in_its_own_words(world: World) -> None:
    world.production()
    world.node("n1")
    report = await world.looked_at(Spec(NAMESPACE, "checkout", images=(Image(" demo/checkout:v2"),)))
    (problem,) = report.problems
    assert problem.what.startswith("the cluster refuses Deployment checkout-v2")
    assert "must not have leading or trailing whitespace" in problem.why


async def test_optional_kinds_that_may_not_be_read_are_one_note_and_no_request(world: World) -> None:
    world.production()
    world.grant(documented_grants())
    report = await world.looked_at(token=PIPELINE)
    assert report.problems == ()
    (note,) = report.notes
    assert note.what == "could not look at resourcequotas, poddisruptionbudgets"
    asked = {request.path.rsplit("/", 1)[1] for request in world.sent}
    assert not asked & {"resourcequotas", "limitranges", "poddisruptionbudgets", "nodes"}


async def test_a_release_without_the_right_to_make_pods_needs_none(world: World) -> None:
    world.production()
    world.grant({grant for grant in documented_grants() if grant[2] != "pods" or grant[0] != "create"})
    report = await world.looked_at(WITHOUT_SMOKE, PIPELINE)
    assert report.problems == ()
    assert "a pod's dry run" in report.notes[0].what


async def test_the_smoke_tests_pod_needs_it(world: World) -> None:
    world.production()
    world.grant({grant for grant in documented_grants() if grant[2] != "pods" or grant[0] != "create"})
    assert [problem.what for problem in (await world.looked_at(SPEC, PIPELINE)).problems] == ["no right to create pods"]


async def test_an_administrator_is_asked_one_question_about_rights(world: World) -> None:
    world.production()
    await world.looked_at(token=ADMIN)
    assert sum("authorization.k8s.io" in request.path for request in world.sent) == 1


async def test_an_unknown_caller_is_an_error_and_no_list_of_problems(world: World) -> None:
    world.production()
    with pytest.raises(Unauthorized):
        await world.looked_at(token="stranger")

"""What garbage collection decides, without an API."""

from typing import Any

from serinus.sandbox.controllers.garbage.graph import Graph
from serinus.sandbox.controllers.garbage.plan import FOREGROUND, ORPHAN, Owner, owner_state, plan_dependent, plan_owner
from serinus.sandbox.rest import Raw


def item(name: str, *owners: str, blocks: bool = True, **metadata: Any) -> Raw:
    references = [{"uid": owner, "blockOwnerDeletion": blocks} for owner in owners]
    own = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "7", "ownerReferences": references}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": own | metadata}


def leaving(name: str, finalizer: str) -> Raw:
    return item(name, deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["keep.example/me", finalizer])


def test_an_object_without_a_living_owner_is_deleted_as_the_very_object_seen() -> None:
    wanted = plan_dependent(item("child", "a", "b"), lambda _: Owner.GONE, [])
    assert wanted is not None
    assert (wanted.method, wanted.body["propagationPolicy"]) == ("DELETE", "Background")
    assert wanted.body["preconditions"] == {"uid": "child", "resourceVersion": "7"}


def test_one_living_owner_keeps_it_and_the_dead_are_struck_off() -> None:
    states = {"a": Owner.GONE, "b": Owner.ALIVE, "c": Owner.WAITING}
    wanted = plan_dependent(item("child", "a", "b", "c"), lambda owner: states[owner["uid"]], [])
    assert wanted is not None
    assert [owner["uid"] for owner in wanted.body["metadata"]["ownerReferences"]] == ["b"]


def test_what_has_living_owners_only_or_none_at_all_is_left_alone() -> None:
    assert plan_dependent(item("child", "a"), lambda _: Owner.ALIVE, []) is None
    assert plan_dependent(item("free"), lambda _: Owner.GONE, []) is None


def test_under_a_waiting_owner_a_dependent_with_dependents_goes_in_the_foreground() -> None:
    policies = []
    for dependents in ([], [item("grandchild", "child")]):
        wanted = plan_dependent(item("child", "a"), lambda _: Owner.WAITING, dependents)
        assert wanted is not None
        policies.append(wanted.body["propagationPolicy"])
    assert policies == ["Background", "Foreground"]


def test_an_owner_in_the_foreground_waits_for_those_that_block_it() -> None:
    owner = leaving("a", FOREGROUND)
    assert owner_state(owner) is Owner.WAITING
    assert plan_owner(owner, [item("child", "a")]) == []
    (freed,) = plan_owner(owner, [item("child", "a", blocks=False)])
    assert freed.body["metadata"]["finalizers"] == ["keep.example/me"]


def test_an_orphaning_owner_frees_its_dependents_before_itself() -> None:
    first, last = plan_owner(leaving("a", ORPHAN), [item("child", "a", "b")])
    assert [owner["uid"] for owner in first.body["metadata"]["ownerReferences"]] == ["b"]
    assert first.path.endswith("/child")
    assert last.path.endswith("/a")
    assert last.body["metadata"]["finalizers"] == ["keep.example/me"]


def test_the_graph_forgets_what_is_gone_and_what_lost_its_owner() -> None:
    graph = Graph()
    child = item("child", "a")
    graph.change(None, child)
    assert graph.dependents_of("a") == [child]
    freed = item("child")
    graph.change(child, freed)
    assert graph.dependents_of("a") == []
    graph.change(freed, None)
    assert graph.get("child") is None

"""Field ownership: what managedFields say, and what server-side apply makes of them."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.fieldsets import from_fields, leaves, remove_path, to_fields
from serinus.sandbox.api.kinds import DEPLOYMENT, Raw
from serinus.sandbox.api.managers import Owner, apply, record_update

ONE, TWO = Owner("one", "Apply"), Owner("two", "Apply")


def _config(**spec: Any) -> Raw:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def _container(name: str, **fields: Any) -> Raw:
    return {"template": {"spec": {"containers": [{"name": name} | fields]}}}


def _containers(raw: Raw) -> dict[str, Raw]:
    return {each["name"]: each for each in raw["spec"]["template"]["spec"]["containers"]}


def test_a_field_left_out_of_the_next_configuration_is_removed() -> None:
    live = apply(DEPLOYMENT, None, _config(replicas=2, minReadySeconds=5), ONE, False)
    again = apply(DEPLOYMENT, live, _config(replicas=2), ONE, False)
    assert again["spec"] == {"replicas": 2}


def test_a_field_that_another_manager_also_applied_stays() -> None:
    live = apply(DEPLOYMENT, None, _config(replicas=2), ONE, False)
    live = apply(DEPLOYMENT, live, _config(replicas=2), TWO, False)
    live = apply(DEPLOYMENT, live, _config(), ONE, False)
    assert live["spec"] == {"replicas": 2}


def test_another_value_for_an_owned_field_is_a_conflict_unless_forced() -> None:
    live = apply(DEPLOYMENT, None, _config(replicas=2), ONE, False)
    with pytest.raises(StatusError, match=r'conflict with "one": \.spec\.replicas') as refused:
        apply(DEPLOYMENT, live, _config(replicas=3), TWO, False)
    assert refused.value.code == 409
    forced = apply(DEPLOYMENT, live, _config(replicas=3), TWO, True)
    assert forced["spec"] == {"replicas": 3}
    assert [entry["manager"] for entry in forced["metadata"]["managedFields"]] == ["two"]


def test_items_of_keyed_lists_are_owned_one_by_one() -> None:
    live = apply(DEPLOYMENT, None, _config(**_container("a", image="x:1")), ONE, False)
    live = apply(DEPLOYMENT, live, _config(**_container("b", image="y:1")), TWO, False)
    assert set(_containers(live)) == {"a", "b"}
    live = apply(DEPLOYMENT, live, _config(), TWO, False)
    assert _containers(live) == {"a": {"name": "a", "image": "x:1"}}


def test_an_item_stays_while_another_manager_owns_a_field_of_it() -> None:
    live = apply(DEPLOYMENT, None, _config(**_container("a", image="x:1", tty=True)), ONE, False)
    changed = copy.deepcopy(live)
    _containers(changed)["a"]["image"] = "x:2"
    record_update(DEPLOYMENT, live, changed, "setter", "")
    left = apply(DEPLOYMENT, changed, _config(), ONE, False)
    assert _containers(left) == {"a": {"name": "a", "image": "x:2"}}


def test_an_update_takes_the_fields_that_it_changes() -> None:
    live = apply(DEPLOYMENT, None, _config(replicas=2, paused=True), ONE, False)
    changed = copy.deepcopy(live)
    changed["spec"]["replicas"] = 5
    record_update(DEPLOYMENT, live, changed, "scaler", "")
    with pytest.raises(StatusError, match='conflict with "scaler" using apps/v1'):
        apply(DEPLOYMENT, changed, _config(replicas=2, paused=True), ONE, False)
    owners = {entry["manager"]: entry["fieldsV1"] for entry in changed["metadata"]["managedFields"]}
    assert owners["one"] == {"f:spec": {"f:paused": {}}}
    assert owners["scaler"] == {"f:spec": {"f:replicas": {}}}


def test_an_update_that_removes_a_field_leaves_nobody_owning_it() -> None:
    live = apply(DEPLOYMENT, None, _config(replicas=2, paused=True), ONE, False)
    changed = copy.deepcopy(live)
    del changed["spec"]["paused"]
    record_update(DEPLOYMENT, live, changed, "editor", "")
    assert [entry["fieldsV1"] for entry in changed["metadata"]["managedFields"]] == [{"f:spec": {"f:replicas": {}}}]


def test_selectors_are_owned_whole() -> None:
    paths = leaves(_config(selector={"matchLabels": {"a": "b"}}))
    assert paths == {("f:spec", "f:selector"): {"matchLabels": {"a": "b"}}}


def test_removing_a_path_removes_what_it_leaves_empty() -> None:
    raw: Raw = {"spec": {"ports": [{"port": 80, "name": "x"}, {"port": 81}]}, "metadata": {"labels": {"a": "b"}}}
    remove_path(raw, ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}'))
    remove_path(raw, ("f:metadata", "f:labels", "f:a"))
    assert raw == {"spec": {"ports": [{"port": 81}]}}


@given(st.frozensets(st.lists(st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "v:1"]), min_size=1).map(tuple)))
def test_field_sets_survive_their_written_form(paths: frozenset[tuple[str, ...]]) -> None:
    assert from_fields(to_fields(paths)) == paths

"""The rules between request and store, asked without HTTP."""

import msgspec
import pytest

from serinus.sandbox.api import deletion
from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SERVICE,
    Raw,
)
from serinus.sandbox.api.registry import Registry, WriteOptions
from serinus.sandbox.api.selectors import select
from serinus.sandbox.api.store import Store
from tests.sandbox.api.exam_objects import deployment, pod, replica_set


@pytest.fixture
def registry() -> Registry:
    return Registry(Store(), "127.96.0.0/28")


def _service(name: str, **spec: object) -> Raw:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]} | spec}


def test_a_cluster_starts_with_its_namespaces(registry: Registry) -> None:
    names = {name for _, name in registry.store.collection(NAMESPACE).entries}
    assert {"default", "kube-system"} <= names


def test_cluster_addresses_are_unique_and_in_range(registry: Registry) -> None:
    entries = [registry.create(SERVICE, "default", _service(f"s{number}")) for number in range(5)]
    addresses = {entry.raw["spec"]["clusterIP"] for entry in entries}
    assert len(addresses) == 5
    assert all(address.startswith("127.96.0.") for address in addresses)


@pytest.mark.parametrize("key", ["pods", "count/pods"])
def test_a_pod_beyond_the_quota_is_refused_until_another_one_has_gone(registry: Registry, key: str) -> None:
    registry.create(RESOURCE_QUOTA, "default", {"metadata": {"name": "few"}, "spec": {"hard": {key: "1"}}})
    registry.create(POD, "default", pod("first"))
    registry.create(POD, "kube-system", pod("elsewhere"))
    with pytest.raises(StatusError) as refused:
        registry.create(POD, "default", pod("second"), WriteOptions(dry_run=True))
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")
    why = f'pods "second" is forbidden: exceeded quota: few, requested: {key}=1, used: {key}=1, limited: {key}=1'
    assert str(refused.value) == why
    deletion.delete(registry.store, POD, "default", "first", {"gracePeriodSeconds": 0})
    registry.create(POD, "default", pod("second"))


def test_the_address_of_a_deleted_service_is_free_again(registry: Registry) -> None:
    registry.create(SERVICE, "default", _service("a", clusterIP="127.96.0.12"))
    with pytest.raises(StatusError, match="already allocated"):
        registry.create(SERVICE, "default", _service("b", clusterIP="127.96.0.12"))
    deletion.delete(registry.store, SERVICE, "default", "a", {})
    registry.create(SERVICE, "default", _service("b", clusterIP="127.96.0.12"))


def test_a_service_range_that_is_used_up_is_said_to_be(registry: Registry) -> None:
    for number in range(7):
        registry.create(SERVICE, "default", _service(f"s{number}"))
    with pytest.raises(StatusError, match="range is full"):
        registry.create(SERVICE, "default", _service("one-too-many"))


def test_objects_in_the_store_are_never_changed_in_place(registry: Registry) -> None:
    first = registry.create(DEPLOYMENT, "default", deployment())
    before = first.encoded

    def alter(raw: Raw) -> Raw:
        raw["spec"]["replicas"] = 7
        raw["metadata"].setdefault("labels", {})["x"] = "y"
        return raw

    registry.update(DEPLOYMENT, "default", "web", alter)
    registry.update(DEPLOYMENT, "default", "web", lambda raw: raw | {"status": {"replicas": 7}}, "status")
    assert msgspec.json.encode(first.raw) == before


def test_a_write_that_changes_nothing_is_no_event(registry: Registry) -> None:
    entry = registry.create(DEPLOYMENT, "default", deployment())
    again = registry.update(DEPLOYMENT, "default", "web", lambda _: deployment())
    assert again.version == entry.version == registry.store.version


def test_a_rehearsal_is_not_stored(registry: Registry) -> None:
    version = registry.store.version
    registry.create(CONFIG_MAP, "default", {"metadata": {"name": "a"}}, WriteOptions(dry_run=True))
    assert registry.store.version == version


def test_each_manager_has_one_entry_for_each_subresource(registry: Registry) -> None:
    registry.create(DEPLOYMENT, "default", deployment(), WriteOptions("creator"))
    for replicas in (2, 3):

        def alter(raw: Raw, wanted: int = replicas) -> Raw:
            return raw | {"spec": raw["spec"] | {"replicas": wanted}, "status": {"replicas": wanted}}

        registry.update(DEPLOYMENT, "default", "web", alter, "", WriteOptions("scaler"))
        registry.update(DEPLOYMENT, "default", "web", alter, "status", WriteOptions("scaler"))
    entries = registry.read(DEPLOYMENT, "default", "web").raw["metadata"]["managedFields"]
    assert [(each["manager"], each.get("subresource", "")) for each in entries] == [
        ("creator", ""),
        ("scaler", ""),
        ("scaler", "status"),
    ]


def test_a_job_selects_its_pods_by_its_own_uid(registry: Registry) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "x"}]}}
    raw = registry.create(JOB, "default", {"metadata": {"name": "j"}, "spec": {"template": template}}).raw
    assert raw["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": raw["metadata"]["uid"]}
    assert raw["spec"]["template"]["metadata"]["labels"]["job-name"] == "j"


def test_a_bound_pod_waits_for_its_kubelet(registry: Registry) -> None:
    registry.create(POD, "default", pod("p"))
    registry.bind("default", "p", {"target": {"name": "n1"}})
    _, gone = deletion.delete(registry.store, POD, "default", "p", {"gracePeriodSeconds": 7})
    assert not gone
    assert registry.read(POD, "default", "p").raw["metadata"]["deletionGracePeriodSeconds"] == 7
    _, gone = deletion.delete(registry.store, POD, "default", "p", {"gracePeriodSeconds": 0})
    assert gone


def test_a_grace_period_can_only_be_shortened(registry: Registry) -> None:
    registry.create(POD, "default", pod("p", nodeName="n1"))
    deletion.delete(registry.store, POD, "default", "p", {"gracePeriodSeconds": 5})
    deletion.delete(registry.store, POD, "default", "p", {"gracePeriodSeconds": 60})
    assert registry.read(POD, "default", "p").raw["metadata"]["deletionGracePeriodSeconds"] == 5


def test_a_finished_pod_goes_at_once(registry: Registry) -> None:
    registry.create(POD, "default", pod("p", nodeName="n1"))
    registry.update(POD, "default", "p", lambda raw: raw | {"status": {"phase": "Succeeded"}}, "status")
    assert deletion.delete(registry.store, POD, "default", "p", {})[1]


def test_background_deletion_overrides_an_earlier_foreground_one(registry: Registry) -> None:
    registry.create(REPLICA_SET, "default", replica_set("r"))
    _, gone = deletion.delete(registry.store, REPLICA_SET, "default", "r", {"propagationPolicy": "Foreground"})
    assert not gone
    _, gone = deletion.delete(registry.store, REPLICA_SET, "default", "r", {"propagationPolicy": "Background"})
    assert gone


def test_a_namespace_goes_when_its_last_object_does(registry: Registry) -> None:
    registry.create(NAMESPACE, "", {"metadata": {"name": "team"}})
    registry.create(CONFIG_MAP, "team", {"metadata": {"name": "a"}})
    registry.create(POD, "team", pod("p", nodeName="n1"))
    _, gone = deletion.delete(registry.store, NAMESPACE, "", "team", {})
    assert not gone
    assert registry.store.get(CONFIG_MAP, ("team", "a")) is None
    with pytest.raises(StatusError, match="because it is being terminated"):
        registry.create(CONFIG_MAP, "team", {"metadata": {"name": "late"}})
    deletion.delete(registry.store, POD, "team", "p", {"gracePeriodSeconds": 0})
    assert registry.store.get(NAMESPACE, ("", "team")) is None


def test_a_collection_is_deleted_by_selector(registry: Registry) -> None:
    for name, tier in (("a", "x"), ("b", "x"), ("c", "y")):
        registry.create(CONFIG_MAP, "default", {"metadata": {"name": name, "labels": {"tier": tier}}})
    deletion.delete_collection(registry.store, CONFIG_MAP, select(CONFIG_MAP, "default", "tier=x"), {})
    assert [name for _, name in registry.store.collection(CONFIG_MAP).entries] == ["c"]

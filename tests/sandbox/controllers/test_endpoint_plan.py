"""Which EndpointSlices a Service gets, without an API."""

from serinus.sandbox.controllers.endpoints.plan import endpoint_of, plan_slices, ports_of
from serinus.sandbox.controllers.objects import copied
from serinus.sandbox.rest import Raw

SERVICE: Raw = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop", "namespace": "default", "uid": "s"},
    "spec": {"clusterIP": "10.96.0.1", "selector": {"app": "shop"}, "ports": [{"port": 80, "targetPort": 8080}]},
}


def pod(number: int) -> Raw:
    return {
        "metadata": {"name": f"p{number:03}", "namespace": "default", "uid": f"u{number}"},
        "spec": {"nodeName": "n1", "containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 9}]}]},
        "status": {
            "phase": "Running",
            "podIP": f"10.244.{number // 250}.{number % 250}",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def named(slices: list[Raw]) -> list[Raw]:
    """The slices as the API gives them back."""
    made = copied(slices)
    for number, item in enumerate(made):
        item["metadata"] |= {"name": f"shop-{number}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return list(made)


def test_more_than_a_hundred_endpoints_are_split() -> None:
    made = plan_slices(SERVICE, [pod(number) for number in range(250)], []).create
    assert [len(item["endpoints"]) for item in made] == [100, 100, 50]


def test_what_is_right_already_is_not_written_again() -> None:
    pods = [pod(number) for number in range(120)]
    slices = named(plan_slices(SERVICE, pods, []).create)
    changes = plan_slices(SERVICE, pods, slices)
    assert (changes.create, changes.update, changes.delete) == ([], [], [])


def test_a_new_pod_fills_a_gap_before_a_new_slice_is_made() -> None:
    slices = named(plan_slices(SERVICE, [pod(number) for number in range(100)], []).create)
    pods = [pod(number) for number in range(1, 101)]
    changes = plan_slices(SERVICE, pods, slices)
    assert (changes.create, changes.delete) == ([], [])
    assert len(changes.update[0]["endpoints"]) == 100


def test_the_empty_slice_is_reused_for_the_first_pod_and_back() -> None:
    empty = named(plan_slices(SERVICE, [], []).create)
    assert plan_slices(SERVICE, [], empty).create == []
    changes = plan_slices(SERVICE, [pod(1)], empty)
    assert (changes.create, changes.delete) == ([], [])
    filled = changes.update
    assert filled[0]["metadata"]["name"] == "shop-0"
    assert filled[0]["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    back = plan_slices(SERVICE, [], filled).update
    assert (back[0]["ports"], back[0]["endpoints"]) == ([], [])


def test_a_slice_of_an_earlier_service_of_the_same_name_is_deleted() -> None:
    old = named(plan_slices({**SERVICE, "metadata": {**SERVICE["metadata"], "uid": "before"}}, [], []).create)
    changes = plan_slices(SERVICE, [pod(1)], old)
    assert len(changes.create) == 1
    assert changes.delete == old


def test_a_pod_without_an_address_and_one_that_ended_are_no_endpoints() -> None:
    fresh, ended = pod(1), pod(2)
    del fresh["status"]["podIP"]
    ended["status"]["phase"] = "Succeeded"
    assert endpoint_of(SERVICE, fresh) is None
    assert endpoint_of(SERVICE, ended) is None


def test_a_named_port_is_the_pods_own_and_a_missing_one_is_left_out() -> None:
    ports = [{"name": "web", "port": 80, "targetPort": "http"}, {"name": "x", "port": 81, "targetPort": "missing"}]
    service = {**SERVICE, "spec": {**SERVICE["spec"], "ports": ports}}
    assert ports_of(service, pod(1)) == [{"name": "web", "port": 9, "protocol": "TCP"}]

"""EndpointSlices over HTTP."""

from collections.abc import Callable
from typing import Any

from serinus.sandbox.rest import Raw
from tests.sandbox.controllers.cluster import Cluster, deployment, names

GROUP = "discovery.k8s.io/v1"


def service(**spec: Any) -> Raw:
    ports = [{"name": "web", "port": 80, "targetPort": "http"}]
    return {"metadata": {"name": "shop", "labels": {"team": "a"}}, "spec": {"ports": ports, **spec}}


async def slices_when(cluster: Cluster, holds: Callable[[list[Raw]], bool]) -> list[Raw]:
    async def found() -> list[Raw] | None:
        slices = await cluster.listed("endpointslices", group=GROUP, selector="kubernetes.io/service-name=shop")
        return slices if holds(slices) else None

    found_slices: list[Raw] = await cluster.until("slices", found)
    return found_slices


def endpoints(slices: list[Raw]) -> list[Raw]:
    return [endpoint for item in slices for endpoint in item.get("endpoints") or []]


def ready(slices: list[Raw]) -> list[Raw]:
    return [endpoint for endpoint in endpoints(slices) if endpoint["conditions"]["ready"]]


async def test_ready_pods_are_endpoints_with_their_named_port(cluster: Cluster) -> None:
    created = await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    await cluster.create("deployments", deployment("shop", 3))
    await cluster.rolled_out("shop", 3)
    (item,) = await slices_when(cluster, lambda slices: len(ready(slices)) == 3 and len(slices) == 1)
    assert item["ports"] == [{"name": "web", "port": 8080, "protocol": "TCP"}]
    assert item["addressType"] == "IPv4"
    labels = {"kubernetes.io/service-name": "shop", "team": "a"}
    assert item["metadata"]["labels"] == labels | {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"
    }
    assert item["metadata"]["ownerReferences"][0]["uid"] == created["metadata"]["uid"]
    pods = {pod["metadata"]["name"]: pod for pod in await cluster.pods()}
    for endpoint in item["endpoints"]:
        pod = pods[endpoint["targetRef"]["name"]]
        assert endpoint["addresses"] == [pod["status"]["podIP"]]
        assert endpoint["targetRef"]["uid"] == pod["metadata"]["uid"]
        assert endpoint["nodeName"] == "n1"
        assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}


async def test_a_service_without_pods_has_one_empty_slice(cluster: Cluster) -> None:
    await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    (item,) = await slices_when(cluster, lambda slices: len(slices) == 1)
    assert endpoints([item]) == []
    assert not item.get("ports")


async def test_a_service_without_a_selector_has_none(cluster: Cluster) -> None:
    await cluster.create("services", service(), group="v1")
    await cluster.create("services", {**service(selector={"app": "x"}), "metadata": {"name": "later"}}, group="v1")

    async def other() -> bool:
        return bool(await cluster.listed("endpointslices", group=GROUP))

    await cluster.until("the later Service's slice", other)
    found = await cluster.listed("endpointslices", group=GROUP)
    assert {item["metadata"]["labels"]["kubernetes.io/service-name"] for item in found} == {"later"}


async def test_a_pod_that_is_not_ready_is_listed_but_not_ready(cluster: Cluster) -> None:
    cluster.marker.is_ready = lambda _pod: False
    await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    await cluster.create("deployments", deployment("shop", 1))
    (item,) = await slices_when(cluster, lambda slices: len(endpoints(slices)) == 1)
    assert item["endpoints"][0]["conditions"] == {"ready": False, "serving": False, "terminating": False}


async def test_publish_not_ready_addresses_makes_it_ready(cluster: Cluster) -> None:
    cluster.marker.is_ready = lambda _pod: False
    body = service(selector={"app": "shop"}, publishNotReadyAddresses=True, clusterIP="None")
    await cluster.create("services", body, group="v1")
    await cluster.create("deployments", deployment("shop", 1))
    (item,) = await slices_when(cluster, lambda slices: len(endpoints(slices)) == 1)
    assert item["endpoints"][0]["conditions"] == {"ready": True, "serving": False, "terminating": False}
    assert item["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


async def test_a_terminating_pod_serves_but_is_not_ready_and_then_goes(cluster: Cluster) -> None:
    await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    await slices_when(cluster, lambda slices: len(ready(slices)) == 2)
    cluster.marker.finishes = False
    await cluster.patch("deployments", "shop", {"spec": {"replicas": 1}})
    slices = await slices_when(cluster, lambda slices: len(ready(slices)) == 1 and len(endpoints(slices)) == 2)
    (leaving,) = [endpoint for endpoint in endpoints(slices) if not endpoint["conditions"]["ready"]]
    assert leaving["conditions"] == {"ready": False, "serving": True, "terminating": True}
    cluster.marker.finishes = True
    cluster.marker.look_again()
    await slices_when(cluster, lambda slices: len(endpoints(slices)) == 1)


async def test_a_changed_selector_moves_the_endpoints(cluster: Cluster) -> None:
    await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    await cluster.create("deployments", deployment("shop", 1))
    await cluster.create("deployments", deployment("other", 2))
    await cluster.rolled_out("shop", 1)
    await cluster.rolled_out("other", 2)
    await slices_when(cluster, lambda slices: len(ready(slices)) == 1)
    await cluster.patch("services", "shop", {"spec": {"selector": {"app": "other"}}}, group="v1")
    wanted = names(await cluster.pods("app=other"))
    await slices_when(
        cluster, lambda slices: {endpoint["targetRef"]["name"] for endpoint in endpoints(slices)} == wanted
    )


async def test_pods_with_different_numbers_for_a_named_port_are_in_different_slices(cluster: Cluster) -> None:
    await cluster.create("services", service(selector={"tier": "web"}), group="v1")
    for name, port in (("one", 8001), ("two", 8002)):
        body = deployment(name, 1, labels={"app": name, "tier": "web"})
        body["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = port
        await cluster.create("deployments", body)
        await cluster.rolled_out(name, 1)
    slices = await slices_when(cluster, lambda slices: len(ready(slices)) == 2 and len(slices) == 2)
    assert sorted(item["ports"][0]["port"] for item in slices) == [8001, 8002]


async def test_more_than_a_hundred_pods_take_several_slices(cluster: Cluster) -> None:
    await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    await cluster.create("deployments", deployment("shop", 105))
    await cluster.rolled_out("shop", 105)
    slices = await slices_when(cluster, lambda slices: len(ready(slices)) == 105)
    assert max(len(item["endpoints"]) for item in slices) <= 100
    assert len(slices) == 2


async def test_a_deleted_service_takes_its_slices_along(cluster: Cluster) -> None:
    await cluster.create("services", service(selector={"app": "shop"}), group="v1")
    await slices_when(cluster, lambda slices: len(slices) == 1)
    await cluster.delete("services", "shop", "Background", group="v1")
    await slices_when_gone(cluster)


async def slices_when_gone(cluster: Cluster) -> None:
    async def gone() -> bool:
        return not await cluster.listed("endpointslices", group=GROUP)

    await cluster.until("no slices", gone)

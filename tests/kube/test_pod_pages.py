"""The way to pods' pages of metrics: what the raw objects offer, and what is asked of the API server."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from serinus.core.endpoints import Endpoint, Offer
from serinus.kube.client import PatchKind
from serinus.kube.pod_http import ProxiedPodPages, metrics_offer
from serinus.kube.resources import PODS, SERVICES
from serinus.kube.target import follow_pods, open_target
from serinus.kube.transport import Request
from tests.fakes.server import ScriptedServer, answer, scripted_server
from tests.kube.embedded import embedded, service


def pod(annotations: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    ports = [
        {"name": "http", "containerPort": 8080},
        {"name": "metrics", "containerPort": 9090},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ]
    metadata = {"name": "a", "namespace": "shop", "labels": {"app": "checkout"}, "annotations": annotations or {}}
    spec = {"containers": [{"name": "app", "image": "shop/checkout:v1", "ports": ports}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def test_a_pods_annotations_and_ports_are_its_offer() -> None:
    annotations = {"prometheus.io/scrape": "True", "prometheus.io/port": "9102", "prometheus.io/path": "/stats"}
    offer = metrics_offer(service(), pod(annotations))
    ports = (("http", 8080), ("metrics", 9090))
    assert offer == Offer(scrape=True, port="9102", path="/stats", named_ports=ports, service_port=8080)


def test_a_pod_that_says_nothing_offers_its_ports() -> None:
    assert metrics_offer(None, pod()) == Offer(named_ports=(("http", 8080), ("metrics", 9090)))


@contextlib.asynccontextmanager
async def a_pod() -> AsyncIterator[tuple[ProxiedPodPages, ScriptedServer, int]]:
    async with scripted_server() as server, embedded() as (client, _):
        await client.create(SERVICES, service(), "shop")
        await client.create(PODS, pod(), "shop")
        body = b'{"status": {"podIP": "127.0.0.1", "phase": "Running"}}'
        path, merge = PODS.path("shop", "a", "status"), PatchKind.MERGE.value
        await client.transport.call(Request("run the pod", "PATCH", path, body=body, content_type=merge))
        async with open_target(client, "shop", "checkout") as target:
            await follow_pods(target)
            yield ProxiedPodPages(target), server, int(server.url.rpartition(":")[2])


async def test_a_page_comes_through_the_proxy_with_its_type_and_was_asked_for_as_text() -> None:
    async with a_pod() as (pages, server, port):
        server.then(answer("a 1\n"))
        status, content_type, body = await pages.page("a", Endpoint(port, "/metrics?x=1"), 5.0, 1000)
    assert (status, content_type.partition(";")[0], body) == (200, "text/plain", b"a 1\n")
    [seen] = server.seen
    assert (seen.path, seen.query) == ("/metrics", {"x": "1"})
    assert seen.headers["Accept"].startswith("text/plain;version=0.0.4")

"""Logs, and HTTP through the pod and service proxy."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from serinus.sandbox.api import serve
from serinus.sandbox.api.kinds import ENDPOINT_SLICE, POD, SERVICE, Raw
from serinus.sandbox.api.server import Server as Running
from tests.sandbox.api.conftest import ADMIN_TOKEN, GUEST_TOKEN, TOKENS

READ_SECONDS = 10
PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"


class Logs:
    """The kubelet's side: logs by container."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, bool], bytes] = {}

    def read(self, namespace: str, pod: str, container: str, previous: bool) -> bytes | None:
        assert (namespace, pod) == ("default", "p")
        return self.texts.get((container, previous))


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
async def reached(logs: Logs) -> AsyncIterator[Running]:
    """An API with one pod of two containers, which runs."""
    async with serve(tokens=TOKENS, read_log=logs.read) as server:
        containers = [{"name": "app", "image": "x"}, {"name": "side", "image": "y"}]
        ports = [{"containerPort": 1, "name": "http"}]
        containers[0] |= {"ports": ports}  # type: ignore[dict-item]
        server.registry.create(POD, "default", {"metadata": {"name": "p"}, "spec": {"containers": containers}})
        _set_status(server, {"app": {"running": {}}, "side": {"waiting": {"reason": "ContainerCreating"}}})
        yield server


@pytest.fixture
async def session(reached: Running) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(reached.url, headers=headers) as opened:
        yield opened


def _set_status(server: Running, states: dict[str, Raw], address: str = "127.0.0.1") -> None:
    statuses = [{"name": name, "state": state} for name, state in states.items()]
    status = {"phase": "Running", "podIP": address, "containerStatuses": statuses}
    server.registry.update(POD, "default", "p", lambda raw: raw | {"status": status}, "status")


async def _text(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "one\ntwo\nthree\n"),
        ("&tailLines=2", "two\nthree\n"),
        ("&tailLines=0", ""),
        ("&tailLines=9", "one\ntwo\nthree\n"),
        ("&limitBytes=3", "one"),
        ("&tailLines=1&limitBytes=2", "th"),
        ("&previous=true", "gone\n"),
    ],
)
async def test_what_of_a_log_is_shown(session: aiohttp.ClientSession, logs: Logs, query: str, expected: str) -> None:
    logs.texts = {("app", False): b"one\ntwo\nthree\n", ("app", True): b"gone\n"}
    assert await _text(session, f"{PODS}/p/log?container=app{query}") == (200, expected)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "a container name must be specified for pod p, choose one of: [app side]"),
        ("?container=none", "container none is not valid for pod p"),
        ("?container=side", 'container \\"side\\" in pod \\"p\\" is waiting to start: ContainerCreating'),
        ("?container=app&previous=true", 'previous terminated container \\"app\\" in pod \\"p\\" not found'),
    ],
)
async def test_why_there_is_no_log(session: aiohttp.ClientSession, query: str, message: str) -> None:
    status, text = await _text(session, f"{PODS}/p/log{query}")
    assert status == 400
    assert message in text


async def test_a_followed_log_ends_with_its_container(
    session: aiohttp.ClientSession, logs: Logs, reached: Running
) -> None:
    logs.texts[("app", False)] = b"one\n"
    async with session.get(f"{PODS}/p/log?container=app&follow=true") as answer, asyncio.timeout(READ_SECONDS):
        assert await answer.content.readline() == b"one\n"
        logs.texts[("app", False)] += b"two\n"
        assert await answer.content.readline() == b"two\n"
        logs.texts[("app", False)] += b"last\n"
        _set_status(reached, {"app": {"terminated": {"exitCode": 0}}})
        assert await answer.content.read() == b"last\n"


@pytest.fixture
async def pod_port() -> AsyncIterator[int]:
    """A pod's web server that says what it was asked."""

    async def echo(request: web.Request) -> web.Response:
        body = await request.text()
        seen = f"{request.method} {request.path_qs} {body} {request.headers.get('Authorization', 'no token')}"
        return web.Response(text=seen, status=418, headers={"X-Pod": "p"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_a_request_goes_through_the_pod_proxy_and_back(session: aiohttp.ClientSession, pod_port: int) -> None:
    path = f"{PODS}/p:{pod_port}/proxy/metrics/all?a=b&c"
    async with session.post(path, data="hello") as answer:
        assert answer.status == 418
        assert answer.headers["X-Pod"] == "p"
        assert await answer.text() == "POST /metrics/all?a=b&c= hello no token"


async def test_the_proxy_says_when_nothing_answers(session: aiohttp.ClientSession) -> None:
    status, text = await _text(session, f"{PODS}/p:1/proxy/")
    assert status == 503
    assert '"reason":"ServiceUnavailable"' in text


async def test_ports_may_be_named_and_must_exist(session: aiohttp.ClientSession) -> None:
    assert (await _text(session, f"{PODS}/p:http/proxy/"))[0] == 503
    assert (await _text(session, f"{PODS}/p:nonsense/proxy/"))[0] == 400
    assert (await _text(session, f"{PODS}/absent:80/proxy/"))[0] == 404
    assert (await _text(session, f"{PODS}/https:p:80/proxy/"))[0] == 400


async def test_a_service_is_reached_through_its_ready_endpoints(
    session: aiohttp.ClientSession, reached: Running, pod_port: int
) -> None:
    reached.registry.create(SERVICE, "default", {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
    status, text = await _text(session, f"{SERVICES}/web:80/proxy/")
    assert (status, "no endpoints available" in text) == (503, True)
    endpoints = [
        {"addresses": ["127.0.0.1"], "conditions": {"ready": True}},
        {"addresses": ["127.9.9.9"], "conditions": {"ready": False}},
    ]
    slice_of = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"port": pod_port}],
    }
    reached.registry.create(ENDPOINT_SLICE, "default", slice_of)
    for _ in range(5):
        assert await _text(session, f"{SERVICES}/web:80/proxy/x") == (418, "GET /x  no token")
    assert (await _text(session, f"{SERVICES}/web:81/proxy/x"))[0] == 503


async def test_the_proxy_needs_a_right_of_its_own(reached: Running) -> None:
    headers = {"Authorization": f"Bearer {GUEST_TOKEN}"}
    async with aiohttp.ClientSession(reached.url, headers=headers) as guest:
        status, text = await _text(guest, f"{PODS}/p:80/proxy/")
    assert status == 403
    assert 'cannot get resource \\"pods/proxy\\"' in text

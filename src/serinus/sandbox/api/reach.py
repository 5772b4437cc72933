"""What reaches into pods: their logs, and HTTP through `pods/NAME:PORT/proxy` and `services/NAME:PORT/proxy`."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from serinus.sandbox.api.errors import StatusError, bad_request
from serinus.sandbox.api.kinds import ENDPOINT_SLICE, POD, SERVICE, Raw
from serinus.sandbox.api.request import Target, is_true, whole_number
from serinus.sandbox.api.store import Store

ReadLog = Callable[[str, str, str, bool], bytes | None]
"""Namespace, pod, container, previous: the container's log, or None when it has none."""

_FOLLOW_SECONDS = 0.2
_CONNECT_SECONDS = 5.0
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "host", "authorization", "content-length"}
)


class Reach:
    """Serves logs and proxies requests. Use as an async context manager: it holds connections to pods."""

    def __init__(self, store: Store, read_log: ReadLog | None) -> None:
        self._store = store
        self._read_log = read_log
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def log(self, request: web.Request, target: Target) -> web.StreamResponse:
        """The log of one container; with `follow` until it ends. Raises StatusError 400 without one."""
        pod = self._store.read(POD, (target.namespace, target.name)).raw
        query = request.query
        container = _container(pod, query.get("container", ""))
        previous = is_true(query.get("previous", ""))
        text = self._text(target, container, previous)
        if text is None:
            raise bad_request(_why_no_log(pod, container, previous))
        begin = _tail_start(text, whole_number(query, "tailLines", 0)) if query.get("tailLines") else 0
        if not is_true(query.get("follow", "")):
            end = begin + whole_number(query, "limitBytes", len(text))
            return web.Response(body=text[begin:end], content_type="text/plain")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            async for part in self._follow(target, container, begin):
                await response.write(part)
        return response

    def _text(self, target: Target, container: str, previous: bool) -> bytes | None:
        return self._read_log(target.namespace, target.name, container, previous) if self._read_log else None

    async def _follow(self, target: Target, container: str, begin: int) -> AsyncIterator[bytes]:
        while not self._store.closed:
            pod = self._store.get(POD, (target.namespace, target.name))
            ended = pod is None or _has_ended(pod.raw, container)
            text = self._text(target, container, False) or b""
            if len(text) > begin:
                yield text[begin:]
            begin = len(text)
            if ended:
                return
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def proxy(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Passes a request on and its answer back; raises StatusError 503 when nothing answers there."""
        name, port = _name_and_port(target.name)
        find = self._service_address if target.kind == SERVICE else self._pod_address
        host, number = find(target.namespace, name, port)
        url = URL.build(scheme="http", host=host, port=number, path=target.rest or "/", query=request.query)
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP}
        if self._session is None:
            raise RuntimeError("Reach is used as an async context manager")
        body = request.content if request.body_exists else None
        async with contextlib.AsyncExitStack() as stack:
            try:
                sent = self._session.request(request.method, url, headers=headers, data=body, allow_redirects=False)
                answer = await stack.enter_async_context(sent)
            except (aiohttp.ClientError, TimeoutError) as error:
                message = f"error trying to reach service: {error}"
                raise StatusError(503, "ServiceUnavailable", message) from error
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            with contextlib.suppress(ConnectionResetError):  # whoever asked has gone: nobody is left to answer
                await response.prepare(request)
                async for part in answer.content.iter_any():
                    await response.write(part)
            return response

    def _pod_address(self, namespace: str, name: str, port: str) -> tuple[str, int]:
        pod = self._store.read(POD, (namespace, name)).raw
        address = (pod.get("status") or {}).get("podIP")
        if not address:
            raise bad_request(f'address not allowed: pod "{name}" has no IP yet')
        ports = [each for container in pod["spec"]["containers"] for each in container.get("ports") or []]
        if not port:
            return address, ports[0]["containerPort"] if ports else 80
        named = next((each["containerPort"] for each in ports if each.get("name") == port), None)
        return address, named or _number(port)

    def _service_address(self, namespace: str, name: str, port: str) -> tuple[str, int]:
        service = self._store.read(SERVICE, (namespace, name)).raw
        ports = service["spec"].get("ports") or []
        chosen = next((each for each in ports if port in ("", each.get("name"), str(each["port"]))), None)
        if chosen is None:
            raise StatusError(503, "ServiceUnavailable", f'no service port "{port}" found for service "{name}"')
        addresses = list(self._ready_addresses(namespace, name, chosen.get("name") or ""))
        if not addresses:
            raise StatusError(503, "ServiceUnavailable", f'no endpoints available for service "{name}"')
        return random.choice(addresses)

    def _ready_addresses(self, namespace: str, service: str, port_name: str) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for (where, _), entry in self._store.collection(ENDPOINT_SLICE).entries.items():
            labels = entry.raw["metadata"].get("labels") or {}
            if where != namespace or labels.get("kubernetes.io/service-name") != service:
                continue
            number = next((p["port"] for p in entry.raw.get("ports") or [] if (p.get("name") or "") == port_name), None)
            for endpoint in entry.raw.get("endpoints") or []:
                if number and (endpoint.get("conditions") or {}).get("ready") is not False:
                    found += [(address, number) for address in endpoint["addresses"]]
        return found


def _name_and_port(text: str) -> tuple[str, str]:
    """`name`, `name:port` or `scheme:name:port`; only plain http is spoken to pods."""
    parts = text.split(":")
    if len(parts) == 3:
        if parts[0] not in ("", "http"):
            raise bad_request(f"invalid pod request {text!r}: only http is proxied")
        parts = parts[1:]
    return parts[0], parts[1] if len(parts) > 1 else ""


def _number(port: str) -> int:
    if not port.isdigit():
        raise bad_request(f'no port named "{port}"')
    return int(port)


def _container(pod: Raw, wanted: str) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [each["name"] for each in spec["containers"]]
    if not wanted:
        if len(names) > 1:
            raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")
        return str(names[0])
    if wanted not in [*names, *(each["name"] for each in spec.get("initContainers") or [])]:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


def _state(pod: Raw, container: str) -> Raw:
    status = pod.get("status") or {}
    states = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    state: Raw = next((each.get("state") or {} for each in states if each["name"] == container), {})
    return state


def _has_ended(pod: Raw, container: str) -> bool:
    return "running" not in _state(pod, container)


def _why_no_log(pod: Raw, container: str, previous: bool) -> str:
    name = pod["metadata"]["name"]
    if previous:
        return f'previous terminated container "{container}" in pod "{name}" not found'
    waiting = _state(pod, container).get("waiting") or {}
    return f'container "{container}" in pod "{name}" is waiting to start: {waiting.get("reason", "no log yet")}'


def _tail_start(text: bytes, lines: int) -> int:
    """Where the last lines begin."""
    place = len(text) - 1 if text.endswith(b"\n") else len(text)
    if lines <= 0:
        return len(text)
    for _ in range(lines):
        place = text.rfind(b"\n", 0, place)
        if place < 0:
            return 0
    return place + 1

"""The HTTP server: who asks, what is asked, and the answer on the wire."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from serinus.sandbox.api.discovery import Discovery
from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.prepare import SERVICE_CIDR
from serinus.sandbox.api.registry import Registry
from serinus.sandbox.api.request import parse
from serinus.sandbox.api.resources import Resources
from serinus.sandbox.api.store import LOG_SIZE, Store
from serinus.sandbox.api.users import User

_BODY_BYTES_MAX = 3 * 1024 * 1024
_SHUTDOWN_SECONDS = 1.0
_OPEN_PATHS = ("/healthz", "/readyz", "/livez", "/version")

ReadLog = Callable[[str, str, str, bool], bytes | None]
"""Namespace, pod, container, previous: the container's log, or None when it has none."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running API server: where it listens, and its registry for callers in the same process."""

    url: str
    registry: Registry


@contextlib.asynccontextmanager
async def serve(
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    tokens: Mapping[str, User],
    read_log: ReadLog | None = None,
    service_cidr: str = SERVICE_CIDR,
    log_size: int = LOG_SIZE,
) -> AsyncIterator[Server]:
    """Serves the API over plain HTTP until the block ends; port 0 takes a free one.

    `tokens` maps bearer tokens to users. `log_size` is how many changes of each kind a watch can look back on.
    """
    store = Store(log_size)
    registry = Registry(store, service_cidr)
    front = _Front(tokens, Resources(registry, read_log), Discovery())
    app = web.Application(client_max_size=_BODY_BYTES_MAX)
    app.router.add_route("*", "/{path:.*}", front.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        yield Server(f"http://{host}:{bound}", registry)
    finally:
        store.close()
        await runner.cleanup()


class _Front:
    """Authenticates, routes, and turns refusals into Status objects."""

    def __init__(self, tokens: Mapping[str, User], resources: Resources, discovery: Discovery) -> None:
        self._tokens = tokens
        self._resources = resources
        self._discovery = discovery

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.path in _OPEN_PATHS:
                return self._open(request)
            user = self._user(request)
            document = self._discovery.answer(request.path, request.headers.get("Accept", ""))
            if document is not None:
                return document
            target = parse(request.method, request.path, request.query)
            return await self._resources.answer(request, target, user)
        except StatusError as error:
            return web.Response(
                status=error.code, body=msgspec.json.encode(error.body()), content_type="application/json"
            )

    def _open(self, request: web.Request) -> web.Response:
        if request.path == "/version":
            return web.json_response(self._discovery.version)
        return web.Response(text="ok")

    def _user(self, request: web.Request) -> User:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self._tokens.get(token) if scheme.lower() == "bearer" else None
        if user is None:
            raise StatusError(401, "Unauthorized", "Unauthorized")
        return user

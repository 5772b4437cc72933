"""The HTTP server: who asks, what is asked, and the answer on the wire."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from serinus.sandbox.api.body import decode_object
from serinus.sandbox.api.census import PATH as CENSUS_PATH
from serinus.sandbox.api.census import Census
from serinus.sandbox.api.custom import custom_kinds
from serinus.sandbox.api.discovery import Discovery
from serinus.sandbox.api.errors import StatusError, method_not_allowed
from serinus.sandbox.api.kinds import Kind
from serinus.sandbox.api.prepare import SERVICE_CIDR
from serinus.sandbox.api.reach import Reach, ReadLog
from serinus.sandbox.api.registry import Registry
from serinus.sandbox.api.request import parse
from serinus.sandbox.api.resources import Resources
from serinus.sandbox.api.reviews import answer_review, review_at
from serinus.sandbox.api.store import LOG_SIZE, Store
from serinus.sandbox.api.users import Authorizer, User, Wish, wish_of

_BODY_BYTES_MAX = 3 * 1024 * 1024
_SHUTDOWN_SECONDS = 1.0
_OPEN_PATHS = ("/healthz", "/readyz", "/livez", "/version")


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
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    """Serves the API until the block ends, over TLS if there is a context for it; port 0 takes a free one.

    `tokens` maps bearer tokens to users; kubectl sends a token over TLS only. `log_size` is how many changes
    of each kind a watch can look back on.
    """
    store = Store(log_size)
    registry = Registry(store, service_cidr)
    reach = Reach(store, read_log)
    front = _Front(tokens, Resources(registry, reach), Authorizer(store), store)
    app = web.Application(client_max_size=_BODY_BYTES_MAX)
    app.router.add_route("*", "/{path:.*}", front.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS)
    async with reach, _running(runner, store):
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        bound = runner.addresses[0][1]
        yield Server(f"http{'s' if tls else ''}://{host}:{bound}", registry)


@contextlib.asynccontextmanager
async def _running(runner: web.AppRunner, store: Store) -> AsyncIterator[None]:
    """Ends watches before it closes connections, so that nobody waits for a stream that has no end."""
    await runner.setup()
    try:
        yield
    finally:
        store.close()
        await runner.cleanup()


class _Front:
    """Authenticates, routes, and turns refusals into Status objects."""

    def __init__(self, tokens: Mapping[str, User], resources: Resources, authorizer: Authorizer, store: Store) -> None:
        self._tokens = tokens
        self._store = store
        self._custom: tuple[Kind, ...] = ()
        self._resources = resources
        self._authorizer = authorizer
        self._discovery = Discovery()
        self._census = Census()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.path in _OPEN_PATHS:
                return self._open(request)
            user = self._user(request)
            if request.path == CENSUS_PATH and self._authorizer.allows_path(user, "get", CENSUS_PATH):
                return web.json_response(self._census.document())
            custom = custom_kinds(self._store)
            if custom != self._custom:
                self._custom, self._discovery = custom, Discovery(custom)
            document = self._discovery.answer(request.path, request.headers.get("Accept", ""))
            if document is not None:
                return document
            review = review_at(request.path)
            if review is not None:
                return await self._review(request, user, review)
            agent = request.headers.get("User-Agent", "")
            target = parse(request.method, request.path, request.query, custom)
            self._census.note(agent, wish_of(target), bool(request.query.get("dryRun")))
            self._authorizer.check(user, target)
            return await self._resources.answer(request, target)
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {_BODY_BYTES_MAX}"
            return _refusal(StatusError(413, "RequestEntityTooLarge", message))
        except StatusError as error:
            return _refusal(error)

    async def _review(self, request: web.Request, user: User, kind: Kind) -> web.Response:
        if request.method != "POST":
            raise method_not_allowed()
        self._census.note(request.headers.get("User-Agent", ""), Wish("create", kind.group, kind.plural))
        raw = decode_object(await request.read(), request.headers.get("Content-Type", ""))
        return web.json_response(answer_review(self._authorizer, user, kind, raw), status=201)

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


def _refusal(error: StatusError) -> web.Response:
    return web.Response(status=error.code, body=msgspec.json.encode(error.body()), content_type="application/json")

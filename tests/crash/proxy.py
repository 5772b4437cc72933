"""A proxy between one real `serinus` process and the API: it numbers the calls, and can spoil any of them.

The client speaks TLS with it as with any API server. Watches and renewals of the Lease come by the clock, so they have
numbers of their own and the calls' numbers tell how far the runner is. Not its job: to know what a call means.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum

import aiohttp
from aiohttp import web
from yarl import URL

from serinus.sandbox.certificate import Certificate
from serinus.sandbox.rest import Server

ADDRESS = "127.0.0.1"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Kind(Enum):
    """What is counted together."""

    CALL = "call"
    WATCH = "watch"
    RENEWAL = "renewal"


class Moment(Enum):
    """When something happens to a call: the server has not heard of it, or has answered and nobody knows."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the client; `number` counts those of its kind from 1."""

    number: int
    kind: Kind
    method: str
    path: str

    def __str__(self) -> str:
        return f"{VERBS.get(self.method, self.method)} {self.resource}"

    @property
    def resource(self) -> str:
        """The plural, with the object's name where one is named."""
        parts = self.path.strip("/").split("/")
        if "namespaces" in parts and len(parts) > parts.index("namespaces") + 2:
            parts = parts[parts.index("namespaces") + 2 :]
        else:
            parts = parts[-1:]
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection; the server has heard of the call, or not. `then` is done just before: a kill, say."""

    moment: Moment
    then: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Hold:
    """`then` at once, and the call, or its answer, goes on only when `until` is set; then `passed` is set."""

    moment: Moment
    until: asyncio.Event
    passed: asyncio.Event
    then: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Refuse:
    """An answer of our own; the server never hears of the call."""

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delay:
    """The call comes late to the server."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Truncate:
    """The answer breaks off after so many bytes; the stream of a watch as well."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class Silence:
    """A watch stays open and says nothing more, once so many bytes of it were passed on."""

    after_bytes: int


Fault = Drop | Hold | Refuse | Delay | Truncate | Silence
Script = Callable[[Call], Fault | None]


class Proxy:
    """`server` is how the client reaches it; `calls` is what came by; `script` says what happens to which call."""

    def __init__(self, upstream: Server, certificate: Certificate, script: Script = lambda call: None) -> None:
        self.calls: list[Call] = []
        self.script = script
        self.struck: list[tuple[Call, Fault]] = []
        self._upstream = upstream
        self._certificate = certificate
        self._counts = dict.fromkeys(Kind, 0)
        self._session: aiohttp.ClientSession | None = None
        self._port = 0

    @property
    def server(self) -> Server:
        return Server(f"https://{ADDRESS}:{self._port}", self._upstream.token, str(self._certificate.certificate_file))

    def count(self, kind: Kind = Kind.CALL) -> int:
        return self._counts[kind]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listen until the block ends."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        tls = ssl.create_default_context(cafile=self._upstream.ca_file)
        # A new connection for each call: the library would send some calls again when a kept one breaks.
        connector = aiohttp.TCPConnector(limit=0, ssl=tls, force_close=True)
        timeout = aiohttp.ClientTimeout(total=None)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as self._session:
            await runner.setup()
            try:
                site = web.TCPSite(runner, ADDRESS, 0, ssl_context=self._certificate.server_context())
                await site.start()
                self._port = runner.addresses[0][1]
                yield self
            finally:
                await runner.cleanup()

    def _numbered(self, request: web.Request) -> Call:
        kind = Kind.CALL
        if request.query.get("watch") == "true":
            kind = Kind.WATCH
        elif request.method == "PUT" and "/leases/" in request.path:
            kind = Kind.RENEWAL
        self._counts[kind] += 1
        call = Call(self._counts[kind], kind, request.method, request.path)
        self.calls.append(call)
        return call

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = self._numbered(request)
        fault = self.script(call)
        if fault is not None:
            self.struck.append((call, fault))
        match fault:
            case Refuse(status, reason, headers):
                return _refusal(status, reason, headers)
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Drop(Moment.BEFORE, then):
                then()
                return _cut(request)
            case Hold(Moment.BEFORE, until, _, then):
                then()
                await until.wait()
            case _:
                pass
        if call.kind is Kind.WATCH:
            return await self._stream(request, fault)
        return await self._pass_on(request, body, fault)

    async def _pass_on(self, request: web.Request, body: bytes, fault: Fault | None) -> web.StreamResponse:
        async with self._asked(request, body) as answer:
            content, status, headers = await answer.read(), answer.status, _passed(answer.headers)
        match fault:
            case Drop(Moment.AFTER, then):
                then()
                return _cut(request)
            case Hold(Moment.AFTER, until, passed, then):
                then()
                await until.wait()
                passed.set()
            case Hold(Moment.BEFORE, _, passed):
                passed.set()
            case Truncate(after_bytes):
                return await _broken_off(request, status, headers, content[:after_bytes], len(content))
            case _:
                pass
        return web.Response(status=status, headers=headers, body=content)

    async def _stream(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        async with self._asked(request, b"") as answer:
            response = web.StreamResponse(status=answer.status, headers=_passed(answer.headers))
            await response.prepare(request)
            passed = 0
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):  # either end may go
                async for chunk in answer.content.iter_any():
                    match fault:
                        case Truncate(after_bytes) if passed + len(chunk) > after_bytes:
                            await response.write(chunk[: after_bytes - passed])
                            return _cut(request, response)
                        case Silence(after_bytes) if passed >= after_bytes:
                            continue
                        case _:
                            await response.write(chunk)
                    passed += len(chunk)
            return response

    def _asked(self, request: web.Request, body: bytes) -> "aiohttp.client._RequestContextManager":
        assert self._session is not None
        url = URL(self._upstream.url + request.raw_path, encoded=True)
        headers = _passed(request.headers)
        return self._session.request(request.method, url, headers=headers, data=body or None, allow_redirects=False)


def _passed(headers: "aiohttp.typedefs.LooseHeaders") -> dict[str, str]:
    return {name: text for name, text in dict(headers).items() if name.lower() not in HOP_BY_HOP}


def _cut(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """End the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()


async def _broken_off(
    request: web.Request, status: int, headers: dict[str, str], part: bytes, whole_bytes: int
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = whole_bytes
    await response.prepare(request)
    await response.write(part)
    return _cut(request, response)


def _refusal(status: int, reason: str, headers: dict[str, str]) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": status}
    return web.json_response(
        body | {"message": "said by the test's proxy", "metadata": {}}, status=status, headers=headers
    )

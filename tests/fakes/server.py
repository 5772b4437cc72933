"""An HTTP server that answers exactly what the test wrote down, to see what the real client makes of it."""

import asyncio
import contextlib
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Gives the scripted answers in order; an unscripted request is answered 418, which no client forgives."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._script: deque[Handler] = deque()
        self._changed = asyncio.Event()

    def then(self, handler: Handler) -> "ScriptedServer":
        self._script.append(handler)
        return self

    async def until_seen(self, count: int) -> None:
        """Wait until so many requests have come in."""
        async with asyncio.timeout(10):
            while len(self.seen) < count:
                self._changed.clear()
                await self._changed.wait()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen = Seen(
            request.method, request.raw_path.partition("?")[0], dict(request.query), dict(request.headers), body
        )
        self.seen.append(seen)
        self._changed.set()
        if not self._script:
            return web.Response(status=418, text="the script has ended")
        return await self._script.popleft()(request)


@contextlib.asynccontextmanager
async def scripted_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "https" if tls else "http"
        server.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()


def answer(value: Any, status: int = 200, **headers: str) -> Handler:
    """A whole answer: JSON for a dict, else the text."""

    async def handle(_: web.Request) -> web.StreamResponse:
        if isinstance(value, dict):
            return web.json_response(value, status=status, headers=headers)
        return web.Response(text=value, status=status, headers=headers)

    return handle


def failure(
    status: int, reason: str = "", message: str = "", details: dict[str, Any] | None = None, **headers: str
) -> Handler:
    """A Status object."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": status,
    }
    return answer(body | ({"details": details} if details else {}), status, **headers)


def hang_up() -> Handler:
    """The connection breaks before anything was answered."""

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return handle


def never() -> Handler:
    """No answer at all, for as long as the client waits."""

    async def handle(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return handle


def stream(*parts: Any, end: str = "close") -> Handler:
    """A watch: dicts become lines, bytes go out as they are. `end`: close (in order), break, or hang."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for part in parts:
            await response.write(part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n")
        if end == "hang":
            await asyncio.Event().wait()
        if end == "break":
            assert request.transport is not None
            request.transport.abort()
        return response

    return handle

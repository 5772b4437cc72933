"""The demo application's HTTP/1.1: one request at a time per connection, kept alive, pipelining in order.

What is answered, and when, is the application's business (`Handler`).
"""

import asyncio
import http
import time
from dataclasses import dataclass
from typing import Protocol

REQUEST_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """`started` is the monotonic time at which its last byte was there."""

    method: str
    path: str
    body: bytes
    keep_alive: bool
    started: float


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    content_type: str
    version: str = ""


class Handler(Protocol):
    """What a connection needs of the application."""

    draining: bool
    connections: "set[Connection]"

    def delay_seconds(self, request: Request) -> float: ...

    def answer(self, request: Request) -> Response: ...


class Connection(asyncio.Protocol):
    """`untold` is true until the other side was told (or has itself chosen) to close."""

    def __init__(self, handler: Handler) -> None:
        self.untold = True
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._pending: Request | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._handler.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._handler.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def eof_received(self) -> bool:
        # A client may say that it sends no more while it still reads the answer.
        return self._pending is not None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _next(self) -> None:
        """Take the next whole request from the buffer, unless one is being answered."""
        if self._pending is not None:
            return
        try:
            request, self._buffer = _parse(self._buffer)
        except ValueError:
            self._write(Response(400, b"bad request\n", "text/plain"), keep_alive=False)
            return
        if request is None:
            return
        self._pending = request
        delay = self._handler.delay_seconds(request)
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        request = self._pending
        assert request is not None
        self._pending = None
        if self._transport is None or self._transport.is_closing():
            return
        response = self._handler.answer(request)
        self._write(response, keep_alive=request.keep_alive and not self._handler.draining)
        self._next()

    def _write(self, response: Response, keep_alive: bool) -> None:
        assert self._transport is not None
        head = (
            f"HTTP/1.1 {response.status} {http.HTTPStatus(response.status).phrase}\r\n"
            f"Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\n"
            + (f"X-Version: {response.version}\r\n" if response.version else "")
            + f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        )
        self._transport.write(head.encode() + response.body)
        if not keep_alive:
            self.untold = False
            self._transport.close()


def _parse(buffer: bytes) -> tuple[Request | None, bytes]:
    """The first whole request and the rest; None while bytes are missing. Raises ValueError for what is not HTTP."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > REQUEST_BYTES_MAX:
            raise ValueError("header too long")
        return None, buffer
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    method, target, protocol = first.split(" ")
    headers = {
        name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= REQUEST_BYTES_MAX or not protocol.startswith("HTTP/1."):
        raise ValueError("not a request this server can read")
    start = end + 4
    if len(buffer) < start + length:
        return None, buffer
    asked = headers.get("connection", "keep-alive" if protocol == "HTTP/1.1" else "close")
    path = target.partition("?")[0]
    body = buffer[start : start + length]
    return Request(method, path, body, asked != "close", time.monotonic()), buffer[start + length :]

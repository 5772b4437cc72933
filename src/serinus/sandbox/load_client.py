"""One HTTP/1.1 connection of the load generator: a request, its answer, then perhaps the next."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a request: `status` 0 means no answer, and then `error` says why."""

    status: int = 0
    version: str = UNKNOWN
    error: str = ""


class NoAnswer(ConnectionError):
    """The connection ended before the answer was complete."""


class Client(asyncio.Protocol):
    """`is_last`: the next request is to be this connection's last. `on_lost` is called once, when it is closed."""

    def __init__(self, requests_max: int, on_lost: Callable[["Client"], None]) -> None:
        self._left = requests_max
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[Result] | None = None
        self._told_to_close = False
        self._lost = False

    @property
    def is_open(self) -> bool:
        return not self._lost and self._transport is not None and not self._transport.is_closing()

    @property
    def is_last(self) -> bool:
        return self._left == 1

    @property
    def is_spent(self) -> bool:
        """No further request may be sent: the server said so, or enough were."""
        return self._told_to_close or self._left <= 0

    async def ask(self, request: bytes) -> Result:
        """Send a request and wait for its answer. Raises NoAnswer."""
        if self._transport is None or self._lost:
            raise NoAnswer(0, "closed before the request")
        self._left -= 1
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(0, str(exc) if exc else "closed before the answer"))
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body_end = end + 4 + int(headers.get("content-length", "0"))
        if len(self._buffer) < body_end:
            return
        body = self._buffer[end + 4 : body_end]
        self._buffer = self._buffer[body_end:]
        self._told_to_close = headers.get("connection", "").lower() == "close"
        version = headers.get("x-version") or _version_in(body)
        self._answer.set_result(Result(int(first.split(" ")[1]), version))


def _version_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["version"])
    except (ValueError, KeyError, TypeError):
        return UNKNOWN

"""The demo application: a small HTTP/1.1 server with faults that can be switched on, for pods of the sandbox.

Answers `/` (JSON with version and pod), `/healthz` (readiness), `/metrics` (Prometheus text) and `/_fault` (GET shows,
PUT changes the faults). Listens on POD_IP:PORT. On SIGTERM it drains: it goes on serving, new connections included,
tells every connection to close with its next answer, and exits with 0 when all were told. Needs the standard library
only, so that a fork server can hold it cheaply.
"""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict

from serinus.sandbox.checkout_http import Connection, Request, Response
from serinus.sandbox.checkout_metrics import Metrics
from serinus.sandbox.faults import BadFault, Faults, changed, from_environment

LATENCY_SIGMA = 0.4
DRAIN_SECONDS_MAX = 5.0
GROWTH_BYTES = 16 * 1024 * 1024
GROWTH_PERIOD_SECONDS = 0.1
BACKLOG = 1024


class Checkout:
    """One process of the application."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raises BadFault for a fault variable that cannot be read."""
        self.version = environment.get("SERINUS_VERSION") or environment.get("VERSION") or "unknown"
        self.pod = environment.get("POD_NAME") or environment.get("HOSTNAME") or str(os.getpid())
        self.address = environment.get("POD_IP") or "127.0.0.1"
        self.port = int(environment.get("PORT") or "8080")
        self.faults = from_environment(environment)
        self.draining = False
        self.connections: set[Connection] = set()
        self.metrics = Metrics(self.version)
        self._started = time.monotonic()
        self._hoard: list[bytes] = []
        self._crash: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Serve until SIGTERM and the drain that follows it."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        server = await loop.create_server(lambda: Connection(self), self.address, self.port, backlog=BACKLOG)
        _say(1, f"checkout {self.version} listening on {self.address}:{self.port}, pod {self.pod}")
        self._apply(self.faults)
        growth = asyncio.create_task(self._grow())
        await stop.wait()
        _say(1, f"checkout {self.version} got SIGTERM, draining {len(self.connections)} connections")
        await self._drain()
        growth.cancel()
        server.close()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)
        _say(1, f"checkout {self.version} stopped")

    async def _drain(self) -> None:
        """Serve on until every connection was told to close; a silent one is waited for only so long."""
        self.draining = True
        started = time.monotonic()
        while True:
            elapsed = time.monotonic() - started
            quiet = not any(connection.untold for connection in self.connections)
            if elapsed >= self.faults.drain_seconds and (quiet or elapsed >= DRAIN_SECONDS_MAX):
                return
            await asyncio.sleep(0.02)

    def delay_seconds(self, request: Request) -> float:
        if request.path in ("/healthz", "/metrics", "/_fault"):
            return 0.0
        median = self.faults.latency_ms if self._is_harmful() else Faults().latency_ms
        return median / 1000 * random.lognormvariate(0, LATENCY_SIGMA)

    def answer(self, request: Request) -> Response:
        if request.path == "/healthz":
            return self._health()
        if request.path == "/metrics":
            return Response(200, self.metrics.text().encode(), "text/plain; version=0.0.4")
        if request.path == "/_fault":
            return self._fault(request)
        response = self._business(request)
        self.metrics.observe(response.status, time.monotonic() - request.started)
        return response

    def _business(self, request: Request) -> Response:
        if self._is_harmful():
            if self.faults.leak_bytes_per_request:
                self._hoard.append(b"\1" * self.faults.leak_bytes_per_request)
            if random.random() < self.faults.error_rate:
                return self._json(500, {"error": "payment provider answered with an unknown currency"})
        if request.path != "/":
            return self._json(404, {"error": f"no such page: {request.path}"})
        return self._json(200, {"app": "checkout"})

    def _json(self, status: int, body: dict[str, object]) -> Response:
        own = {"version": self.version, "pod": self.pod}
        return Response(status, json.dumps(body | own).encode() + b"\n", "application/json", self.version)

    def _health(self) -> Response:
        starting = time.monotonic() - self._started < self.faults.start_seconds
        if starting or self.faults.never_ready:
            return self._json(503, {"status": "starting" if starting else "not ready"})
        return self._json(200, {"status": "ok"})

    def _fault(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                self._apply(changed(self.faults, dict(json.loads(request.body))))
            except (BadFault, ValueError, TypeError) as error:
                return self._json(400, {"error": str(error)})
        return self._json(200, asdict(self.faults))

    def _apply(self, faults: Faults) -> None:
        """Take these faults; a crash counts from now when it is asked for at run time."""
        self.faults = faults
        if self._crash is not None:
            self._crash.cancel()
            self._crash = None
        if faults.crash_after_seconds:
            waiting = max(0.0, faults.harm_after_seconds - (time.monotonic() - self._started))
            delay = waiting + faults.crash_after_seconds
            self._crash = asyncio.get_running_loop().call_later(delay, crash, self.version)

    def _is_harmful(self) -> bool:
        return time.monotonic() - self._started >= self.faults.harm_after_seconds

    async def _grow(self) -> None:
        """Memory that grows to what the faults say, from one second after the start."""
        await asyncio.sleep(1)
        grown = 0
        while True:
            if self._is_harmful() and grown < self.faults.memory_bytes:
                # A repeated byte is really written, unlike the zero pages of bytearray(n), so it counts as resident.
                self._hoard.append(b"\1" * min(GROWTH_BYTES, self.faults.memory_bytes - grown))
                grown += len(self._hoard[-1])
            await asyncio.sleep(GROWTH_PERIOD_SECONDS)


def crash(version: str) -> None:
    """End this process as a crash does: a last line on stderr, connections torn, exit code 1."""
    _say(2, f"panic: checkout {version}: nil price list, cannot compute the total of a cart")
    os._exit(1)


def main(environment: Mapping[str, str]) -> int:
    """Run the application in this process; the exit code."""
    try:
        checkout = Checkout(environment)
    except ValueError as error:
        _say(2, f"checkout: bad environment: {error}")
        return 2
    if checkout.faults.crash_on_start:
        crash(checkout.version)
    try:
        asyncio.run(checkout.serve())
    except OSError as error:
        _say(2, f"checkout: cannot listen on {checkout.address}:{checkout.port}: {error.strerror}")
        return 1
    return 0


def _say(descriptor: int, line: str) -> None:
    """A log line, past Python's buffers: a crash must not lose it, a fork must not repeat it."""
    os.write(descriptor, line.encode() + b"\n")


if __name__ == "__main__":
    raise SystemExit(main(os.environ))

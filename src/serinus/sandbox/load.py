"""An open-loop load generator: a fixed rate of GET requests, each timed from when it was due, none ever repeated.

A slow or dead server thus cannot slow the load down and hide its own harm. Run as a process of its own:

    python -m serinus.sandbox.load --url http://127.96.0.5:8080/ --rate 300 --seconds 60 --connections keepalive

Every half second a JSON line of running totals goes to standard output, at the end (or on SIGTERM or SIGINT) a closing
one with the figures by version; `--out FILE` gets one JSON line per request.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from serinus.sandbox.load_client import Client, Result
from serinus.sandbox.load_tally import Tally

REPORT_SECONDS = 0.5
REQUESTS_MAX = 5_000_000
KEEPALIVE_CONNECTIONS = 32
KEEPALIVE_REQUESTS_MAX = 100
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """`connections`: `new` for each request, `keepalive` (a pool), or `both` in turn. `slow_ms`: from there on slow."""

    url: str
    rate: float
    seconds: float
    connections: str = "keepalive"
    slow_ms: float = 500.0


class Generator:
    """Sends one load. `tally` has the figures at any time."""

    def __init__(self, load: Load, out: TextIO | None = None) -> None:
        """Raises ValueError when the load's URL is not plain http with a host."""
        parts = urlsplit(load.url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"--url {load.url}: only http://HOST[:PORT]/PATH can be loaded")
        self.tally = Tally(load.slow_ms)
        self._load = load
        self._out = out
        target = parts.path or "/"
        self._address = (parts.hostname, parts.port or 80)
        self._request = f"GET {target}{'?' + parts.query if parts.query else ''} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self._idle: deque[Client] = deque()
        self._open: set[Client] = set()
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until the time is over or `stop` is set, then wait for the answers still due."""
        loop = asyncio.get_running_loop()
        count = min(int(self._load.rate * self._load.seconds), REQUESTS_MAX)
        # Wall-clock and monotonic time of one moment: what is due when is told by the one, written down by the other.
        begin, begin_wall = loop.time(), time.time()
        for number in range(count):
            due = begin + number / self._load.rate
            if due > loop.time():
                await _sleep_or_stop(stop, due - loop.time())
            if stop.is_set():
                break
            new = self._load.connections == "new" or (self._load.connections == "both" and number % 2 == 0)
            self.tally.sent += 1
            task = loop.create_task(self._send(new, due, begin_wall + due - begin))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        for client in list(self._open):
            client.close()

    async def _send(self, new: bool, due: float, due_wall: float) -> None:
        result = Result()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                client = await self._client(new)
                end = "Connection: close\r\n\r\n" if client.is_last else "\r\n"
                result = await client.ask((self._request + end).encode())
                self._give_back(client)
        except TimeoutError:
            result = Result(error="no answer in time")
        except OSError as error:
            result = Result(error=error.strerror or type(error).__name__)
        latency_ms = (asyncio.get_running_loop().time() - due) * 1000
        self.tally.add(result, due_wall, latency_ms)
        if self._out is not None:
            record = {"due": round(due_wall, 6), "ms": round(latency_ms, 3), "new": new}
            self._out.write(json.dumps(record | asdict(result)) + "\n")

    async def _client(self, new: bool) -> Client:
        """A new connection, or the one that has rested longest; the pool is filled before any is used again."""
        while not new and self._idle and len(self._open) + self._opening >= KEEPALIVE_CONNECTIONS:
            client = self._idle.popleft()
            if client.is_open:
                return client
            self._open.discard(client)
        if new:
            return await self._connect(1)
        self._opening += 1
        try:
            client = await self._connect(KEEPALIVE_REQUESTS_MAX)
        finally:
            self._opening -= 1
        self._open.add(client)
        return client

    async def _connect(self, requests_max: int) -> Client:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: Client(requests_max, self._forget), *self._address)
        return client

    def _give_back(self, client: Client) -> None:
        if client.is_open and not client.is_spent:
            self._idle.append(client)
        else:
            client.close()

    def _forget(self, client: Client) -> None:
        self._open.discard(client)
        if client in self._idle:
            self._idle.remove(client)


async def _sleep_or_stop(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _report(tally: Tally) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        _print(tally.progress())


def _print(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def run_load(load: Load, out: Path | None) -> None:
    """Send the load, printing lines as it goes and a closing one; SIGTERM and SIGINT end it early, in order."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stream = out.open("w") if out else None
    generator = Generator(load, stream)
    report = asyncio.create_task(_report(generator.tally))
    try:
        await generator.run(stop)
    finally:
        report.cancel()
        if stream is not None:
            stream.close()
    _print(generator.tally.summary())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m serinus.sandbox.load", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, required=True, help="requests per second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", choices=("new", "keepalive", "both"), default="keepalive")
    parser.add_argument("--slow-ms", type=float, default=500.0)
    parser.add_argument("--out", type=Path, help="one JSON line per request goes here")
    options = parser.parse_args()
    load = Load(options.url, options.rate, options.seconds, options.connections, options.slow_ms)
    try:
        asyncio.run(run_load(load, options.out))
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

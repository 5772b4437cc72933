"""The load generator against small servers of known behaviour."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from serinus.sandbox.load import KEEPALIVE_CONNECTIONS, Generator, Load
from tests.sandbox.node.world import until

ANSWER = b"HTTP/1.1 200 OK\r\nX-Version: v1\r\nContent-Length: 2\r\n%s\r\nok"
OK = ANSWER % b""
CLOSE = ANSWER % b"Connection: close\r\n"


class Server:
    """Answers each request with what `answer(number)` says; None tears the connection down."""

    def __init__(self, answer: Callable[[int], bytes | None], delay_seconds: float = 0.0) -> None:
        self.connections = 0
        self.requests = 0
        self.port = 0
        self.handlers: set[asyncio.Task[None] | None] = set()
        self._answer = answer
        self._delay_seconds = delay_seconds

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.handlers.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                number, self.requests = self.requests, self.requests + 1
                await asyncio.sleep(self._delay_seconds)
                answer = self._answer(number)
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer)
                if b"Connection: close" in answer or b"Connection: close" in head:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            self.handlers.discard(asyncio.current_task())


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[str]:
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        listener.close()
        await until(lambda: not server.handlers)


async def run(server: Server, connections: str, count: int = 200, slow_ms: float = 500.0) -> dict[str, object]:
    async with serving(server) as url:
        generator = Generator(Load(url, 1000, count / 1000, connections, slow_ms))
        await generator.run(asyncio.Event())
        return generator.tally.summary()


def by_version(summary: dict[str, object], version: str) -> dict[str, float]:
    versions = summary["by_version"]
    assert isinstance(versions, dict)
    found: dict[str, float] = versions[version]
    return found


async def test_every_request_is_sent_and_counted_by_version() -> None:
    summary = await run(Server(lambda _: OK), "keepalive")
    assert (summary["sent"], summary["failed"]) == (200, 0)
    assert by_version(summary, "v1")["requests"] == 200


async def test_new_opens_a_connection_for_each_request() -> None:
    server = Server(lambda _: OK)
    await run(server, "new")
    assert server.connections == server.requests == 200


async def test_keepalive_uses_a_pool() -> None:
    server = Server(lambda _: OK)
    await run(server, "keepalive")
    assert KEEPALIVE_CONNECTIONS <= server.connections < server.requests


async def test_both_takes_turns() -> None:
    server = Server(lambda _: OK)
    await run(server, "both")
    assert 100 + KEEPALIVE_CONNECTIONS <= server.connections < server.requests


async def test_a_connection_told_to_close_is_not_used_again() -> None:
    server = Server(lambda _: CLOSE)
    summary = await run(server, "keepalive")
    assert summary["failed"] == 0
    assert server.connections == 200


async def test_a_request_without_an_answer_failed_and_is_not_repeated() -> None:
    server = Server(lambda number: None if number == 50 else OK)
    summary = await run(server, "keepalive")
    assert (summary["sent"], summary["failed"], server.requests) == (200, 1, 200)
    assert by_version(summary, "unknown")["failed"] == 1


async def test_a_server_error_counts_against_its_version() -> None:
    error = OK.replace(b"200 OK", b"500 Oops")
    summary = await run(Server(lambda number: error if number % 4 == 0 else OK), "new")
    assert by_version(summary, "v1")["failed"] == 50
    assert summary["errors"] == {"status 500": 50}


async def test_the_version_is_read_from_the_body_where_no_header_has_it() -> None:
    body = b'{"version": "v7"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    summary = await run(Server(lambda _: answer), "new", count=5)
    assert by_version(summary, "v7")["requests"] == 5


async def test_a_refused_connection_is_a_failure() -> None:
    async with serving(Server(lambda _: OK)) as url:
        pass
    generator = Generator(Load(url, 100, 0.05, "new"))
    await generator.run(asyncio.Event())
    assert generator.tally.summary()["failed"] == 5


async def test_latency_counts_from_when_a_request_was_due() -> None:
    """A server that stops for a while makes all requests of that while slow, not only the one that it held."""

    def answer(number: int) -> bytes:
        if number == 50:
            time.sleep(0.2)  # the load generator shares this loop, so it is late as well
        return OK

    summary = await run(Server(answer), "keepalive", slow_ms=50)
    assert int(str(summary["slow"])) >= 100


async def test_slow_answers_are_counted() -> None:
    summary = await run(Server(lambda _: OK, delay_seconds=0.06), "new", count=20, slow_ms=50)
    assert summary["slow"] == 20
    assert by_version(summary, "v1")["p50_ms"] >= 60


def test_only_plain_http_can_be_loaded() -> None:
    with pytest.raises(ValueError, match="only http://"):
        Generator(Load("https://127.0.0.1/", 1, 1))


async def test_as_a_process_it_reports_while_it_runs_and_sums_up_on_sigterm(tmp_path: Path) -> None:
    out = tmp_path / "requests"
    async with serving(Server(lambda _: OK)) as url:
        command = [sys.executable, "-m", "serinus.sandbox.load", "--url", url, "--rate", "100", "--seconds", "60"]
        process = await asyncio.create_subprocess_exec(*command, "--out", str(out), stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        progress = json.loads(await process.stdout.readline())
        assert progress["by_version"]["v1"]["requests"] == progress["ok"] > 0
        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()
    summary = json.loads(output.splitlines()[-1])
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert summary["sent"] == by_version(summary, "v1")["requests"] == len(records)
    assert {"status": 200, "version": "v1"}.items() <= records[0].items()

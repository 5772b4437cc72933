"""The demo application as a process of its own, spoken to over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from serinus.sandbox.faults import BadFault, Faults, changed, from_environment
from serinus.sandbox.networks import POD_RANGE, claim_network
from serinus.sandbox.processes import Process, Processes
from tests.sandbox.node.world import until

PORT = 8080


class App:
    def __init__(self, address: str, process: Process, log: Path, http: aiohttp.ClientSession) -> None:
        self.address = address
        self.process = process
        self.log = log
        self.url = f"http://{address}:{PORT}"
        self.http = http


class Apps:
    def __init__(self, network: str, processes: Processes, folder: Path, http: aiohttp.ClientSession) -> None:
        self._network = network.removesuffix(".0/22")
        self._processes = processes
        self._folder = folder
        self._http = http

    async def start(self, **faults: str) -> App:
        environment = {"POD_IP": f"{self._network}.7", "PORT": str(PORT), "POD_NAME": "p", "SERINUS_VERSION": "v9"}
        log = self._folder / "log"
        process = await self._processes.start([], environment | faults, log)
        await until(lambda: process.exited.done() or (log.exists() and "listening" in log.read_text()))
        return App(environment["POD_IP"], process, log, self._http)


@pytest_asyncio.fixture
async def apps(processes: Processes, tmp_path: Path) -> AsyncIterator[Apps]:
    with claim_network(POD_RANGE) as network:
        async with aiohttp.ClientSession() as http:
            yield Apps(network, processes, tmp_path, http)


async def test_the_page_names_version_and_pod(apps: Apps) -> None:
    app = await apps.start()
    async with app.http.get(app.url) as response:
        assert (response.status, response.headers["X-Version"]) == (200, "v9")
        assert await response.json() == {"app": "checkout", "version": "v9", "pod": "p"}


async def test_an_unknown_page_is_not_found(apps: Apps) -> None:
    app = await apps.start()
    async with app.http.get(f"{app.url}/nowhere") as response:
        assert response.status == 404


async def test_metrics_count_requests_by_code_and_version(apps: Apps) -> None:
    app = await apps.start()
    for _ in range(3):
        async with app.http.get(app.url) as response:
            await response.read()
    async with app.http.get(f"{app.url}/healthz") as response:
        assert response.status == 200
    async with app.http.get(f"{app.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    assert 'http_requests_total{code="200",version="v9"} 3' in lines
    assert 'http_request_duration_seconds_bucket{version="v9",le="+Inf"} 3' in lines
    assert 'http_request_duration_seconds_count{version="v9"} 3' in lines


async def test_an_error_rate_of_one_fails_every_answer(apps: Apps) -> None:
    app = await apps.start(SERINUS_ERROR_RATE="1.0")
    async with app.http.get(app.url) as response:
        assert (response.status, response.headers["X-Version"]) == (500, "v9")


async def test_harm_does_not_show_before_its_time(apps: Apps) -> None:
    app = await apps.start(SERINUS_ERROR_RATE="1.0", SERINUS_HARM_AFTER_SECONDS="60")
    async with app.http.get(app.url) as response:
        assert response.status == 200


async def test_faults_can_be_changed_at_run_time(apps: Apps) -> None:
    app = await apps.start()
    async with app.http.put(f"{app.url}/_fault", json={"error_rate": 1, "never_ready": True}) as response:
        assert (await response.json())["error_rate"] == 1
    async with app.http.get(app.url) as response:
        assert response.status == 500
    async with app.http.get(f"{app.url}/healthz") as response:
        assert response.status == 503


async def test_a_fault_nobody_knows_is_refused(apps: Apps) -> None:
    app = await apps.start()
    async with app.http.put(f"{app.url}/_fault", data=b'{"eror_rate": 1}') as response:
        assert response.status == 400
        assert "no fault is called 'eror_rate'" in (await response.json())["error"]


async def test_a_crash_is_abrupt_and_leaves_a_last_line(apps: Apps) -> None:
    app = await apps.start()
    reader, writer = await asyncio.open_connection(app.address, PORT)
    async with app.http.put(f"{app.url}/_fault", json={"crash_after_seconds": 0.05}) as response:
        assert response.status == 200
    assert (await app.process.wait()).exit_code == 1
    assert await reader.read() == b""
    writer.close()
    assert app.log.read_text().splitlines()[-1].startswith("panic: ")


async def test_crash_on_start_never_listens(apps: Apps) -> None:
    app = await apps.start(SERINUS_CRASH_ON_START="true")
    assert (await app.process.wait()).exit_code == 1
    assert "listening" not in app.log.read_text()


async def test_a_bad_fault_variable_ends_the_process_with_its_name(apps: Apps) -> None:
    app = await apps.start(SERINUS_ERROR_RATE="many")
    assert (await app.process.wait()).exit_code == 2
    assert "error_rate: 'many' is not a number" in app.log.read_text()


async def test_while_draining_kept_connections_are_served_and_told_to_close(apps: Apps) -> None:
    app = await apps.start(SERINUS_DRAIN_SECONDS="0.3")
    reader, writer = await asyncio.open_connection(app.address, PORT)
    head, _ = await ask(reader, writer)
    assert "Connection: keep-alive" in head
    app.process.terminate()
    await until(lambda: "SIGTERM" in app.log.read_text())
    head, body = await ask(reader, writer)
    assert head.startswith("HTTP/1.1 200")
    assert "Connection: close" in head
    assert json.loads(body)["version"] == "v9"
    assert await reader.read() == b""
    writer.close()
    assert (await app.process.wait()).exit_code == 0


async def test_while_draining_new_connections_are_still_accepted(apps: Apps) -> None:
    app = await apps.start(SERINUS_DRAIN_SECONDS="10")
    app.process.terminate()
    await until(lambda: "SIGTERM" in app.log.read_text())
    async with app.http.get(app.url) as response:
        assert response.status == 200


async def test_a_silent_connection_delays_the_end_of_the_drain(apps: Apps) -> None:
    app = await apps.start(SERINUS_DRAIN_SECONDS="0.05")
    reader, writer = await asyncio.open_connection(app.address, PORT)
    await ask(reader, writer)
    app.process.terminate()
    await until(lambda: "SIGTERM" in app.log.read_text())
    await asyncio.sleep(0.2)  # well past the drain time: the connection was not told yet
    head, _ = await ask(reader, writer)
    assert head.startswith("HTTP/1.1 200")
    writer.close()
    assert (await app.process.wait()).exit_code == 0


async def test_requests_sent_together_are_answered_in_order(apps: Apps) -> None:
    app = await apps.start()
    reader, writer = await asyncio.open_connection(app.address, PORT)
    writer.write(
        b"GET / HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    answers = (await reader.read()).decode()
    codes = [line.split()[1] for line in answers.splitlines() if line.startswith("HTTP/1.1")]
    assert codes == ["200", "404", "200"]
    writer.close()


async def test_what_is_not_http_is_refused(apps: Apps) -> None:
    app = await apps.start()
    reader, writer = await asyncio.open_connection(app.address, PORT)
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()


def test_faults_are_read_from_the_environment() -> None:
    faults = from_environment({"SERINUS_ERROR_RATE": "0.25", "SERINUS_NEVER_READY": "true", "HOME": "/"})
    assert faults == Faults(error_rate=0.25, never_ready=True)


@pytest.mark.parametrize(("name", "value"), [("error_rate", "-1"), ("error_rate", "inf"), ("never_ready", "perhaps")])
def test_unusable_fault_values_are_named(name: str, value: str) -> None:
    with pytest.raises(BadFault, match=name):
        changed(Faults(), {name: value})


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, bytes]:
    """One request on a connection; head and body of the answer."""
    writer.write(b"GET / HTTP/1.1\r\nHost: checkout\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("Content-Length"))
    return head, await reader.readexactly(length)

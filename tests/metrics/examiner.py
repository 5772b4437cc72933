"""A real Prometheus on loopback that scrapes small servers of the test's, and those servers."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

READY_SECONDS = 30.0
SCRAPE = "200ms"


class Shown:
    """A server's page of metrics: the demo application's own counters, or whatever the test says."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.url = ""
        self.fails = False

    async def handle(self, _: web.Request) -> web.Response:
        if self.fails:
            return web.Response(status=500)
        return web.Response(text=self.text, headers={"Content-Type": "text/plain; version=0.0.4"})


@contextlib.asynccontextmanager
async def showing(shown: Shown) -> AsyncIterator[Shown]:
    app = web.Application()
    app.router.add_get("/metrics", shown.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        shown.url = f"127.0.0.1:{runner.addresses[0][1]}"
        yield shown
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Examiner:
    """The running server, and how to wait for what it knows."""

    url: str
    session: aiohttp.ClientSession

    async def until(self, promql: str, value: float, seconds: float = 20.0) -> None:
        """Wait until a query has this one value."""
        last: object = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    async with self.session.get(f"{self.url}/api/v1/query", params={"query": promql}) as response:
                        last = (await response.json()).get("data", {}).get("result")
                    if isinstance(last, list) and len(last) == 1 and float(last[0]["value"][1]) == value:
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{promql} was not {value} within {seconds:g} s: {last}") from None


@contextlib.asynccontextmanager
async def running(
    binary: Path, folder: Path, targets: Mapping[str, Mapping[str, str]], web_config: str = ""
) -> AsyncIterator[Examiner]:
    """Prometheus that scrapes these addresses with their labels; `web_config`: its own file's text, for logins."""
    config = {
        "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE},
        "scrape_configs": [
            {
                "job_name": "pods",
                "static_configs": [{"targets": [url], "labels": dict(labels)} for url, labels in targets.items()],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    (folder / "web.yml").write_text(web_config)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    arguments += [f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={folder / 'web.yml'}"]
    log = (folder / "log").open("wb")
    process = await asyncio.create_subprocess_exec(str(binary), *arguments, stdout=log, stderr=log)
    try:
        async with aiohttp.ClientSession() as session:
            await _ready(f"http://127.0.0.1:{port}", session, process, folder)
            yield Examiner(f"http://127.0.0.1:{port}", session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


async def _ready(url: str, session: aiohttp.ClientSession, process: asyncio.subprocess.Process, folder: Path) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            while process.returncode is None:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{url}/-/ready") as response:
                        if response.status in (200, 401):
                            return
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    raise AssertionError(f"prometheus did not start: {(folder / 'log').read_text()[-2000:]}")

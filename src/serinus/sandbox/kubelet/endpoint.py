"""The kubelet's own HTTPS endpoint, which a real API server asks for container logs (`kubectl logs`).

It takes whoever can reach it, so it belongs on a loopback address. Its certificate is made anew at each start: an API
server does not verify it unless told to.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from aiohttp import web

FOLLOW_SECONDS = 0.1
CERTIFICATE_DAYS = "30"


class NoCertificate(Exception):
    """The endpoint's certificate could not be made."""


class Logs(Protocol):
    """Where log lines come from."""

    def read_log(self, namespace: str, pod: str, container: str, previous: bool) -> bytes | None: ...

    def is_running(self, namespace: str, pod: str, container: str) -> bool: ...


@asynccontextmanager
async def serve_endpoint(logs: Logs, address: str, workdir: Path, port: int = 0) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port, a free one for 0. Raises NoCertificate, or OSError when taken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*await _make_certificate(address, workdir))
    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", _Handler(logs).container_logs)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port, ssl_context=context).start()
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()


class _Handler:
    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    async def container_logs(self, request: web.Request) -> web.StreamResponse:
        where = (request.match_info["namespace"], request.match_info["pod"], request.match_info["container"])
        query = request.query
        previous = query.get("previous") == "true"
        text = self._logs.read_log(*where, previous)
        if text is None:
            what = "previous terminated container" if previous else "container"
            raise web.HTTPBadRequest(text=f'{what} "{where[2]}" in pod "{where[1]}" not found')
        try:
            tail = int(query["tailLines"]) if "tailLines" in query else None
            limit = int(query["limitBytes"]) if "limitBytes" in query else None
        except ValueError:
            raise web.HTTPBadRequest(text="tailLines and limitBytes are whole numbers") from None
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(_last_lines(text, tail)[:limit])
        if query.get("follow") == "true" and not previous:
            await self._follow(response, where, len(text))
        return response

    async def _follow(self, response: web.StreamResponse, where: tuple[str, str, str], sent: int) -> None:
        """Send what is added, until the container has ended."""
        running = True
        while running:
            await asyncio.sleep(FOLLOW_SECONDS)
            running = self._logs.is_running(*where)
            text = self._logs.read_log(*where, False) or b""
            # Shorter than what was sent: cut meanwhile, or a new run has begun.
            await response.write(text[sent if len(text) >= sent else 0 :])
            sent = len(text)


def _last_lines(text: bytes, count: int | None) -> bytes:
    if count is None:
        return text
    return b"".join(text.splitlines(keepends=True)[-count:]) if count > 0 else b""


async def _make_certificate(address: str, workdir: Path) -> tuple[Path, Path]:
    certificate, key = workdir / "kubelet.crt", workdir / "kubelet.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", CERTIFICATE_DAYS]
    command += ["-subj", "/CN=serinus-sandbox-kubelet", "-addext", f"subjectAltName=IP:{address}"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError:
        raise NoCertificate("the kubelet's certificate is made by openssl, which is not on PATH: install it") from None
    _, error = await process.communicate()
    if process.returncode != 0:
        raise NoCertificate(f"openssl could not make the kubelet's certificate: {error.decode(errors='replace')}")
    return certificate, key

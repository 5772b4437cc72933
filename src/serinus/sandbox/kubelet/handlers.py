"""Ways to ask or tell a container something: HTTP request, TCP connection, command. Used by probes and hooks alike."""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from serinus.sandbox.kubelet.runtime import Runtime
from serinus.sandbox.processes import StartError
from serinus.sandbox.rest import Raw

OUTPUT_BYTES_MAX = 1024


class HandlerFailed(Exception):
    """The answer was not a success, or there was none; the text is what a kubelet puts into its event."""


@dataclass(frozen=True, slots=True)
class Target:
    """The container that is asked: where it listens, its named ports, and what a command in it would see."""

    runtime: Runtime
    address: str
    ports: Mapping[str, int]
    environment: Mapping[str, str]
    directory: str


async def call_handler(target: Target, raw_handler: Raw, timeout_seconds: float) -> None:
    """Returns when the handler succeeded. Raises HandlerFailed."""
    if "httpGet" in raw_handler:
        await _http_get(target, raw_handler["httpGet"], timeout_seconds)
    elif "tcpSocket" in raw_handler:
        await _tcp_connect(target, raw_handler["tcpSocket"], timeout_seconds)
    elif "exec" in raw_handler:
        await _execute(target, raw_handler["exec"]["command"], timeout_seconds)
    elif "sleep" in raw_handler:
        await asyncio.sleep(raw_handler["sleep"]["seconds"])
    else:
        raise HandlerFailed(f"the sandbox has no handler of the kind {', '.join(raw_handler) or 'none'}")


def _port(target: Target, port: int | str) -> int:
    if isinstance(port, int) or port.isdigit():
        return int(port)
    if port not in target.ports:
        raise HandlerFailed(f"the container has no port named {port!r}")
    return target.ports[port]


async def _http_get(target: Target, raw_get: Raw, timeout_seconds: float) -> None:
    scheme = raw_get.get("scheme", "HTTP").lower()
    host = raw_get.get("host") or target.address
    path = raw_get.get("path") or "/"
    url = f"{scheme}://{host}:{_port(target, raw_get['port'])}{path if path.startswith('/') else '/' + path}"
    headers = {"User-Agent": "kube-probe/sandbox", "Accept": "*/*"}
    headers |= {header["name"]: header["value"] for header in raw_get.get("httpHeaders") or []}
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    try:
        request = target.runtime.http.get(url, headers=headers, timeout=timeout, allow_redirects=False, ssl=False)
        async with request as response:
            status = response.status
    except TimeoutError:
        raise HandlerFailed(f'Get "{url}": context deadline exceeded after {timeout_seconds:g} s') from None
    except (aiohttp.ClientError, ValueError) as error:
        raise HandlerFailed(f'Get "{url}": {_why(error)}') from None
    if not 200 <= status < 400:
        raise HandlerFailed(f"HTTP probe failed with statuscode: {status}")


async def _tcp_connect(target: Target, raw_socket: Raw, timeout_seconds: float) -> None:
    host = raw_socket.get("host") or target.address
    port = _port(target, raw_socket["port"])
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise HandlerFailed(f"dial tcp {host}:{port}: i/o timeout") from None
    except OSError as error:
        raise HandlerFailed(f"dial tcp {host}:{port}: {_why(error)}") from None
    writer.close()


async def _execute(target: Target, command: list[str], timeout_seconds: float) -> None:
    with tempfile.TemporaryDirectory(dir=target.runtime.workdir) as folder:
        output = Path(folder) / "output"
        try:
            process = await target.runtime.processes.start(command, target.environment, output, target.directory)
        except StartError as error:
            raise HandlerFailed(str(error)) from None
        try:
            async with asyncio.timeout(timeout_seconds):
                ended = await process.wait()
        except TimeoutError:
            raise HandlerFailed(f'command "{" ".join(command)}" timed out after {timeout_seconds:g} s') from None
        finally:
            process.kill()
        if ended.exit_code != 0:
            said = output.read_bytes()[:OUTPUT_BYTES_MAX].decode(errors="replace").strip()
            raise HandlerFailed(said or f"command exited with {ended.exit_code}")


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError | aiohttp.ClientConnectorError):
        return "connect: connection refused"
    if isinstance(error, ConnectionResetError | aiohttp.ServerDisconnectedError):
        return "EOF"
    return str(error) or type(error).__name__

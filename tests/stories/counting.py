"""Counts what a command asks of the API: a proxy between the two that passes everything on, watches included."""

import contextlib
import json
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from serinus.sandbox.rest import Server

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PATH = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+)?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[a-z]+))?)?"
)
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Count:
    """How often each (verb, resource) was asked; what costs by time is left out: watches, Lease, metrics."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()

    @property
    def total(self) -> int:
        return sum(self.asked.values())

    def add(self, method: str, path: str, is_watch: bool) -> None:
        if path.endswith("/proxy/metrics"):
            return
        found = PATH.fullmatch(path)
        if found is None:
            self.asked[("get", path)] += 1
            return
        if is_watch or found["plural"] == "leases":
            return
        verb = VERBS.get(method) or ("get" if found["name"] else "list")
        self.asked[(verb, "/".join(part for part in (found["plural"], found["sub"]) if part))] += 1

    def table(self) -> str:
        lines = [f"  {number:>4}  {verb:<7} {resource}" for (verb, resource), number in sorted(self.asked.items())]
        return "\n".join([*lines, f"  {self.total:>4}  in all"])


@contextlib.asynccontextmanager
async def counting(server: Server, namespace: str, folder: Path) -> AsyncIterator[tuple[Count, Path]]:
    """A proxy to the server until the block ends: its count, and a kubeconfig that leads through it."""
    count = Count()
    tls = ssl.create_default_context(cafile=server.ca_file)
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            count.add(request.method, request.path, request.query.get("watch") in ("1", "true"))
            headers = {key: value for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP}
            url = server.url + request.raw_path
            async with session.request(
                request.method, url, headers=headers, data=await request.read() or None, ssl=tls
            ) as answer:
                kept = {key: value for key, value in answer.headers.items() if key.lower() not in HOP_BY_HOP}
                response = web.StreamResponse(status=answer.status, headers=kept)
                with contextlib.suppress(ConnectionResetError):  # the command hung up on a watch
                    await response.prepare(request)
                    async for part in answer.content.iter_any():
                        await response.write(part)
                return response

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield count, _kubeconfig(folder, runner.addresses[0][1], server, namespace)
        finally:
            await runner.cleanup()


def _kubeconfig(folder: Path, port: int, server: Server, namespace: str) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "counted", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "counted", "user": {"token": server.token}}],
        "contexts": [{"name": "counted", "context": {"cluster": "counted", "user": "counted", "namespace": namespace}}],
        "current-context": "counted",
    }
    file = folder / "kubeconfig-counted"
    file.write_text(json.dumps(config))
    return file

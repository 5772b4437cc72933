"""The cluster that the stories run against: embedded, or a real control plane with our node attached.

SERINUS_TEST_CLUSTER says which (`embedded`, the default, or `real`, which `python -m tests.real` sets). The stories
themselves never ask.
"""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from serinus.sandbox.rest import Server
from tests.real.plane import ControlPlane

ADMIN = "admin"
USERS = ("nobody", "reader")
"""May log in, and have no right until a test gives them one."""
START_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster; `servers` has each user's way to its API."""

    servers: dict[str, Server]
    folder: Path

    def kubeconfig(self, user: str, namespace: str) -> Path:
        """A kubeconfig file of that user, whose context names the namespace."""
        server = self.servers[user]
        cluster = {"server": server.url, "certificate-authority": server.ca_file}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stories", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": server.token}}],
            "contexts": [{"name": "stories", "context": {"cluster": "stories", "user": user, "namespace": namespace}}],
            "current-context": "stories",
        }
        file = self.folder / f"kubeconfig-{namespace}-{user}"
        file.write_text(json.dumps(config))
        return file


def running_cluster(folder: Path) -> AbstractAsyncContextManager[Cluster]:
    """The cluster that the environment names, until the block ends."""
    kinds: dict[str, Callable[[Path], AbstractAsyncContextManager[Cluster]]] = {"embedded": _embedded, "real": _real}
    return kinds[os.environ.get("SERINUS_TEST_CLUSTER", "embedded")](folder)


@contextlib.asynccontextmanager
async def _embedded(folder: Path) -> AsyncIterator[Cluster]:
    users = folder / "users.csv"
    users.write_text("".join(f"token-of-{user},{user},{user}\n" for user in USERS))
    options = ["--dir", str(folder), "--with-parent", "--token-auth-file", str(users)]
    async with _until_ready("serinus.sandbox.cluster", options, folder):
        config = json.loads((folder / "kubeconfig").read_text())  # it is JSON, which is YAML
        api, token = config["clusters"][0]["cluster"], config["users"][0]["user"]["token"]
        authority = folder / "authority.crt"
        authority.write_bytes(base64.b64decode(api["certificate-authority-data"]))
        tokens = {ADMIN: token, **{user: f"token-of-{user}" for user in USERS}}
        yield Cluster({user: Server(api["server"], tokens[user], str(authority)) for user in tokens}, folder)


@contextlib.asynccontextmanager
async def _real(folder: Path) -> AsyncIterator[Cluster]:
    async with ControlPlane(users=USERS) as plane:
        servers = {user: plane.server(user) for user in (ADMIN, *USERS)}
        admin = servers[ADMIN]
        token = folder / "node-token"
        token.write_text(str(admin.token))
        options = ["--server", admin.url, "--token-file", str(token), "--ca-file", str(admin.ca_file)]
        options += ["--pod-network", "10.244.0.0/16", "--node", "n1", "--workdir", str(folder)]
        async with _until_ready("serinus.sandbox.node", options, folder):
            yield Cluster(servers, folder)


@contextlib.asynccontextmanager
async def _until_ready(module: str, options: list[str], folder: Path) -> AsyncIterator[None]:
    """A process of the sandbox that says `ready` when it is, until the block ends."""
    log = folder / f"{module}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *options, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            said = await process.stdout.readline()
        assert said == b"ready\n", f"{module} did not start: {log.read_text()}"
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.communicate(), STOP_SECONDS)  # to the pipe's end: then asyncio lets go of it
        except TimeoutError:
            process.kill()
            await process.communicate()
    assert not log.read_text(), f"{module} complained: {log.read_text()}"

"""The cluster under examination: the embedded API, or a real one when SERINUS_TEST_CLUSTER=real.

For a real one SERINUS_REAL_KUBECONFIG names a kubeconfig of an administrator with a token.
"""

import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from serinus.sandbox.api import User, serve
from serinus.sandbox.api.server import Server as Running
from serinus.sandbox.rest import Api, Server

ADMIN_TOKEN, GUEST_TOKEN = "admin-token", "guest-token"
TOKENS = {ADMIN_TOKEN: User("admin", ("system:masters",)), GUEST_TOKEN: User("guest", ("guests",))}


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """An embedded API of this test's own."""
    async with serve(tokens=TOKENS) as server:
        yield server


@pytest.fixture
async def api(running: Running) -> AsyncIterator[Api]:
    async with Api(Server(running.url, ADMIN_TOKEN)) as client:
        yield client


@pytest.fixture
async def examinee() -> AsyncIterator[Server]:
    """Who sits the exam."""
    if os.environ.get("SERINUS_TEST_CLUSTER") == "real":
        yield _from_kubeconfig(Path(os.environ["SERINUS_REAL_KUBECONFIG"]))
        return
    async with serve(tokens=TOKENS) as server:
        yield Server(server.url, ADMIN_TOKEN)


@pytest.fixture
async def session(examinee: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP session that is logged in at the examinee."""
    tls = ssl.create_default_context(cafile=examinee.ca_file) if examinee.ca_file else True
    connector = aiohttp.TCPConnector(ssl=tls)
    headers = {"Authorization": f"Bearer {examinee.token}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as opened:
        yield opened


def _from_kubeconfig(path: Path) -> Server:
    config = yaml.safe_load(path.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return Server(cluster["server"], user["token"], cluster.get("certificate-authority"))

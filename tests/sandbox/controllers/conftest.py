"""The cluster under test: the embedded API with our controllers, and, where SERINUS_CONTROL_PLANE names the binary of a
real control plane (field/real-control-plane.md), the real API with ours and with its own controllers."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from serinus.sandbox import api as embedded
from serinus.sandbox.certificate import Certificate, make_certificate
from serinus.sandbox.controllers import run_controllers
from serinus.sandbox.rest import Api, ApiError, Server
from tests.sandbox.controllers.cluster import NODE, Cluster, marked
from tests.sandbox.controllers.real_plane import RealPlane

TOKEN = "controllers"
_BINARY = os.environ.get("SERINUS_CONTROL_PLANE")
_PLANES = ["embedded", *(["real-api-our-controllers", "real-api-real-controllers"] if _BINARY else [])]
_namespaces = itertools.count(1)


@pytest.fixture(scope="session", params=_PLANES)
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPlane | None]:
    """A running real control plane, or None for the embedded one, which is cheap enough to start for each test."""
    if _BINARY is None or request.param == "embedded":
        yield None
        return
    folder: Path = tmp_path_factory.mktemp("plane")
    with RealPlane(_BINARY, folder, with_controllers=request.param.endswith("real-controllers")) as real:
        yield real


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """kubectl sends its token over TLS only."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), "127.0.0.1")


@pytest_asyncio.fixture
async def server(plane: RealPlane | None, certificate: Certificate) -> AsyncIterator[Server]:
    if plane is not None:
        yield plane.server
        return
    user = embedded.User("admin", ("system:masters",))
    async with embedded.serve(tokens={TOKEN: user}, tls=certificate.server_context()) as running:
        yield Server(running.url, TOKEN, str(certificate.certificate_file))


@pytest_asyncio.fixture
async def cluster(plane: RealPlane | None, server: Server) -> AsyncIterator[Cluster]:
    ours = plane is None or not plane.with_controllers
    async with Api(server) as api, Api(server) as controllers_api:
        with contextlib.suppress(ApiError):  # a real cluster keeps it from test to test
            await api.call("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        task = asyncio.create_task(run_controllers(controllers_api)) if ours else None
        try:
            async with marked(api, f"case-{next(_namespaces)}") as running:
                yield running
        finally:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

"""The real control plane as a fixture: one for the whole run, a namespace of its own for each test."""

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from serinus.sandbox.rest import Api
from tests.real.marker import Marker
from tests.real.plane import ControlPlane
from tests.real.tracks import World
from tests.real.waiting import following

SKIP = pytest.mark.skip(reason="needs the real control plane: ./run real")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SERINUS_TEST_CLUSTER") == "real":
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(SKIP)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plane() -> AsyncIterator[ControlPlane]:
    async with ControlPlane(users=("nobody-special",)) as running:
        yield running


@pytest_asyncio.fixture
async def api(plane: ControlPlane) -> AsyncIterator[Api]:
    async with Api(plane.server()) as opened:
        yield opened


@pytest_asyncio.fixture
async def namespace(api: Api) -> str:
    name = f"test-{uuid.uuid4().hex[:8]}"
    await api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest_asyncio.fixture
async def world(api: Api, namespace: str) -> AsyncIterator[World]:
    made = World(api, namespace)
    async with Marker(api), following(made.pods):
        yield made

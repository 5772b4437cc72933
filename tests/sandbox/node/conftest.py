from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from serinus.sandbox.kubelet import NodeSettings
from serinus.sandbox.processes import Processes
from tests.sandbox.node.world import World, start_world


@pytest_asyncio.fixture
async def processes() -> AsyncIterator[Processes]:
    async with Processes() as running:
        yield running


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with start_world(tmp_path, [NodeSettings("n1", cpu="4", memory="1Gi")], back_off_seconds=0.2) as running:
        yield running

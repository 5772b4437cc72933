"""One cluster for all stories, and a namespace for each."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.stories.cluster import Cluster, running_cluster
from tests.stories.place import Place, open_place


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest_asyncio.fixture
async def place(cluster: Cluster) -> AsyncIterator[Place]:
    async with open_place(cluster) as opened:
        yield opened

"""One embedded cluster for this folder's tests, and a certificate for its proxies."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from serinus.sandbox.certificate import Certificate, make_certificate
from tests.stories.cluster import Cluster, running_cluster


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"), "127.0.0.1")

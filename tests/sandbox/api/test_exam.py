"""The exam, sat by the embedded API; with SERINUS_TEST_CLUSTER=real by a real API server."""

import aiohttp
import pytest

from serinus.sandbox.rest import Server
from tests.sandbox.api.exam import PAPERS
from tests.sandbox.api.examiner import sit


@pytest.mark.parametrize("paper", PAPERS)
async def test_the_api_answers_as_kubernetes_does(paper: str, examinee: Server, session: aiohttp.ClientSession) -> None:
    assert await sit(examinee, session, PAPERS[paper]) == []

"""The exam of `metrics.search.PodPages`, taken by the fake and by the way through the pod proxy."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from serinus.core.endpoints import Endpoint
from serinus.metrics.search import PodPages
from serinus.ports import Trouble
from tests.fakes.pod_pages import FakePodPages
from tests.fakes.server import answer
from tests.kube.test_pod_pages import a_pod


@dataclass(frozen=True, slots=True)
class Candidate:
    """`shows`: the pod `a` answers the next request with this status and text, on `port`. `closed`: nobody listens."""

    pages: PodPages
    shows: Callable[[int, str], None]
    port: int
    closed: int


@pytest.fixture(params=["fake", "proxied"])
async def candidate(request: pytest.FixtureRequest) -> AsyncIterator[Candidate]:
    if request.param == "fake":
        fake = FakePodPages()
        fake.show("a", "")
        fake.closed_ports.add(1)
        yield Candidate(fake, lambda status, text: fake.show("a", text, status=status), 8080, 1)
        return
    async with a_pod() as (pages, server, port):
        yield Candidate(pages, lambda status, text: server.then(answer(text, status)) and None, port, 1)


async def test_a_page_has_its_status_type_and_body(candidate: Candidate) -> None:
    candidate.shows(200, "a 1\n")
    status, content_type, body = await candidate.pages.page("a", Endpoint(candidate.port), 5.0, 1000)
    assert (status, content_type.partition(";")[0], body) == (200, "text/plain", b"a 1\n")


async def test_any_status_is_an_answer(candidate: Candidate) -> None:
    candidate.shows(404, "not here\n")
    assert (await candidate.pages.page("a", Endpoint(candidate.port), 5.0, 1000))[0] == 404


async def test_a_page_above_the_limit_is_trouble(candidate: Candidate) -> None:
    candidate.shows(200, "a 1\n" * 300)
    with pytest.raises(Trouble, match="larger than 1000 bytes"):
        await candidate.pages.page("a", Endpoint(candidate.port), 5.0, 1000)


async def test_a_port_where_nobody_listens_is_trouble(candidate: Candidate) -> None:
    with pytest.raises(Trouble):
        await candidate.pages.page("a", Endpoint(candidate.closed), 5.0, 1000)


async def test_a_pod_that_is_there_has_an_offer_and_one_that_is_not_has_none(candidate: Candidate) -> None:
    assert candidate.pages.offer("a") is not None
    assert candidate.pages.offer("b") is None

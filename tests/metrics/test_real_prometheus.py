"""The Prometheus source before a real Prometheus: Debian's, scraping the demo application's counters on loopback."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from serinus.judge.answers import Empty, Failed, in_words
from serinus.judge.readings import Track
from serinus.judge.scrapes import ScrapedPod, ScrapedTrack
from serinus.metrics.config import Access, Basic, Literal, PrometheusConfig, Queries
from serinus.metrics.http import open_http
from serinus.metrics.prometheus import PrometheusSource
from serinus.metrics.prometheus_api import PrometheusApi
from serinus.metrics.queries import SETS
from serinus.sandbox.checkout_metrics import Metrics
from serinus.system import SystemClock
from tests.metrics import debian, pages
from tests.metrics.examiner import Examiner, Shown, running, showing
from tests.metrics.support import CANARY, STABLE

pytestmark = pytest.mark.asyncio(loop_scope="module")
HASHED = "$2y$10$NeZkKP8Vlk1lB5lTHK5cGeyUwPOu7UtOI1tBvJ2PdeA/AKCvZpmeC"
"""The hash of some password that no test uses."""
BY_POD = Queries(
    requests='sum by (pod) (http_requests_total{pod=~"{{pods}}"})',
    errors='sum by (pod) (http_requests_total{pod=~"{{pods}}",code=~"5.."})',
    latency='sum by (pod, le) (http_request_duration_seconds_bucket{pod=~"{{pods}}"})',
)


@pytest.fixture(scope="module")
def binary() -> Path:
    try:
        return debian.find_or_fetch()
    except debian.Missing as why:
        pytest.skip(f"Debian's prometheus is not to be had: {why}")


def checkout(good: int, failed: int) -> str:
    """The demo application's own page after so many requests."""
    metrics = Metrics("v1")
    for status, count in ((200, good), (500, failed)):
        for _ in range(count):
            metrics.observe(status, 0.004)
    return metrics.text()


@contextlib.asynccontextmanager
async def source(
    examiner: Examiner, queries: Queries, access: Access | None = None, **variables: str
) -> AsyncIterator[PrometheusSource]:
    clock = SystemClock()
    async with open_http(access or Access(), clock, {}, "serinus/test") as http:
        config = PrometheusConfig(examiner.url, queries, variables={"stable": variables})
        yield PrometheusSource(PrometheusApi(http, clock, config.url, 5.0, 60.0), config)


@dataclass(frozen=True, slots=True)
class World:
    """One Prometheus, and the pods that it scrapes, by name."""

    examiner: Examiner
    pods: dict[str, Shown]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    healthy = "\n".join(line for line in pages.ISTIO.splitlines() if '"503"' not in line) + "\n"
    texts = {
        "s-1": checkout(90, 0) + of_istio("checkout-v1", healthy),
        "c-1": checkout(8, 2) + of_istio("checkout-v2", pages.ISTIO),
        "grows": checkout(8, 2),
        "goes": checkout(8, 2),
    }
    async with contextlib.AsyncExitStack() as stack:
        pods = {name: await stack.enter_async_context(showing(Shown(text))) for name, text in texts.items()}
        targets = {pod.url: {"pod": name} for name, pod in pods.items()}
        examiner = await stack.enter_async_context(running(binary, tmp_path_factory.mktemp("prometheus"), targets))
        await examiner.until("sum(up)", len(pods))
        yield World(examiner, pods)


def of_istio(deployment: str, text: str) -> str:
    where = f'destination_workload="{deployment}",destination_workload_namespace="shop"'
    return text.replace('reporter="', f'{where},reporter="')


def track_of(*pods: str) -> ScrapedTrack:
    return replace(CANARY, pods=tuple(ScrapedPod(pod, Track.CANARY) for pod in pods))


async def test_pods_are_read_with_their_counters_and_histograms(world: World) -> None:
    async with source(world.examiner, BY_POD) as prometheus:
        scrape = await prometheus.read([STABLE, CANARY], 1.0, 10.0)
    by_name = {pod.name: pod for pod in scrape.reading.pods}
    assert (by_name["c-1"].requests, by_name["c-1"].errors) == (10, 2)
    assert (by_name["s-1"].requests, by_name["s-1"].errors) == (90, None)  # no series: no error was counted yet
    latency = by_name["c-1"].latency
    assert latency is not None
    assert latency.count == 10
    assert dict(zip(latency.le, latency.counts, strict=True))[0.005] == 10


async def test_a_counter_is_read_as_it_grows(world: World) -> None:
    async with source(world.examiner, BY_POD) as prometheus:
        assert (await prometheus.read([track_of("grows")], 1.0, None)).reading.pods[0].requests == 10
        world.pods["grows"].text = checkout(20, 5)
        await world.examiner.until('sum(http_requests_total{pod="grows"})', 25)
        assert (await prometheus.read([track_of("grows")], 2.0, None)).reading.pods[0].requests == 25


async def test_a_pod_that_is_gone_is_empty_and_not_its_last_number(world: World) -> None:
    world.pods["goes"].fails = True
    await world.examiner.until('up{pod="goes"}', 0)
    async with source(world.examiner, BY_POD) as prometheus:
        scrape = await prometheus.read([track_of("goes")], 1.0, None)
    assert scrape.answers["canary"] == Empty("the query has no result")
    assert scrape.reading.pods[1].requests is None


async def test_the_built_in_set_of_istio_reads_its_metrics_and_takes_no_errors_for_zero(world: World) -> None:
    async with source(world.examiner, SETS["istio"]) as prometheus:
        scrape = await prometheus.read([STABLE, CANARY], 1.0, None)
        assert await prometheus.check(STABLE) == ()
    by_name = {pod.name: pod for pod in scrape.reading.pods}
    assert (by_name["c-1"].requests, by_name["c-1"].errors) == (12, 1)
    assert (by_name["s-1"].requests, by_name["s-1"].errors) == (11, 0)
    latency = by_name["s-1"].latency
    assert latency is not None
    assert latency.le == pytest.approx((0.1,))


async def test_a_query_for_errors_that_are_not_there_yet_is_told_before_a_rollout_with_what_to_write(
    world: World,
) -> None:
    async with source(world.examiner, BY_POD) as prometheus:
        findings = await prometheus.check(STABLE)
    assert [finding.query for finding in findings] == ["errors", "errors"]
    assert "add `or (the query for requests) * 0`" in findings[1].what


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("sum(", "answers 400, bad_data"),
        ('sum by (code) (http_requests_total{pod="c-1"})', "2 series where one is wanted"),
        ("http_requests_total", "2 series of pod"),
        ("http_requests_total[1m]", "is a matrix"),
        ('"text"', "is a string"),
    ],
)
async def test_what_it_refuses_or_answers_otherwise_is_told(world: World, query: str, reason: str) -> None:
    async with source(world.examiner, Queries(query)) as prometheus:
        scrape = await prometheus.read([CANARY], 1.0, None)
    told = scrape.answers["canary"]
    assert isinstance(told, Failed)
    assert reason in told.why


@pytest.mark.parametrize("name", SETS)
async def test_every_built_in_query_is_promql_to_it(world: World, name: str) -> None:
    elsewhere = replace(STABLE, namespace="elsewhere", pods=())
    async with source(world.examiner, SETS[name], cluster="httproute/shop/x/rule/0") as prometheus:
        findings = await prometheus.check(elsewhere)
    assert {finding.what for finding in findings} == {"for production, nothing there: the query has no result"}


async def test_that_it_refuses_is_told(binary: Path, tmp_path: Path) -> None:
    login = f"basic_auth_users:\n  me: {HASHED}\n"
    wrong = Access(Basic("me", Literal("wrong")))
    async with running(binary, tmp_path, {}, login) as examiner, source(examiner, Queries("vector(1)"), wrong) as other:
        scrape = await other.read([CANARY], 1.0, None)
    assert "the server refuses (401)" in in_words(scrape.answers["canary"])

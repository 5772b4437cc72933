"""Scraping pods: who answers, who does not, what is remembered, and what the judge gets to see."""

from dataclasses import replace

import pytest

from serinus.core.endpoints import Endpoint, Offer
from serinus.judge.answers import Empty, Failed, Known, Stale
from serinus.judge.readings import PodReading, Track
from serinus.judge.scrapes import Scrape, ScrapedPod
from serinus.metrics.pods import PodScraper
from tests.fakes.clock import FakeClock
from tests.fakes.pod_pages import SERVICE_PORT, FakePodPages
from tests.metrics import pages as samples

S1, S2 = ScrapedPod("s-1", Track.STABLE, -60.0, 0), ScrapedPod("s-2", Track.STABLE, -60.0, 0)
C1 = ScrapedPod("c-1", Track.CANARY, 1.0, 2)


def requests(ok: int, failed: int = 0, name: str = "http_requests_total") -> str:
    return f'# TYPE {name} counter\n{name}{{code="200"}} {ok}\n{name}{{code="500"}} {failed}\n'


class World:
    def __init__(self, interval_seconds: float = 5.0) -> None:
        self.pages = FakePodPages()
        self.clock = FakeClock()
        self.scraper = PodScraper(self.pages, self.clock, interval_seconds)
        self.t = 0.0

    async def read(self, *pods: ScrapedPod) -> Scrape:
        self.t += 5.0
        return await self.scraper.read(pods, self.t, 10.0)

    async def one(self, pod: ScrapedPod) -> PodReading:
        scrape = await self.read(pod)
        return scrape.reading.pods[0]


@pytest.fixture
def world() -> World:
    return World()


async def test_all_pods_of_both_tracks_are_in_the_reading_in_the_order_asked(world: World) -> None:
    world.pages.show("s-1", requests(90, 1))
    world.pages.show("c-1", requests(10, 2))
    scrape = await world.read(C1, S1)
    assert (scrape.reading.t, scrape.reading.weight_percent) == (5.0, 10.0)
    assert scrape.reading.pods == (
        PodReading("c-1", Track.CANARY, started=1.0, requests=12, errors=2, restarts=2),
        PodReading("s-1", Track.STABLE, started=-60.0, requests=91, errors=1, restarts=0),
    )


async def test_failed_empty_stale_and_zero_are_four_answers(world: World) -> None:
    names = ["zero", "failed", "empty", "stale"]
    pods = [ScrapedPod(name, Track.STABLE) for name in names]
    old = (world.clock.now().timestamp() - 300) * 1000
    world.pages.show("zero", requests(0))
    world.pages.show("failed", requests(5))
    world.pages.show("empty", "other 1\n")
    world.pages.show("stale", f'http_requests_total{{code="200"}} 7 {old:.0f}\n')
    await world.read(*pods)
    world.pages.refusing.add("failed")
    scrape = await world.read(*pods)
    kinds = [type(scrape.answers[name]) for name in names]
    assert kinds == [Known, Failed, Empty, Stale]
    assert [pod.requests for pod in scrape.reading.pods] == [0, None, None, None]


async def test_a_pod_that_never_answers_costs_the_others_nothing_and_is_failed() -> None:
    world = World(interval_seconds=0.2)
    world.pages.show("s-1", requests(5))
    world.pages.show("s-2", requests(6))
    await world.read(S1, S2)
    world.pages.silent.add("s-2")
    scrape = await world.read(S1, S2)
    assert [pod.requests for pod in scrape.reading.pods] == [5, None]
    assert scrape.answers["s-2"] == Failed("no answer within 0.16 s")


async def test_a_pod_that_is_gone_is_failed(world: World) -> None:
    world.pages.show("s-1", requests(5))
    scrape = await world.read(S1, S2)
    assert scrape.answers["s-2"] == Failed("the pod is gone")


async def test_where_the_page_is_is_searched_for_once_and_then_remembered(world: World) -> None:
    world.pages.show("s-1", samples.MICROMETER, path="/actuator/prometheus")
    assert (await world.one(S1)).requests == 12
    world.pages.asked.clear()
    await world.read(S1)
    assert world.pages.asked == [("s-1", Endpoint(SERVICE_PORT, "/actuator/prometheus"))]


async def test_a_page_that_is_nowhere_is_searched_for_again_but_not_in_every_round(world: World) -> None:
    world.pages.offers["s-1"] = Offer(service_port=SERVICE_PORT)
    scrape = await world.read(S1)
    answer = scrape.answers["s-1"]
    assert isinstance(answer, Empty)
    assert "port 8080, /metrics: failed: status 404" in answer.why
    world.pages.asked.clear()
    await world.read(S1)
    assert world.pages.asked == []
    world.pages.show("s-1", requests(5))
    world.t += 15
    assert (await world.one(S1)).requests == 5


async def test_a_pod_that_does_not_listen_yet_is_searched_again_in_the_next_round(world: World) -> None:
    world.pages.show("c-1", requests(5))
    world.pages.refusing.add("c-1")
    assert isinstance((await world.read(C1)).answers["c-1"], Failed)
    world.pages.refusing.clear()
    world.t += 0.001
    assert (await world.one(C1)).requests == 5


async def test_a_canary_is_asked_where_production_shows_its_metrics_without_a_search(world: World) -> None:
    world.pages.show("s-1", requests(5), path="/q/metrics")
    await world.read(S1)
    world.pages.show("c-1", requests(1), path="/q/metrics")
    world.pages.asked.clear()
    scrape = await world.read(S1, C1)
    assert scrape.reading.pods[1].requests == 1
    assert [endpoint.path for _, endpoint in world.pages.asked] == ["/q/metrics", "/q/metrics"]


async def test_a_series_that_has_not_changed_for_long_is_not_stale_beside_one_that_has(world: World) -> None:
    now = world.clock.now().timestamp() * 1000
    text = f'http_requests_total{{code="200"}} 7 {now:.0f}\nhttp_requests_total{{code="500"}} 1 {now - 900000:.0f}\n'
    world.pages.show("s-1", text)
    assert (await world.one(S1)).errors == 1


async def test_a_page_that_moved_is_found_again_after_three_rounds_without_an_answer(world: World) -> None:
    world.pages.show("s-1", requests(5))
    await world.read(S1)
    world.pages.shown.clear()
    world.pages.show("s-1", requests(9), path="/q/metrics")
    for _ in range(3):
        assert (await world.one(S1)).requests is None
    assert (await world.one(S1)).requests == 9


@pytest.mark.parametrize(
    ("offer", "endpoint"),
    [
        (Offer(scrape=True, port="9102", path="/stats"), Endpoint(9102, "/stats")),
        (Offer(port="9102", scheme="https"), Endpoint(9102, "/metrics", "https")),
        (Offer(named_ports=(("http", 8080), ("http-metrics", 9090)), service_port=8080), Endpoint(9090)),
        (Offer(named_ports=(("http", 8080),), service_port=8080), Endpoint(8080)),
        (Offer(scrape=True, named_ports=(("web", 7000),)), Endpoint(7000)),
        (Offer(path="inner", service_port=8080), Endpoint(8080, "/inner")),
        (Offer(port="nonsense", service_port=8080), Endpoint(8080)),
    ],
)
async def test_annotations_then_port_names_then_the_services_port_say_where(
    world: World, offer: Offer, endpoint: Endpoint
) -> None:
    world.pages.offers["s-1"] = offer
    world.pages.shown["s-1", endpoint] = (200, "text/plain", requests(5).encode())
    assert (await world.one(S1)).requests == 5
    assert world.pages.asked[0] == ("s-1", endpoint)


async def test_a_pod_that_asks_not_to_be_scraped_is_left_alone(world: World) -> None:
    world.pages.show("s-1", requests(5))
    world.pages.offers["s-1"] = replace(world.pages.offers["s-1"], scrape=False)
    scrape = await world.read(S1)
    assert isinstance(scrape.answers["s-1"], Empty)
    assert world.pages.asked == []


async def test_a_port_with_known_metrics_comes_before_one_with_others(world: World) -> None:
    world.pages.show("s-1", "build_info 1\n", port=9090)
    world.pages.show("s-1", requests(5))
    world.pages.offers["s-1"] = Offer(named_ports=(("metrics", 9090),), service_port=SERVICE_PORT)
    assert (await world.one(S1)).requests == 5


async def test_cpu_is_the_growth_of_its_counter_between_two_scrapes_and_absent_after_a_restart(world: World) -> None:
    cpu = []
    for seconds in (10.0, 12.0, 1.0, 1.5):
        world.pages.show("s-1", requests(5) + f"process_cpu_seconds_total {seconds}\n")
        cpu.append((await world.one(S1)).gauges.get("cpu"))
    assert cpu == [None, 0.4, None, 0.1]


async def test_gauges_are_read_where_nothing_counts_requests(world: World) -> None:
    world.pages.show("s-1", "go_goroutines 12\n")
    scrape = await world.read(S1)
    assert scrape.reading.pods[0].gauges == {"goroutines": 12}
    assert scrape.reading.pods[0].requests is None
    assert isinstance(scrape.answers["s-1"], Known)


async def test_the_choice_is_told_with_what_was_passed_over(world: World) -> None:
    world.pages.show("s-1", samples.GO + samples.ISTIO)
    [note] = (await world.read(S1)).notes
    assert note.startswith("stable: http_requests_total (a counter by custom), errors by label code")
    assert "passed over: istio_requests_total" in note


async def test_the_histogram_that_latency_is_read_from_is_not_called_passed_over(world: World) -> None:
    world.pages.show("s-1", samples.PROMETHEUS_NET)
    [note] = (await world.read(S1)).notes
    assert "passed over" not in note


async def test_a_choice_that_has_counted_is_kept_when_a_preferred_family_appears(world: World) -> None:
    world.pages.show("s-1", samples.ISTIO)
    await world.read(S1)
    world.pages.show("s-1", samples.ISTIO + requests(500, 100))
    assert (await world.one(S1)).requests == 12


async def test_the_canary_is_read_by_productions_family_though_it_has_a_preferred_one(world: World) -> None:
    world.pages.show("s-1", requests(90))
    world.pages.show("c-1", requests(10) + samples.OTEL)
    scrape = await world.read(S1, C1)
    assert scrape.reading.pods[1].requests == 10


async def test_a_canary_that_has_not_registered_its_family_yet_is_empty_and_not_read_by_another(world: World) -> None:
    world.pages.show("s-1", requests(90))
    world.pages.show("c-1", samples.ISTIO.replace(" 8\n", " 0\n"))
    await world.read(S1)
    scrape = await world.read(S1, C1)
    assert scrape.answers["c-1"] == Empty("the page has no http_requests_total")


async def test_a_canary_with_another_library_is_read_by_its_own_family_once_that_has_counted(world: World) -> None:
    world.pages.show("s-1", requests(90))
    world.pages.show("c-1", samples.OTEL.replace("} 10\n", "} 40\n"))
    await world.read(S1)
    scrape = await world.read(S1, C1)
    assert scrape.reading.pods[1].requests == 42
    assert any("canary has no http_requests_total" in note for note in scrape.notes)


async def test_a_canary_whose_errors_are_told_by_another_label_is_read_by_that_label(world: World) -> None:
    world.pages.show("s-1", requests(90, 3))
    world.pages.show("c-1", requests(10, 3).replace("code=", "status="))
    scrape = await world.read(S1, C1)
    assert [pod.errors for pod in scrape.reading.pods] == [3, 3]
    assert any("unlike production" in note for note in scrape.notes)

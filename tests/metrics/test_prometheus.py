"""The Prometheus source: what each answer of the API means, tracks and pods, and the checks before a rollout."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale
from serinus.judge.readings import Histogram, PodReading, Track
from serinus.judge.scrapes import Scrape, ScrapedTrack
from serinus.metrics.config import PrometheusConfig, Queries
from serinus.metrics.findings import Finding
from serinus.metrics.prometheus import PrometheusSource
from serinus.metrics.prometheus_api import PrometheusApi, Series
from tests.fakes.clock import FakeClock
from tests.fakes.server import Handler, answer, never, scripted_server
from tests.metrics.support import CANARY, STABLE, way

NOW = FakeClock().now().timestamp()


def vector(*rows: tuple[dict[str, str], str], at: float = NOW, **more: Any) -> Handler:
    result = [{"metric": labels, "value": [at, value]} for labels, value in rows]
    return answer({"status": "success", "data": {"resultType": "vector", "result": result}} | more)


async def asked(handler: Handler, timeout_seconds: float = 5.0) -> Answer[tuple[Series, ...]]:
    async with scripted_server() as server, way() as http:
        server.then(handler)
        return await PrometheusApi(http, FakeClock(), server.url, timeout_seconds, 60.0).query("up", NOW)


async def read(queries: Queries, track: ScrapedTrack, *handlers: Handler) -> Scrape:
    """One round over one track; the answers come in the order of requests, errors, latency, age, gauges."""
    async with scripted_server() as server, way() as http:
        by_query = dict(zip(queries.all().values(), handlers, strict=True))

        async def chosen(request: Any) -> Any:
            form = parse_qs((await request.read()).decode())
            return await by_query[form["query"][0]](request)

        for _ in handlers:
            server.then(chosen)
        config = PrometheusConfig(server.url, queries)
        source = PrometheusSource(PrometheusApi(http, FakeClock(), server.url, 5.0, 60.0), config)
        return await source.read([track], 7.0, 10.0)


async def test_a_query_is_sent_with_its_time_and_how_far_to_look_back() -> None:
    async with scripted_server() as server, way() as http:
        server.then(vector(({}, "3")))
        assert isinstance(
            await PrometheusApi(http, FakeClock(), f"{server.url}/prometheus/", 5.0, 60.0).query("sum(a)", NOW), Known
        )
        [seen] = server.seen
    assert (seen.method, seen.path) == ("POST", "/prometheus/api/v1/query")
    form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
    assert form == {"query": "sum(a)", "time": f"{NOW:.3f}", "timeout": "5s", "lookback_delta": "60s"}


async def test_the_moment_that_is_asked_for_is_the_servers_and_not_ours() -> None:
    clock = FakeClock()
    async with scripted_server() as server, way() as http:
        api = PrometheusApi(http, clock, server.url, 5.0, 60.0)
        server.then(answer({"status": "success"}, Date="Thu, 01 Jan 2026 12:05:00 GMT"))
        assert api.now() == NOW
        await api.query("up", api.now())
        assert api.now() == NOW + 300
        server.then(answer({"status": "success"}, Date="Thu, 01 Jan 2026 12:00:01 GMT"))
        await api.query("up", api.now())
        assert api.now() == NOW


async def test_a_vector_a_scalar_and_a_zero_are_known() -> None:
    assert await asked(vector(({"pod": "a"}, "0"))) == Known((Series({"pod": "a"}, 0.0, NOW),))
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [NOW, "4"]}}
    assert await asked(answer(scalar)) == Known((Series({}, 4.0, NOW),))


async def test_no_series_is_empty_and_an_old_one_is_stale() -> None:
    assert await asked(vector()) == Empty("the query has no result")
    old = await asked(vector(({}, "3"), at=NOW - 90))
    assert isinstance(old, Stale)
    assert old.age_seconds == 90


async def test_warnings_are_handed_on() -> None:
    known = await asked(vector(({}, "3"), warnings=["one store did not answer"]))
    assert isinstance(known, Known)
    assert known.notes == ("one store did not answer",)
    assert await asked(vector(warnings=["nothing"])) == Empty("the query has no result; nothing")


MATRIX = {"status": "success", "data": {"resultType": "matrix", "result": []}}
NATIVE = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "histogram": [NOW, {}]}]}}
BAD_QUERY = {"status": "error", "errorType": "bad_data", "error": "1:5: parse error: unexpected end"}


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answer(BAD_QUERY, 400), "answers 400, bad_data: 1:5: parse error: unexpected end"),
        (
            answer({"status": "error", "errorType": "timeout", "error": "too long"}, 503),
            "answers 503, timeout: too long",
        ),
        (answer(BAD_QUERY), "answers 200, bad_data"),
        (
            answer("no healthy upstream", 503),
            "the answer (503) is not what a Prometheus API sends: no healthy upstream",
        ),
        (answer("token expired", 401), "the server refuses (401): check the credentials"),
        (answer("", 302, Location="https://login.example/"), "redirects (302) to https://login.example/"),
        (answer("404 page not found", 404), "no /api/v1/query at this address (404)"),
        (answer("<html>Grafana</html>"), "is not what a Prometheus API sends: <html>Grafana</html>"),
        (answer(MATRIX), "the result is a matrix, where a vector is wanted"),
        (answer(NATIVE), "native histogram"),
        (answer({"status": "success"}), "answers 200, error: no reason given"),
        (vector(({}, "many")), "the answer cannot be read"),
    ],
)
async def test_what_is_no_answer_is_a_failure_that_says_why(handler: Handler, reason: str) -> None:
    failed = await asked(handler)
    assert isinstance(failed, Failed)
    assert reason in failed.why


async def test_a_server_that_takes_too_long_is_a_failure() -> None:
    failed = await asked(never(), 0.05)
    assert isinstance(failed, Failed)
    assert "gave no answer within 0.05 s" in failed.why


ALL = Queries("r", "e", "l", 0.001, gauges={"queue": "q"})
BUCKETS = vector(({"le": "100"}, "8"), ({"le": "+Inf"}, "12"), ({"le": "1000"}, "11"))


async def test_one_series_is_the_whole_track_and_its_pods_stand_beside_it_without_numbers() -> None:
    scrape = await read(ALL, STABLE, vector(({}, "12")), vector(({}, "2")), BUCKETS, vector(({}, "0.5")))
    latency = Histogram((0.1, 1.0), (8, 11), 12)
    assert scrape.reading.pods == (
        PodReading("stable", Track.STABLE, requests=12, errors=2, latency=latency, gauges={"queue": 0.5}),
        PodReading("s-1", Track.STABLE, started=-60.0, restarts=1),
        PodReading("s-2", Track.STABLE, started=-50.0, restarts=0),
    )
    assert (scrape.reading.t, scrape.reading.weight_percent) == (7.0, 10.0)


async def test_series_with_a_pod_are_the_pods_and_keep_what_the_cluster_says_of_them() -> None:
    requests = vector(({"pod": "s-1"}, "5"), ({"pod": "s-2"}, "7"))
    scrape = await read(Queries("r", "e"), STABLE, requests, vector(({"pod": "s-2"}, "1")))
    assert scrape.reading.pods == (
        PodReading("s-1", Track.STABLE, started=-60.0, requests=5, restarts=1),
        PodReading("s-2", Track.STABLE, started=-50.0, requests=7, errors=1, restarts=0),
    )


@pytest.mark.parametrize(
    ("requests", "kind", "reason"),
    [
        (vector(({"code": "200"}, "5"), ({"code": "500"}, "1")), Failed, "2 series where one is wanted"),
        (vector(({"pod": "a", "x": "1"}, "5"), ({"pod": "a", "x": "2"}, "1")), Failed, "2 series of pod a"),
        (vector(({}, "NaN")), Empty, "nan, which no counter can be"),
        (vector(), Empty, "the query has no result"),
        (answer("", 502), Failed, "502"),
    ],
)
async def test_without_a_single_counter_of_requests_there_is_no_number(
    requests: Handler, kind: type, reason: str
) -> None:
    scrape = await read(Queries("r"), CANARY, requests)
    told = scrape.answers["canary"]
    assert type(told) is kind
    assert reason in str(told)
    assert scrape.reading.pods[0] == PodReading("canary", Track.CANARY)


async def test_errors_that_cannot_be_had_are_none_and_told_while_requests_count() -> None:
    scrape = await read(Queries("r", "e", "l"), CANARY, vector(({}, "12")), answer("", 502), vector(({"le": "1"}, "3")))
    [reading, _] = scrape.reading.pods
    assert (reading.requests, reading.errors, reading.latency) == (12, None, None)
    told = scrape.answers["canary"]
    assert isinstance(told, Known)
    assert "errors: failed: the answer (502)" in told.notes[0]
    assert "+Inf is missing" in told.notes[1]


async def test_an_age_above_the_limit_makes_the_reading_stale() -> None:
    scrape = await read(Queries("r", age="a"), CANARY, vector(({}, "12")), vector(({}, "300")))
    told = scrape.answers["canary"]
    assert isinstance(told, Stale)
    assert told.age_seconds == 300
    assert scrape.reading.pods[0].requests is None


async def checked(*handlers: Handler) -> tuple[Finding, ...]:
    async with scripted_server() as server, way() as http:
        for handler in handlers:
            server.then(handler)
        config = PrometheusConfig(server.url, Queries('sum(a{d="{{deployment}}"})'))
        return await PrometheusSource(PrometheusApi(http, FakeClock(), server.url, 5.0, 60.0), config).check(STABLE)


async def test_a_query_must_have_data_for_production_before_a_rollout_begins() -> None:
    assert await checked(vector(({}, "5"))) == ()
    assert await checked(vector()) == (Finding("requests", "for production, nothing there: the query has no result"),)
    [finding] = await checked(vector(({"x": "1"}, "5"), ({"x": "2"}, "5")))
    assert "2 series where one is wanted" in finding.what
    assert json.dumps(str(finding)).startswith('"query requests: for production')

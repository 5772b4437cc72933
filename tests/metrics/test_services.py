"""JSON documents, Datadog, New Relic and CloudWatch: their documented requests and answers, and all trouble."""

import json
from typing import Any

import pytest

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale, in_words
from serinus.judge.readings import PodReading, Track
from serinus.judge.scrapes import Scrape
from serinus.metrics.cloudwatch import CloudWatch, cloudwatch_access, lint_cloudwatch
from serinus.metrics.config import (
    Access,
    CloudWatchConfig,
    DatadogConfig,
    FromEnvironment,
    Literal,
    NewRelicConfig,
    WebPage,
    Windows,
)
from serinus.metrics.datadog import Datadog, datadog_access, lint_datadog
from serinus.metrics.findings import Finding
from serinus.metrics.newrelic import NewRelic, lint_new_relic, new_relic_access
from serinus.metrics.web import WebSource
from serinus.metrics.windows import Backend, Point, WindowSource
from tests.fakes.clock import FakeClock
from tests.fakes.server import Handler, ScriptedServer, answer, never, scripted_server
from tests.metrics.support import CANARY, STABLE, way

NOW = FakeClock().now()
SINCE = NOW.timestamp() - 600
RECENT = NOW.timestamp() - 30


# Any JSON


async def web(handler: Handler, **paths: Any) -> Scrape:
    async with scripted_server() as server, way() as http:
        server.then(handler)
        config = WebPage(f"{server.url}/stats/{{{{deployment}}}}?ns={{{{namespace}}}}", **paths)
        scrape = await WebSource(http, config).read([CANARY], 7.0, 10.0)
        assert (server.seen[0].path, server.seen[0].query) == ("/stats/checkout-v2", {"ns": "shop"})
        return scrape


async def test_numbers_of_a_document_are_a_reading_of_the_track() -> None:
    body = {"count": {"all": 12, "bad": "2"}, "queue": [0.5, 0.25]}
    scrape = await web(answer(body), requests="$.count.all", errors="$.count.bad", gauges={"queue": "$.queue[-1]"})
    assert scrape.reading.pods == (
        PodReading("canary", Track.CANARY, requests=12, errors=2, gauges={"queue": 0.25}),
        PodReading("c-1", Track.CANARY, started=2.0, restarts=0),
    )


@pytest.mark.parametrize(
    ("handler", "kind", "reason"),
    [
        (answer({"n": 0}), Known, ""),
        (answer({}), Empty, "$.n leads to nothing"),
        (answer({"n": None}), Empty, "$.n leads to null"),
        (answer({"n": -1}), Empty, "nothing can count"),
        (answer({"n": "NaN"}), Empty, "nothing can count"),
        (answer({"n": "many"}), Failed, "the text 'many', where a number is wanted"),
        (answer({"n": True}), Failed, "bool, where a number is wanted"),
        (answer({"n": [1]}), Failed, "list, where a number is wanted"),
        (answer("<html>"), Failed, "the answer is no JSON"),
        (answer({"n": 1}, 500), Failed, "status 500 in place of 200"),
    ],
)
async def test_every_document_has_one_of_four_meanings(handler: Handler, kind: type, reason: str) -> None:
    told = (await web(handler, requests="$.n")).answers["canary"]
    assert type(told) is kind
    assert reason in in_words(told)


async def test_a_path_that_leads_to_several_numbers_is_a_mistake() -> None:
    told = (await web(answer({"n": [1, 2]}), requests="$.n[*]")).answers["canary"]
    assert told == Failed("$.n[*] leads to 2 places, where one number is wanted")


async def test_a_document_must_have_every_number_for_production() -> None:
    async with scripted_server() as server, way() as http:
        server.then(answer({"all": 5}))
        findings = await WebSource(http, WebPage(server.url, requests="$.all", errors="$.bad")).check(STABLE)
    assert findings == (Finding("errors", "for production, nothing there: $.bad leads to nothing"),)


async def test_a_document_that_does_not_come_and_a_variable_that_is_not_known_are_failures() -> None:
    async with scripted_server() as server, way() as http:
        server.then(never())
        slow = WebSource(http, WebPage(server.url, requests="$.n", timeout_seconds=0.05))
        unknown = WebSource(http, WebPage(server.url + "/{{other}}", requests="$.n"))
        tolds = [(await source.read([CANARY], 1.0, None)).answers["canary"] for source in (slow, unknown)]
    assert "gave no answer within 0.05 s" in in_words(tolds[0])
    assert tolds[1] == Failed("variable other is not known")


# Services that count in windows


class Fixed:
    """A service that gives these answers, by query."""

    def __init__(self, **answers: Answer[tuple[Point, ...]]) -> None:
        self._answers = answers

    async def points(self, query: str, since: float, until: float) -> Answer[tuple[Point, ...]]:
        assert (since, until) == (SINCE, NOW.timestamp())
        return self._answers[query]


def window_source(backend: Backend) -> WindowSource:
    windows = Windows("r", "e", {"queue": "q"}, stale_seconds=60.0)
    return WindowSource(backend, windows, FakeClock(), NOW.fromtimestamp(SINCE, NOW.tzinfo))


def points(*values: float, last: float = RECENT) -> Known[tuple[Point, ...]]:
    return Known(
        tuple(Point(last - 60 * back, value) for back, value in zip(range(len(values))[::-1], values, strict=True))
    )


async def of_window(**answers: Answer[tuple[Point, ...]]) -> Answer[PodReading]:
    given = {"r": points(5, 7), "e": points(1, 0), "q": points(3, 4)} | answers
    return (await window_source(Fixed(**given)).read([CANARY], 7.0, 10.0)).answers["canary"]


async def test_counts_of_the_whole_window_are_added_up_and_of_a_gauge_the_last_one_counts() -> None:
    expected = PodReading("canary", Track.CANARY, requests=12, errors=1, gauges={"queue": 4})
    assert await of_window() == Known(expected)


async def test_no_errors_in_a_window_with_requests_are_zero_and_it_is_told() -> None:
    told = await of_window(e=Empty("x"))
    assert isinstance(told, Known)
    assert told.value.errors == 0
    assert told.notes == ("errors: none in the window, where there are requests",)


async def test_errors_that_failed_are_none_and_not_zero() -> None:
    told = await of_window(e=Failed("x"), q=Failed("y"))
    assert isinstance(told, Known)
    assert (told.value.errors, told.value.gauges) == (None, {})
    assert told.notes == ("errors: failed: x", "queue: failed: y")


async def test_without_requests_there_is_no_reading_be_it_empty_stale_or_failed() -> None:
    assert await of_window(r=Empty("x")) == Empty("x")
    assert await of_window(r=Failed("x")) == Failed("x")
    old = await of_window(r=points(5, 7, last=NOW.timestamp() - 61))
    assert isinstance(old, Stale)
    assert old.age_seconds == 61


async def test_errors_may_be_long_ago_while_requests_are_recent() -> None:
    told = await of_window(e=points(1, last=NOW.timestamp() - 500))
    assert isinstance(told, Known)
    assert told.value.errors == 1


async def test_production_must_have_data_in_the_window() -> None:
    source = window_source(Fixed(r=Empty("there is no point in the window"), e=points(1), q=points(1)))
    [finding] = await source.check(STABLE)
    assert str(finding) == "query requests: for production, nothing there: there is no point in the window"


async def test_no_errors_are_not_zero_where_there_are_no_requests_either() -> None:
    empty = Empty("there is no point in the window")
    findings = await window_source(Fixed(r=empty, e=empty, q=points(1))).check(STABLE)
    assert [finding.query for finding in findings] == ["requests", "errors"]


# Their protocols

EMPTY = Windows("r", timeout_seconds=5.0)
AWS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}


async def ask(name: str, server: ScriptedServer, query: str = "ns|m") -> Answer[tuple[Point, ...]]:
    access, backend = {
        "datadog": (datadog_access(datadog(server.url)), lambda http: Datadog(http, datadog(server.url))),
        "newrelic": (new_relic_access(newrelic(server.url)), lambda http: NewRelic(http, newrelic(server.url))),
        "cloudwatch": (cloudwatch_access(aws(server.url)), lambda http: CloudWatch(http, aws(server.url))),
    }[name]
    assert isinstance(access, Access)
    async with way(access, AWS | {"DD_APP": "app"}) as http:
        made: Backend = backend(http)
        return await made.points(query, SINCE, NOW.timestamp())


def datadog(url: str) -> DatadogConfig:
    return DatadogConfig(Literal("api"), FromEnvironment("DD_APP"), EMPTY, url)


def newrelic(url: str) -> NewRelicConfig:
    return NewRelicConfig(42, Literal("key"), EMPTY, url)


def aws(url: str) -> CloudWatchConfig:
    return CloudWatchConfig("eu-central-1", EMPTY, url=url)


def series(*rows: list[list[float | None]]) -> dict[str, Any]:
    return {"status": "ok", "res_type": "time_series", "series": [{"pointlist": row} for row in rows]}


async def test_datadog_is_asked_with_both_keys_and_its_points_are_read() -> None:
    async with scripted_server() as server:
        server.then(answer(series([[RECENT * 1000 - 60000, 5.0], [RECENT * 1000, None], [RECENT * 1000, 7.0]])))
        query = "sum:trace.http.request.hits{service:checkout}.as_count()"
        assert await ask("datadog", server, query) == Known((Point(RECENT - 60, 5.0), Point(RECENT, 7.0)))
    [seen] = server.seen
    assert (seen.method, seen.path) == ("GET", "/api/v1/query")
    assert seen.query == {"from": f"{SINCE:.0f}", "to": f"{NOW.timestamp():.0f}", "query": query}
    assert (seen.headers["DD-API-KEY"], seen.headers["DD-APPLICATION-KEY"]) == ("api", "app")


def rows(*results: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"actor": {"account": {"nrql": {"results": list(results)}}}}}


async def test_new_relic_is_asked_by_nrql_with_the_window_added() -> None:
    async with scripted_server() as server:
        server.then(answer(rows({"count": 12})))
        assert await ask("newrelic", server, "SELECT count(*) FROM Transaction") == Known((Point(None, 12.0),))
    [seen] = server.seen
    body = json.loads(seen.body)
    assert (seen.method, seen.headers["API-Key"]) == ("POST", "key")
    window = f"SINCE {SINCE * 1000:.0f} UNTIL {NOW.timestamp() * 1000:.0f}"
    assert body["variables"] == {"account": 42, "nrql": f"SELECT count(*) FROM Transaction {window}"}
    assert "nrql(query: $nrql)" in body["query"]


def data(values: list[float], token: str | None = None, status: str = "Complete") -> dict[str, Any]:
    times = [RECENT + 60 * place for place in range(len(values))]
    result = {"Id": "q", "Label": "x", "Timestamps": times, "Values": values, "StatusCode": status}
    return {"MetricDataResults": [result], "Messages": []} | ({"NextToken": token} if token else {})


async def test_cloudwatch_is_asked_signed_and_page_by_page() -> None:
    async with scripted_server() as server:
        server.then(answer(data([5.0], "more", "PartialData"))).then(answer(data([7.0, 8.0])))
        query = "AWS/ApplicationELB|RequestCount||TargetGroup=targetgroup/checkout-v2/1|LoadBalancer=app/shop/2"
        told = await ask("cloudwatch", server, query)
    assert told == Known((Point(RECENT, 5.0), Point(RECENT, 7.0), Point(RECENT + 60, 8.0)))
    first, second = (json.loads(seen.body) for seen in server.seen)
    [wanted] = first["MetricDataQueries"]
    assert wanted["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": "RequestCount",
            "Dimensions": [
                {"Name": "TargetGroup", "Value": "targetgroup/checkout-v2/1"},
                {"Name": "LoadBalancer", "Value": "app/shop/2"},
            ],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    assert (first["StartTime"] % 60, first["EndTime"]) == (0, NOW.timestamp())
    assert second == first | {"NextToken": "more"}
    headers = server.seen[0].headers
    assert headers["X-Amz-Target"] == "GraniteServiceVersion20100801.GetMetricData"
    assert "/eu-central-1/monitoring/aws4_request, SignedHeaders=content-type;host;x-amz-" in headers["Authorization"]


@pytest.mark.parametrize(
    ("name", "handler", "kind", "reason"),
    [
        ("datadog", answer(series()), Empty, "no point in the window"),
        ("datadog", answer(series([[RECENT, None]])), Empty, "no point in the window"),
        ("datadog", answer(series([[RECENT, 1.0]], [[RECENT, 1.0]])), Failed, "2 series where one is wanted"),
        (
            "datadog",
            answer({"status": "error", "error": "Rule 'x' unknown"}),
            Failed,
            "Datadog answers: Rule 'x' unknown",
        ),
        ("datadog", answer({"errors": ["Forbidden"]}, 403), Failed, "Datadog refuses (403)"),
        ("datadog", answer("slow down", 429), Failed, "fewer requests (429)"),
        ("datadog", answer("<html>"), Failed, "cannot be read"),
        ("newrelic", answer(rows()), Empty, "no point in the window"),
        ("newrelic", answer(rows({"count": None})), Empty, "no point in the window"),
        ("newrelic", answer(rows({"a": 1}, {"a": 2})), Failed, "2 rows where one is wanted"),
        ("newrelic", answer(rows({"a": 1, "b": 2})), Failed, "2 numbers where one is wanted: a, b"),
        ("newrelic", answer({"errors": [{"message": "NRQL Syntax Error"}]}), Failed, "New Relic answers: NRQL Syntax"),
        ("newrelic", answer({"data": {"actor": {"account": None}}}), Failed, "without results: check the account"),
        ("newrelic", answer("", 401), Failed, "New Relic refuses (401)"),
        ("newrelic", answer("<html>"), Failed, "cannot be read"),
        ("cloudwatch", answer(data([])), Empty, "no point in the window"),
        ("cloudwatch", answer(data([], status="Forbidden")), Failed, "CloudWatch answers Forbidden"),
        ("cloudwatch", answer({"__type": "ExpiredToken"}, 400), Failed, "CloudWatch answers 400: "),
        ("cloudwatch", answer("x"), Failed, "cannot be read"),
    ],
)
async def test_what_a_service_answers_otherwise_is_told(name: str, handler: Handler, kind: type, reason: str) -> None:
    async with scripted_server() as server:
        server.then(handler)
        told = await ask(name, server)
    assert type(told) is kind
    assert reason in in_words(told)


async def test_a_metric_that_cloudwatch_cannot_have_is_not_asked_for() -> None:
    async with scripted_server() as server:
        for query in ("RequestCount", "ns|m|Sum|no dimension"):
            assert isinstance(await ask("cloudwatch", server, query), Failed)
        assert server.seen == []


def test_queries_that_cannot_be_added_up_are_told_before_a_rollout() -> None:
    assert [one.query for one in lint_datadog(Windows("sum:a{*}", "sum:b{*}.as_count()", {"g": "avg:c{*}"}))] == [
        "requests"
    ]
    [finding] = lint_new_relic(Windows("SELECT count(*) FROM T since 1 hour ago", "SELECT count(*) FROM T"))
    assert "it has SINCE" in str(finding)
    findings = lint_cloudwatch(Windows("ns|m|Average", "ns", {"g": "ns|m|Average"}))
    assert [one.query for one in findings] == ["requests", "errors"]

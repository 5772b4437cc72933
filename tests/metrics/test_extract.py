"""The numbers of well-known metrics, read off pages as real libraries write them."""

import pytest

from serinus.judge.answers import Empty, Known
from serinus.judge.readings import Histogram
from serinus.metrics.exposition import Body, Page, read_page
from serinus.metrics.extract import Choice, Numbers, families_on, gauges_of, numbers_of
from serinus.metrics.known import is_wanted
from tests.metrics import pages


def page(text: str) -> Page:
    answer = read_page(Body(200, "text/plain", text.encode()), is_wanted)
    assert isinstance(answer, Known), answer
    return answer.value


def chosen(text: str) -> Choice:
    return families_on([page(text)])[0].choice


def numbers(text: str) -> Numbers:
    answer = numbers_of(page(text), chosen(text))
    assert isinstance(answer, Known), answer
    return answer.value


@pytest.mark.parametrize("name", pages.ALL)
def test_each_well_known_library_is_read_without_its_probes(name: str) -> None:
    found = numbers(pages.ALL[name])
    assert (found.requests, found.errors) == (12, 2)


@pytest.mark.parametrize(
    ("text", "histogram"),
    [
        (pages.OTEL, Histogram((0.1, 1.0), (9, 11), 12)),
        (pages.OTEL_EARLIER, Histogram((0.1, 1.0), (9, 11), 12)),
        (pages.PROMETHEUS_NET, Histogram((0.1,), (8,), 12)),
        (pages.ISTIO, Histogram((0.1,), (9,), 12)),
        (pages.ENVOY, Histogram((0.1,), (9,), 12)),
    ],
)
def test_a_latency_histogram_is_in_seconds_whatever_the_page_counts_in(text: str, histogram: Histogram) -> None:
    found = numbers(text).latency
    assert found is not None
    assert found.le == pytest.approx(histogram.le)
    assert (found.counts, found.count) == (histogram.counts, histogram.count)


def test_a_summary_has_no_histogram() -> None:
    assert numbers(pages.MICROMETER).latency is None


def test_requests_for_metrics_themselves_are_never_taken_for_traffic() -> None:
    only_promhttp = "\n".join(line for line in pages.GO.splitlines() if "promhttp" in line) + "\ngo_goroutines 1\n"
    assert families_on([page(only_promhttp)]) == ()


def test_without_a_label_that_tells_errors_they_are_not_known() -> None:
    found = numbers(pages.NGINX)
    assert (found.requests, found.errors) == (12, None)


def test_a_family_that_tells_errors_comes_before_one_that_does_not() -> None:
    text = pages.NGINX + "# TYPE http_requests_total counter\nhttp_requests_total 12\n" + pages.ENVOY
    assert chosen(text).family.what == "Envoy"


def test_what_the_application_counts_comes_before_what_its_sidecar_counts() -> None:
    assert [one.choice.family.requests for one in families_on([page(pages.ISTIO + pages.GO)])] == [
        "http_requests_total",
        "istio_requests_total",
    ]


def test_a_family_that_has_counted_comes_before_one_that_is_only_declared() -> None:
    declared = "# TYPE http_server_request_duration_seconds histogram\n"
    assert chosen(declared + pages.GO).family.requests == "http_requests_total"


def test_a_family_that_is_declared_and_has_no_series_is_at_zero() -> None:
    answer = numbers_of(page("# TYPE http_requests_total counter\nup 1\n"), chosen(pages.GO))
    assert isinstance(answer, Known)
    assert (answer.value.requests, answer.value.errors) == (0, 0)


def test_a_family_that_is_not_there_is_empty_and_not_zero() -> None:
    assert isinstance(numbers_of(page("up 1\n"), chosen(pages.GO)), Empty)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_a_value_that_no_counter_can_have_is_empty(value: str) -> None:
    text = pages.GO.replace('method="get"} 2', f'method="get"}} {value}')
    answer = numbers_of(page(text), chosen(pages.GO))
    assert isinstance(answer, Empty)
    assert "which no counter can have" in answer.why


def test_series_with_other_edges_are_added_up_where_they_agree() -> None:
    more = """http_server_request_duration_seconds_bucket{http_response_status_code="404",le="1"} 4
http_server_request_duration_seconds_bucket{http_response_status_code="404",le="5"} 5
http_server_request_duration_seconds_bucket{http_response_status_code="404",le="+Inf"} 5
"""
    assert numbers(pages.OTEL + more).latency == Histogram((1.0,), (15,), 17)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('le="+Inf"} 12', 'le="5"} 12', "without +Inf"),
        ('le="0.1"} 8', 'le="0.1"} 80', "fall towards larger edges"),
        ('le="0.1"} 8', 'le="0.1"} NaN', "no bucket"),
    ],
)
def test_a_broken_histogram_is_left_out_and_told(before: str, after: str, reason: str) -> None:
    text = pages.PROMETHEUS_NET.replace(before, after)
    answer = numbers_of(page(text), chosen(pages.PROMETHEUS_NET))
    assert isinstance(answer, Known)
    assert answer.value.latency is None
    assert reason in answer.notes[0]


def test_gauges_are_found_and_cpu_is_a_counter_whose_rate_counts() -> None:
    assert gauges_of(page(pages.GO)) == ({"goroutines": 12.0, "memory": 2.5e7}, {"cpu": 4.5})
    assert gauges_of(page(pages.MICROMETER))[0] == {"heap": 4.0e7}

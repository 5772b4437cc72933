"""Templates, the built-in sets, and the lint before a rollout."""

import importlib.util

import pytest

from serinus.judge.readings import Track
from serinus.judge.scrapes import ScrapedTrack
from serinus.metrics.config import Queries
from serinus.metrics.promql_lint import LEFT_OUT, lint
from serinus.metrics.queries import SETS, filled, values_for, variables_of
from tests.metrics.support import CANARY, STABLE

HAS_PARSER = importlib.util.find_spec("promql_parser") is not None


def findings(queries: Queries, **more: str) -> list[str]:
    canary, stable = values_for(CANARY, more), values_for(STABLE, more)
    return [str(one) for one in lint(queries, canary, stable) if one.is_error]


def test_variables_are_filled_in_per_track() -> None:
    query = 'sum(a{namespace="{{namespace}}",pod=~"{{ pods }}",d="{{deployment}}"})'
    assert filled(query, values_for(STABLE, {})) == 'sum(a{namespace="shop",pod=~"s\\\\-1|s\\\\-2",d="checkout-v1"})'


def test_a_track_without_pods_matches_no_pod() -> None:
    empty = ScrapedTrack(Track.CANARY, "shop", "checkout", "checkout-v2")
    assert filled("{{pods}}", values_for(empty, {})) == "serinus-no-pod"


def test_what_the_user_says_wins() -> None:
    assert values_for(CANARY, {"deployment": "other"})["deployment"] == "other"


def test_a_good_query_has_no_findings() -> None:
    assert findings(Queries('sum(http_requests_total{deployment="{{deployment}}"})')) == []


@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        (Queries('sum(a{d="{{workload}}"})'), "variable workload is not known for both tracks"),
        (Queries('sum(a{service="{{service}}"})'), "it is the same for both tracks"),
        (Queries('sum(rate(a{d="{{deployment}}"}[1m]))'), "rate() makes something else of a counter"),
        (Queries('sum(a{d="{{track}}"})', latency='histogram_quantile(0.9, a{d="{{track}}"})'), "histogram_quantile()"),
    ],
)
def test_what_cannot_be_compared_is_an_error_without_any_parser(queries: Queries, reason: str) -> None:
    assert any(reason in one for one in findings(queries))


@pytest.mark.skipif(not HAS_PARSER, reason="the optional package promql-parser is not installed")
@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        (Queries('sum(a{d="{{deployment}}"}'), "query requests: it is no PromQL"),
        (Queries('a{d="{{deployment}}"}[5m]'), "it gives a range of samples"),
        (Queries('"{{deployment}}"'), "it gives a text"),
        (Queries('sum(a{d="{{track}}"})', latency='sum(b{d="{{track}}"})'), "it has no label le"),
    ],
)
def test_syntax_is_checked_with_the_parser(queries: Queries, reason: str) -> None:
    assert any(reason in one for one in findings(queries))


def test_whether_the_parser_was_there_is_said() -> None:
    told = [one.what for one in lint(Queries("{{track}}"), {"track": "canary"}, {"track": "stable"})]
    assert (LEFT_OUT in told) is not HAS_PARSER


@pytest.mark.parametrize("name", SETS)
def test_each_built_in_set_passes_the_lint_where_each_track_has_its_service(name: str) -> None:
    tracks = [
        values_for(track, {"cluster": f"httproute/shop/{service}/rule/0", "track_service": service})
        for track, service in ((CANARY, "checkout-canary"), (STABLE, "checkout-stable"))
    ]
    assert [str(one) for one in lint(SETS[name], tracks[0], tracks[1]) if one.is_error] == []


def test_sets_that_need_a_service_per_track_say_so_where_there_is_one_for_both() -> None:
    assert any("the same for both tracks" in one for one in findings(SETS["ingress-nginx"]))
    assert any("variable cluster is not known" in one for one in findings(SETS["envoy-gateway"]))
    assert variables_of(SETS["envoy-gateway"].requests) == {"cluster"}


def test_the_stable_services_pattern_does_not_match_the_canarys() -> None:
    import re

    pattern = filled("{{namespace}}-{{track_service}}-[0-9a-z]+@kubernetes.*", values_for(STABLE, {}))
    assert re.fullmatch(pattern, "shop-checkout-80@kubernetes")
    assert not re.fullmatch(pattern, "shop-checkout-canary-80@kubernetes")

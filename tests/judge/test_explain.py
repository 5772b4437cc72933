"""What is told of a verdict: the sentence, the numbers, and what would change it."""

import pytest

from serinus.judge.explain import explain
from serinus.judge.interval import interval
from serinus.judge.judge import step
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import Reading
from serinus.judge.state import State
from tests.judge.traffic import Traffic

PODS = ("c-1", "c-2", "s-1", "s-2", "s-3", "s-4")
ERRORS = Policy(metrics=(Metric.ERRORS,))


def told(policy: Policy, readings: list[Reading]):  # type: ignore[no-untyped-def]
    state = State()
    for reading in readings:
        state, finding = step(policy, state, reading)
    return explain(policy, state, finding)


def test_a_failure_is_told_with_the_counts_and_how_rare_it_would_be() -> None:
    traffic = Traffic(PODS)
    explanation = told(ERRORS, [traffic.scrape(), traffic.scrape({"c-1": 40, "c-2": 45})])
    assert "(85 errors in 100 requests against 0 in 200); fewer than 1 in a billion" in explanation.sentence
    assert "fewer failed requests" in explanation.would_change


def test_not_enough_traffic_says_how_many_requests_are_missing_and_how_long_that_takes() -> None:
    traffic = Traffic(PODS)
    explanation = told(ERRORS, [traffic.scrape(requests=1) for _ in range(40)])
    assert explanation.sentence.startswith("not enough traffic: about ")
    assert explanation.missing_requests is not None
    assert 900 < explanation.missing_requests < 2000
    assert explanation.missing_seconds == pytest.approx(explanation.missing_requests / 0.4, rel=0.1)
    assert "more failed requests" in explanation.would_change


def test_every_metric_and_pod_is_told_with_its_evidence() -> None:
    traffic = Traffic(PODS)
    explanation = told(Policy(), [traffic.scrape({"c-1": 1, "s-1": 1}) for _ in range(80)])
    assert [metric.name for metric in explanation.metrics] == ["errors", "latency", "restarts", "gauges"]
    errors = explanation.metrics[0]
    assert errors.canary.low is not None
    assert errors.canary.high is not None
    assert errors.canary.low < errors.canary.rate < errors.canary.high
    assert errors.safety_needed == pytest.approx(1.301, abs=0.001)
    assert sum(metric.part for metric in explanation.metrics) == pytest.approx(1.0)
    assert [pod.name for pod in explanation.pods] == sorted(PODS)
    without = {pod.name: pod.evidence_without for pod in explanation.pods}
    assert without["s-1"] is None
    assert without["c-1"] is not None
    assert without["c-2"] is not None
    assert without["c-1"] < without["c-2"]


def test_nothing_seen_yet_can_be_told() -> None:
    traffic = Traffic(PODS)
    reading = traffic.scrape()
    explanation = told(ERRORS, [reading])
    assert explanation.missing_requests is not None


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_the_interval_misses_at_any_time_less_often_than_it_promises(rate: float) -> None:
    """The chance that a run of 60 requests ever leaves the interval, by following every count exactly."""
    alive, missed = {0: 1.0}, 0.0
    for n in range(1, 61):
        following: dict[int, float] = {}
        for failed, weight in alive.items():
            for more, part in ((1, rate), (0, 1 - rate)):
                following[failed + more] = following.get(failed + more, 0.0) + weight * part
        alive = {}
        for failed, weight in following.items():
            low, high = interval(n, failed)
            if low <= rate <= high:
                alive[failed] = weight
            else:
                missed += weight
    assert missed <= 0.05


def test_no_requests_leave_every_rate_possible() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(10, 10)[1] == 1.0

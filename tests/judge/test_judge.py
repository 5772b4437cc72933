"""The fold as a whole: what one rollout's readings lead to."""

import msgspec
import pytest

from serinus.core.turn import Verdict
from serinus.judge.decide import Finding, Hold
from serinus.judge.judge import step
from serinus.judge.policy import Budget, Limits, Margin, Metric, Policy
from serinus.judge.readings import PodReading, Reading, Track
from serinus.judge.state import State
from tests.judge.traffic import Traffic, judged

PODS = ("c-1", "c-2", "s-1", "s-2", "s-3", "s-4")
ERRORS = Policy(metrics=(Metric.ERRORS,))


def last(policy: Policy, readings: list[Reading]) -> Finding:
    return list(judged(policy, State(), readings))[-1]


def test_a_canary_that_fails_every_request_is_taken_back_at_the_first_scrape() -> None:
    traffic = Traffic(PODS)
    found = list(judged(ERRORS, State(), [traffic.scrape(), traffic.scrape({"c-1": 50, "c-2": 50})]))
    assert [finding.verdict for finding in found] == [Verdict.UNSURE, Verdict.FAIL]
    assert (found[-1].t, found[-1].metric) == (5.0, "errors")


def test_that_holds_for_pods_that_have_only_just_begun() -> None:
    traffic = Traffic(PODS, started=0.0)
    assert last(ERRORS, [traffic.scrape(), traffic.scrape({"c-1": 50, "c-2": 50})]).verdict is Verdict.FAIL


def test_a_few_failures_of_young_pods_are_no_harm_and_do_not_dull_the_judge() -> None:
    traffic = Traffic(PODS)
    traffic.started["c-1"] = traffic.started["c-2"] = 0.0
    readings = [traffic.scrape(), *(traffic.scrape({"c-1": 3, "c-2": 2}) for _ in range(4))]
    assert last(ERRORS, readings).verdict is Verdict.UNSURE
    readings += [traffic.scrape({"c-1": 10, "c-2": 10}) for _ in range(3)]
    assert last(ERRORS, readings).verdict is Verdict.FAIL


def test_without_failures_the_release_is_safe_after_enough_requests_and_a_minute() -> None:
    traffic = Traffic(PODS)
    found = list(judged(ERRORS, State(), [traffic.scrape() for _ in range(40)]))
    first = next(finding for finding in found if finding.verdict is Verdict.PASS)
    assert first.t >= 60.0
    assert found[-1].verdict is Verdict.PASS
    assert found[-1].t == first.t
    assert all(finding.may_advance for finding in found if finding.t > 0)


def test_without_traffic_there_is_no_verdict() -> None:
    traffic = Traffic(PODS)
    finding = last(ERRORS, [traffic.scrape(requests=0) for _ in range(100)])
    assert (finding.verdict, finding.hold) == (Verdict.UNSURE, Hold.TRAFFIC)


def test_a_shared_outage_holds_and_blames_nobody() -> None:
    traffic = Traffic(PODS)
    readings = [traffic.scrape() for _ in range(60)]
    readings += [traffic.scrape(dict.fromkeys(PODS, 15.0)) for _ in range(12)]
    finding = last(ERRORS, readings)
    assert (finding.verdict, finding.hold, finding.may_advance) == (Verdict.UNSURE, Hold.INCIDENT, False)


def test_harm_that_begins_late_takes_back_what_was_safe() -> None:
    traffic = Traffic(PODS)
    readings = [traffic.scrape() for _ in range(100)]
    readings += [traffic.scrape({"c-1": 5, "c-2": 5}) for _ in range(6)]
    found = list(judged(ERRORS, State(), readings))
    assert found[99].verdict is Verdict.PASS
    assert found[-1].verdict is Verdict.FAIL
    assert found[-1].t <= 100 * 5.0 + 15.0


def test_one_bad_pod_is_suspected_after_half_a_minute_and_the_release_goes_on_without_it() -> None:
    traffic = Traffic(PODS)
    state = State()
    found = list(judged(ERRORS, state, [traffic.scrape(), *(traffic.scrape({"c-1": 10}) for _ in range(9))]))
    assert {finding.verdict for finding in found} == {Verdict.UNSURE}
    assert (found[-1].replace, found[-1].hold, found[-1].may_advance) == ("c-1", Hold.SUSPECT, False)
    first = next(finding for finding in found if finding.replace)
    assert first.t == pytest.approx(35.0)
    traffic.replace("c-1", "c-3")
    found = list(judged(ERRORS, state, [traffic.scrape() for _ in range(40)]))
    assert not any(finding.replace for finding in found)
    assert found[-1].verdict is Verdict.PASS


def test_a_bad_version_is_taken_back_after_a_replacement_as_well() -> None:
    traffic = Traffic(PODS)
    state = State()
    list(judged(ERRORS, state, [traffic.scrape(), *(traffic.scrape({"c-1": 10}) for _ in range(9))]))
    traffic.replace("c-1", "c-3")
    found = list(judged(ERRORS, state, [traffic.scrape({"c-2": 12, "c-3": 12}) for _ in range(8)]))
    assert found[-1].verdict is Verdict.FAIL


def test_a_suspected_pod_that_is_missing_in_one_scrape_was_not_replaced() -> None:
    traffic = Traffic(PODS)
    state = State()
    list(judged(ERRORS, state, [traffic.scrape(), *(traffic.scrape({"c-1": 10}) for _ in range(9))]))
    whole = traffic.scrape({"c-1": 10})
    without = msgspec.structs.replace(whole, pods=tuple(pod for pod in whole.pods if pod.name != "c-1"))
    found = list(judged(ERRORS, state, [without, traffic.scrape({"c-1": 10})]))
    assert found[-1].replace == "c-1"


def test_a_crash_loop_of_every_canary_pod_is_harm_and_that_of_one_pod_is_not() -> None:
    policy = Policy(metrics=(Metric.RESTARTS,))
    both, one = Traffic(PODS), Traffic(PODS)
    finding = last(policy, [both.scrape(restarts={"c-1": 1, "c-2": 1}) for _ in range(20)])
    assert (finding.verdict, finding.metric) == (Verdict.FAIL, "restarts")
    assert last(policy, [one.scrape(restarts={"c-1": 1}) for _ in range(20)]).verdict is Verdict.UNSURE


def test_a_canary_that_answers_slowly_is_taken_back_for_its_latency() -> None:
    traffic = Traffic(PODS)
    readings = [traffic.scrape() for _ in range(4)] + [traffic.scrape(slow=("c-1", "c-2")) for _ in range(4)]
    finding = last(Policy(), readings)
    assert (finding.verdict, finding.metric) == (Verdict.FAIL, "latency")


def test_repeated_and_late_readings_change_nothing() -> None:
    traffic = Traffic(PODS)
    readings = [traffic.scrape({"c-1": 1}) for _ in range(6)]
    once, twice = State(), State()
    list(judged(ERRORS, once, readings))
    list(judged(ERRORS, twice, [readings[0], readings[1], readings[0], readings[1], *readings[2:], readings[3]]))
    assert msgspec.json.encode(once) == msgspec.json.encode(twice)


def test_a_clock_that_was_set_back_does_not_stop_the_judge() -> None:
    traffic = Traffic(PODS)
    state = State()
    list(judged(ERRORS, state, [traffic.scrape() for _ in range(20)]))
    traffic.t -= 3600.0
    found = list(judged(ERRORS, state, [traffic.scrape({"c-1": 25, "c-2": 25}) for _ in range(3)]))
    assert found[-1].verdict is Verdict.FAIL


def test_counters_that_cannot_be_had_hold_the_release() -> None:
    traffic = Traffic(PODS)
    state = State()
    list(judged(ERRORS, state, [traffic.scrape() for _ in range(40)]))
    whole = traffic.scrape()
    blind = [PodReading(pod.name, pod.track, pod.started) if pod.name[0] == "c" else pod for pod in whole.pods]
    _, finding = step(ERRORS, state, msgspec.structs.replace(whole, pods=tuple(blind)))
    assert (finding.verdict, finding.hold, finding.may_advance) == (Verdict.UNSURE, Hold.UNKNOWN, False)


def test_the_state_survives_json_bit_for_bit_at_every_step() -> None:
    traffic, other = Traffic(PODS), Traffic(PODS)
    kept, saved = State(), State()
    for index in range(40):
        failing = {"c-1": index % 3, "s-2": index % 2}
        kept, ours = step(Policy(), kept, traffic.scrape(failing, weight_percent=20.0 + index // 20))
        saved, theirs = step(Policy(), saved, other.scrape(failing, weight_percent=20.0 + index // 20))
        encoded = msgspec.json.encode(saved)
        saved = msgspec.json.decode(encoded, type=State)
        assert msgspec.json.encode(saved) == encoded == msgspec.json.encode(kept)
        assert ours == theirs


def test_the_state_of_ten_pods_stays_small_however_long_it_takes() -> None:
    traffic = Traffic([f"c-{index}" for index in range(4)] + [f"s-{index}" for index in range(6)])
    state, sizes = State(), []
    for index in range(600):
        state, _ = step(Policy(), state, traffic.scrape({"c-1": index % 2, "s-1": index % 3}))
        sizes.append(len(msgspec.json.encode(state)))
    assert max(sizes) < 40_000
    assert max(sizes[300:]) < 1.1 * max(sizes[:300])


def test_pods_that_come_and_go_do_not_make_the_state_grow() -> None:
    traffic = Traffic(PODS)
    state, size = State(), 0
    for index in range(300):
        traffic.replace("c-1" if index == 0 else f"c-{index + 9}", f"c-{index + 10}")
        state, _ = step(Policy(), state, traffic.scrape())
        size = max(size, len(msgspec.json.encode(state)))
    assert len(state.pods) <= 40
    assert size < 60_000


def test_a_limit_that_the_canary_breaks_and_production_keeps_is_a_failure() -> None:
    policy = Policy(metrics=(Metric.ERRORS,), limits=Limits(error_rate=0.001), errors=Margin(0.0, 0.05))
    traffic = Traffic(PODS)
    readings = [traffic.scrape(), *(traffic.scrape({"c-1": 0.1, "c-2": 0.1}, requests=25) for _ in range(200))]
    finding = last(policy, readings)
    assert (finding.verdict, finding.metric) == (Verdict.FAIL, "error_rate")


def test_a_limit_that_both_break_is_not_held_against_the_canary() -> None:
    policy = Policy(metrics=(Metric.ERRORS,), limits=Limits(error_rate=0.01))
    traffic = Traffic(PODS)
    readings = [traffic.scrape(), *(traffic.scrape(dict.fromkeys(PODS, 5.0)) for _ in range(100))]
    assert last(policy, readings).verdict is not Verdict.FAIL


def test_the_rollout_ends_when_it_has_spent_its_part_of_the_budget() -> None:
    policy = Policy(metrics=(Metric.ERRORS,), budget=Budget(0.999, 2.0, 1_000_000))
    traffic = Traffic(PODS)
    readings = [traffic.scrape(), *(traffic.scrape({"c-1": 0.1, "c-2": 0.1}, requests=100) for _ in range(101))]
    finding = last(policy, readings)
    assert (finding.verdict, finding.metric) == (Verdict.FAIL, "budget")


def test_a_share_that_is_not_as_asked_is_not_promoted() -> None:
    traffic = Traffic(PODS)
    finding = last(ERRORS, [traffic.scrape(weight_percent=5.0) for _ in range(60)])
    assert (finding.verdict, finding.hold) == (Verdict.UNSURE, Hold.SHARE)


def test_a_canary_is_compared_with_fresh_pods_of_production_where_there_are_any() -> None:
    traffic = Traffic((*PODS, "b-1", "b-2"))

    def with_baseline(reading: Reading) -> Reading:
        pods = [
            msgspec.structs.replace(pod, track=Track.BASELINE) if pod.name[0] == "b" else pod for pod in reading.pods
        ]
        return msgspec.structs.replace(reading, pods=tuple(pods))

    failing = {"c-1": 10.0, "c-2": 10.0, "b-1": 10.0, "b-2": 10.0}
    readings = [with_baseline(traffic.scrape(failing)) for _ in range(20)]
    assert last(ERRORS, readings).verdict is Verdict.UNSURE


def test_a_canary_whose_metrics_come_late_is_not_called_safe_without_them_and_is_judged_by_them() -> None:
    traffic = Traffic(PODS)

    def early(reading: Reading) -> Reading:
        pods = [PodReading(pod.name, pod.track, pod.started, restarts=pod.restarts) for pod in reading.pods]
        return msgspec.structs.replace(reading, pods=tuple(pods))

    state = State()
    list(judged(Policy(), state, [early(traffic.scrape()) for _ in range(8)]))
    found = list(judged(Policy(), state, [traffic.scrape() for _ in range(8)]))
    assert found[-1].verdict is Verdict.UNSURE
    assert sum(state.weights.values()) == pytest.approx(1.0)
    found = list(judged(Policy(), state, [traffic.scrape({"c-1": 20, "c-2": 20}) for _ in range(2)]))
    assert (found[-1].verdict, found[-1].metric) == (Verdict.FAIL, "errors")

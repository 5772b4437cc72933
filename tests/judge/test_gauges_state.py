"""Gauges over time: how the autocorrelation is learned, before or while the canary runs."""

import math
import random

import pytest

from serinus.judge.gauges import BATCH_SCRAPES, HISTORY_MIN
from serinus.judge.gauges_state import LEARNED_AT, GaugeState, judge_gauge, learn_gauge, log_gauges
from serinus.judge.policy import Margin

MARGIN = Margin(0.2, 0.0)


def pods(dice: random.Random, count: int, level: float = 1.0) -> dict[str, float]:
    return {f"pod-{i}": level * dice.lognormvariate(0, 0.05) for i in range(count)}


def judged(scrapes: int, history: int = 0, level: float = 1.0, stable_pods: int = 4) -> GaugeState:
    """A gauge after so many scrapes of a canary of two pods."""
    state, dice = GaugeState(), random.Random(7)
    for _ in range(history):
        learn_gauge(state, pods(dice, stable_pods))
    for scrape in range(scrapes):
        judge_gauge(state, MARGIN, 5.0 * scrape, 10.0, pods(dice, 2, level), pods(dice, stable_pods))
    return state


def test_enough_history_is_used_from_the_first_scrape_on_and_then_given_up() -> None:
    state = judged(3, history=LEARNED_AT[-1])
    assert state.evidence.correlation is not None
    assert (state.evidence.values, state.history, state.is_learned) == (2, [], True)


def test_without_history_production_teaches_while_the_canary_runs() -> None:
    early = judged(HISTORY_MIN)
    assert (early.evidence.correlation, early.evidence.values) == (None, 0)
    late = judged(HISTORY_MIN + 20)
    assert late.evidence.correlation is not None
    assert late.evidence.values == 20
    assert all(evidence.correlation == late.evidence.correlation for evidence in late.without.values())


def test_a_better_autocorrelation_begins_the_test_anew_on_the_wealth_that_there_is() -> None:
    before, after = judged(LEARNED_AT[1], level=2.0), judged(LEARNED_AT[1] + 1, level=2.0)
    assert before.evidence.values == LEARNED_AT[1] - LEARNED_AT[0]
    assert after.evidence.values == 1
    assert after.evidence.correlation != before.evidence.correlation
    assert abs(log_gauges({"cpu": after}) - log_gauges({"cpu": before})) < 1


def test_what_was_learned_from_does_not_grow_with_time() -> None:
    state = judged(LEARNED_AT[-1] + 5)
    assert (state.history, state.is_learned) == ([], True)


def test_one_pod_of_production_has_no_halves_so_whole_batches_are_compared() -> None:
    state = judged(2 * BATCH_SCRAPES, stable_pods=1)
    assert (state.evidence.correlation, state.evidence.values, state.history) == (None, 2, [])


@pytest.mark.parametrize("history", [0, 60])
def test_a_canary_that_needs_twice_as_much_is_found_within_minutes(history: int) -> None:
    assert log_gauges({"memory": judged(60, history, level=2.0)}) > math.log(1000)
    assert log_gauges({"memory": judged(60, history)}) < 0

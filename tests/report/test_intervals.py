"""Both intervals keep their promises; checked over the whole sample space and by simulation with a fixed seed."""

import random
from math import comb

import pytest

from serinus.judge.interval import interval as anytime
from serinus.judge.wilson import wilson


def test_wilson_is_the_published_interval() -> None:
    low, high = wilson(5.0, 100.0)  # Brown, Cai and DasGupta's formula, worked by hand
    assert (round(low, 4), round(high, 4)) == (0.0215, 0.1118)


def test_without_trials_nothing_is_known() -> None:
    assert wilson(0.0, 0.0) == anytime(0.0, 0.0) == (0.0, 1.0)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("trials", [1, 7, 40])
def test_the_anytime_interval_covers_at_least_as_often_as_it_says_at_one_look(rate: float, trials: int) -> None:
    covered = 0.0
    for hits in range(trials + 1):
        low, high = anytime(float(trials), float(hits))
        if low <= rate <= high:
            covered += comb(trials, hits) * rate**hits * (1 - rate) ** (trials - hits)
    assert covered >= 0.95


def test_the_anytime_interval_covers_at_all_looks_at_once() -> None:
    dice = random.Random(5)
    left = 0
    for _ in range(200):
        hits = 0
        for trials in range(1, 301):
            hits += dice.random() < 0.05
            if trials % 10 == 0 or trials < 10:
                low, high = anytime(float(trials), float(hits))
                if not low <= 0.05 <= high:
                    left += 1
                    break
    assert left <= 0.05 * 200


def test_the_anytime_interval_holds_the_rate_and_shrinks() -> None:
    widths = []
    for trials in (100.0, 1_000.0, 10_000.0, 1e6):
        low, high = anytime(trials, 0.02 * trials)
        assert low < 0.02 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)

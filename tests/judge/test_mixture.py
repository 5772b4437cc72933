"""Evidence over time is a fair game: what it is worth on average never grows."""

from itertools import product
from math import exp, log, prod

import pytest

from serinus.judge.mixture import fold_block, leave_out, log_value, open_mixture, staked_part

GAIN, LOSS = log(3.0), log(1.0 / 3.0)
ODDS = {GAIN: 0.25, LOSS: 0.75}


def test_the_average_over_all_ways_it_can_go_is_one() -> None:
    """Four blocks that each triple with 1/4 and fall to a third with 3/4, weights changing, a pause between."""
    total = 0.0
    for way in product((GAIN, LOSS), repeat=4):
        mixture = open_mixture(2)
        for index, evidence in enumerate(way):
            fold_block(mixture, 300.0 * index**2, 5.0 * (index // 2), [evidence, 0.0], {})
        total += prod(ODDS[evidence] for evidence in way) * exp(log_value(mixture.cash, mixture.wealth))
    assert total == pytest.approx(1.0, abs=1e-12)


def test_a_pod_that_comes_late_has_the_evidence_without_it_so_far() -> None:
    mixture = open_mixture(1)
    fold_block(mixture, 0.0, 5.0, [1.0], {"c-1": [0.0]})
    fold_block(mixture, 5.0, 5.0, [1.0], {"c-2": [0.5]})
    assert mixture.without["c-2"][0] == pytest.approx(mixture.wealth[0] - 0.5)


def test_leaving_a_pod_out_takes_its_evidence_away_and_begins_the_others_anew() -> None:
    mixture = open_mixture(1)
    fold_block(mixture, 0.0, 5.0, [9.0], {"c-1": [1.0], "c-2": [8.0]})
    without = mixture.without["c-1"].copy()
    leave_out(mixture, "c-1")
    assert mixture.wealth == without
    assert log_value(mixture.cash, mixture.without["c-2"]) == pytest.approx(0.0)


def test_a_staked_part_loses_no_more_than_it_was() -> None:
    assert staked_part([0.0], [-1000.0], 0.25) == [pytest.approx(log(0.75))]


def test_evidence_beyond_every_float_is_a_number_still() -> None:
    mixture = open_mixture(2)
    for index in range(50):
        fold_block(mixture, 5.0 * index, 5.0, [1e4, -1e4], {})
    assert log_value(mixture.cash, mixture.wealth) == pytest.approx(5e5, rel=1e-3)

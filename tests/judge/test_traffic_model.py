"""The benches' dice: laws that are known are met, at fixed seeds."""

import math
import random
from collections import Counter

import pytest

from bench.traffic_model import Service, World, always, binomial, clustered, latency_law, multinomial, poisson

DRAWS = 20_000


def chi_square(found: Counter[int], law: dict[int, float]) -> float:
    """Squared deviations over expectation, of values expected at least ten times; and how many there are."""
    expected = {value: DRAWS * share for value, share in law.items() if DRAWS * share >= 10}
    surplus = sum((found[value] - mean) ** 2 / mean for value, mean in expected.items())
    return (surplus - len(expected)) / math.sqrt(2 * len(expected))


@pytest.mark.parametrize(("trials", "share"), [(7, 0.3), (500, 0.002), (400, 0.2), (1000, 0.9), (3, 1.0), (5, 0.0)])
def test_binomial_draws_have_their_law(trials: int, share: float) -> None:
    dice = random.Random(1)
    found = Counter(binomial(dice, trials, share) for _ in range(DRAWS))
    law = {k: math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(trials + 1)}
    assert chi_square(found, law) < 4
    assert sum(found.values()) == DRAWS


@pytest.mark.parametrize("mean", [0.0, 0.7, 12.0, 90.0, 400.0])
def test_poisson_draws_have_their_law(mean: float) -> None:
    dice = random.Random(2)
    found = Counter(poisson(dice, mean) for _ in range(DRAWS))
    law = {k: math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) if mean else float(k == 0) for k in range(600)}
    assert chi_square(found, law) < 4


def test_classes_add_up_and_have_their_shares() -> None:
    dice, law = random.Random(3), (0.5, 0.3, 0.15, 0.05)
    sums = [0] * 4
    for _ in range(2000):
        drawn = multinomial(dice, 50, law)
        assert sum(drawn) == 50
        sums = [before + new for before, new in zip(sums, drawn, strict=True)]
    assert [count / 100_000 for count in sums] == pytest.approx(law, abs=0.006)


def test_clusters_keep_the_rate_and_spread_wider() -> None:
    dice = random.Random(4)
    found = [clustered(dice, 1000, 0.02, 5.0) for _ in range(DRAWS)]
    mean = sum(found) / DRAWS
    spread = sum((value - mean) ** 2 for value in found) / DRAWS
    assert mean == pytest.approx(20, rel=0.02)
    assert spread / mean == pytest.approx(9, rel=0.1)  # of a geometric size: 2 m - 1


def test_the_tail_law_has_the_known_p99() -> None:
    law = latency_law()
    assert sum(law) == pytest.approx(1)
    assert math.fsum(law[:7]) < 0.99 < math.fsum(law[:8])
    assert math.fsum(latency_law(2.0)[5:]) > math.fsum(law[5:])


def test_counters_only_grow_and_a_seed_is_one_life() -> None:
    world = World(
        canary_latency=always(latency_law()),  # type: ignore[arg-type]
        stable_latency=always(latency_law()),  # type: ignore[arg-type]
        frailty=0.5,
        episodes_per_hour=30.0,
    )
    lives = [Service(world, random.Random(5), 600.0) for _ in range(2)]
    before = list(lives[0].history(60.0))
    assert before == list(lives[1].history(60.0))
    assert [reading.t for reading in before] == [5.0 * scrape for scrape in range(-12, 1)]
    seen = {pod.name: pod.requests or 0.0 for pod in before[-1].pods}
    for _ in range(20):
        reading = lives[0].next()
        assert reading == lives[1].next()
        for pod in reading.pods:
            assert pod.latency is not None
            assert pod.latency.count == pod.requests >= seen.get(pod.name, 0.0)
            assert pod.latency.counts == tuple(sorted(pod.latency.counts))
            seen[pod.name] = pod.requests or 0.0

"""Clustering is learned from production's pods, and what moves them all is not taken for it."""

import pytest

from serinus.judge.dispersion import Dispersion, learn


def after(scrapes: list[dict[str, tuple[float, float]]]) -> float:
    dispersion = Dispersion()
    for scrape in scrapes:
        learn(dispersion, scrape)
    return dispersion.phi


def test_nothing_seen_is_no_clustering() -> None:
    assert after([]) == 1.0
    assert after([{"s-1": (100, 0), "s-2": (100, 0)}] * 50) == 1.0


def test_failures_in_bundles_of_ten_are_found() -> None:
    bundles = [
        {"s-1": (100.0, 10.0 * (index % 3 == 0)), "s-2": (100.0, 10.0 * (index % 3 == 1))} for index in range(300)
    ]
    assert after(bundles) > 4.0


def test_an_outage_that_all_pods_share_is_not_clustering() -> None:
    calm = {"s-1": (100.0, 1.0), "s-2": (100.0, 1.0), "s-3": (100.0, 1.0)}
    outage = dict.fromkeys(calm, (100.0, 30.0))
    assert after([calm] * 20 + [outage] * 20 + [calm] * 20) == 1.0


def test_bad_quarters_of_a_minute_are_found_in_the_longer_windows() -> None:
    scrapes = []
    for index in range(160):
        bad = f"s-{index // 4 % 4}"
        scrapes.append({f"s-{pod}": (100.0, 5.0 if f"s-{pod}" == bad else 0.0) for pod in range(4)})
    short = Dispersion()
    for scrape in scrapes:
        learn(short, scrape)
    by_length = {window.length: window.deviation / window.expected for window in short.windows}
    assert by_length[4] > 2 * by_length[1]
    assert short.phi == pytest.approx(max(by_length.values()))

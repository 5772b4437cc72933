"""Overdispersion of the production pods, as in 2.6: by how much failures come in clusters rather than one by one.

    phi = (sum_i (x_i - n_i p)^2 + A) / (sum_i n_i p (1 - p) (1 - n_i / n) + A),    p = x / n of the same window

over windows of 1, 4 and 16 scrapes, the greatest of the three, at least 1; A = 20 is a prior of no clustering. p is the
window's own, so what moves all pods together (an outage, the hour of the day) is not taken for clustering.

Tempering divides log e by phi. Guarantee: exact if requests fail together in independent groups of at most phi (a
group's mean is a convex mixture of cases that each keep E[e] <= 1, and Jensen for smaller groups); with phi estimated
from what was seen before the block it is empirical.
"""

from collections.abc import Mapping

import msgspec

WINDOWS = (1, 4, 16)
PRIOR = 20.0


class Window(msgspec.Struct):
    """Sums over all full windows of `length` scrapes, and the pods' counts in the one that is still open."""

    length: int
    scrapes: int = 0
    deviation: float = PRIOR
    expected: float = PRIOR
    pods: dict[str, list[float]] = {}


class Dispersion(msgspec.Struct):
    """The estimate so far."""

    windows: list[Window] = msgspec.field(default_factory=lambda: [Window(length) for length in WINDOWS])
    phi: float = 1.0


def learn(dispersion: Dispersion, pods: Mapping[str, tuple[float, float]]) -> None:
    """Take in one scrape: by production pod, its requests and failures since the last one."""
    for window in dispersion.windows:
        if window.length == 1:
            _close(window, pods)
            continue
        for name, (requests, failures) in pods.items():
            counts = window.pods.get(name)
            if counts is None:
                window.pods[name] = [requests, failures]
            else:
                counts[0] += requests
                counts[1] += failures
        window.scrapes += 1
        if window.scrapes >= window.length:
            _close(window, window.pods)
            window.pods = {}
            window.scrapes = 0
    dispersion.phi = max(1.0, max(window.deviation / window.expected for window in dispersion.windows))


def _close(window: Window, pods: Mapping[str, tuple[float, float] | list[float]]) -> None:
    requests = failures = 0.0
    for served, failed in pods.values():
        requests += served
        failures += failed
    if failures <= 0.0 or failures >= requests:
        return
    rate = failures / requests
    for served, failed in pods.values():
        window.deviation += (failed - served * rate) ** 2
        window.expected += served * rate * (1.0 - rate) * (1.0 - served / requests)

"""Absolute guard rails: is the canary's rate of failed (or slow) requests above a limit that was promised to users?

A sequential test of its own, of the canary alone. The null, of every block: p_c <= L. For a supposed rate q above L,
with lambda = (q - L) / (L (1 - q)):

    log e = x_c log(1 + lambda) - n_c log(1 + lambda L)

which is the likelihood ratio of q against L (Wald 1945). Guarantee: E[e] = ((1 + lambda p) / (1 + lambda L))^n <= 1.
Each guard takes GUARD_WEIGHT of alpha. The same test is run on production: a limit that both break is the world's
trouble.
"""

from math import log1p

import msgspec

from serinus.judge.mixture import Mixture, fold_block, open_mixture

TIMES_LIMIT = (1.5, 3.0, 10.0)
RATE_MAX = 0.99
GUARD_WEIGHT = 0.1


class Guard(msgspec.Struct):
    """Evidence that the canary, and that production, is above the limit."""

    name: str
    canary: Mixture = msgspec.field(default_factory=lambda: open_mixture(len(TIMES_LIMIT)))
    stable: Mixture = msgspec.field(default_factory=lambda: open_mixture(len(TIMES_LIMIT)))


def log_evidence_above(limit: float, requests: float, failed: float) -> list[float]:
    """log e of one block for each supposed rate. `limit`: share of requests, above 0 and below 1."""
    found = []
    for times in TIMES_LIMIT:
        rate = min(times * limit, (RATE_MAX + limit) / 2.0 if limit < RATE_MAX else limit)
        bet = (rate - limit) / (limit * (1.0 - rate))
        found.append(failed * log1p(bet) - requests * log1p(bet * limit))
    return found


def fold_guard(
    guard: Guard,
    limit: float,
    now: float,
    weight_percent: float | None,
    pods: dict[str, tuple[float, float]],
    stable: tuple[float, float],
    phi: float,
) -> None:
    """Take in one block: requests and failed ones of each canary pod, and of production; tempered by phi."""
    requests = sum(one[0] for one in pods.values())
    failed = sum(one[1] for one in pods.values())
    whole = _tempered(limit, requests, failed, phi)
    without = {name: _tempered(limit, requests - one[0], failed - one[1], phi) for name, one in pods.items()}
    fold_block(guard.canary, now, weight_percent, whole, without)
    fold_block(guard.stable, now, weight_percent, _tempered(limit, *stable, phi), {})


def _tempered(limit: float, requests: float, failed: float, phi: float) -> list[float]:
    return [evidence / phi for evidence in log_evidence_above(limit, requests, failed)]

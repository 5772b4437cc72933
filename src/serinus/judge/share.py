"""Does the canary get the share of requests that was asked for? E-values for the sample ratio.

A router that ignores weights, a session that sticks to its pod, or a metric that counts another service: then the two
tracks serve different requests, and no comparison of them is to be believed. Null, in every block: each request goes
to the canary with a probability inside the asked share, widened by the tolerance. For a share r on either side of it,

    log e = n_c log(r / limit) + n_s log((1 - r) / (1 - limit)),   limit: the end of the interval that r lies beyond.

Guarantee: E[e] <= 1. One request contributes p r / limit + (1 - p) (1 - r) / (1 - limit), linear in its probability p,
1 at the limit and less on the null's side of it; independent requests multiply (Wald 1945, with a composite null).
Routers that deal requests out evenly vary less than that, which only makes the test slower. Requests that share a
connection vary more: divide log e by how many go together, as for clustered errors (statistics.md 2.6).

Anytime-valid over blocks with any asked shares, by Ville's inequality, once averaged over `HYPOTHESES`. Source: Lindon
and Malek (2022) test sample ratios by a Bayes factor; fixed alternatives in odds keep this one in closed form.
"""

import math

ODDS_FACTORS = (1.25, 2.0, 5.0, 25.0)
"""How far beyond the tolerated share the odds are, in the hypotheses; each once above and once below."""

HYPOTHESES = 2 * len(ODDS_FACTORS)
RELATIVE_TOLERANCE = 0.25
ABSOLUTE_TOLERANCE = 0.01


def tolerated(
    lowest_asked: float,
    highest_asked: float,
    relative: float = RELATIVE_TOLERANCE,
    absolute: float = ABSOLUTE_TOLERANCE,
) -> tuple[float, float]:
    """Shares (0 to 1) that are in order when the asked share lay between the two during the block.

    They differ only when a weight was changed inside the block, or a change may not have reached every router yet. The
    tolerance counts on the smaller of the two versions: 98 % asked allows as much as 2 % does.
    """
    low = lowest_asked - relative * min(lowest_asked, 1 - lowest_asked) - absolute
    high = highest_asked + relative * min(highest_asked, 1 - highest_asked) + absolute
    return max(0.0, low), min(1.0, high)


def log_e(canary_requests: float, stable_requests: float, tolerated_share: tuple[float, float]) -> tuple[float, ...]:
    """Log e-values of one block: too large a share (four), then too small a share (four).

    A hypothesis that does not exist (nothing lies above 1 or below 0) keeps quiet: zero. Minus infinity never occurs.
    """
    low, high = tolerated_share
    above = tuple(_towards(canary_requests, stable_requests, high, factor) for factor in ODDS_FACTORS)
    below = tuple(_towards(stable_requests, canary_requests, 1 - low, factor) for factor in ODDS_FACTORS)
    return above + below


def _towards(hits: float, misses: float, limit: float, odds_factor: float) -> float:
    """The bet that hits are more frequent than `limit`: odds greater by this factor.

    With odds o at the limit, r / limit = f (1 + o) / (1 + f o) and (1 - r) / (1 - limit) = (1 + o) / (1 + f o).
    """
    if limit >= 1:
        return 0.0
    odds = limit / (1 - limit)
    shrunk = math.log1p(odds) - math.log1p(odds_factor * odds)
    return hits * (math.log(odds_factor) + shrunk) + misses * shrunk

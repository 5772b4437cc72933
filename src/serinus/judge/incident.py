"""Is production itself in trouble? Then the world broke, not the canary: no promotion, and evidence of safety pauses.

Two fading counts of production's requests: a fast one (what it is now) and a slow one (what it is used to). An incident
is when several requests failed lately, and far more often than it is used to. What lasts becomes the new normal after a
while, so that an incident ends. Looked at before a block, from scrapes before it: no guarantee depends on it.
"""

import msgspec

FAST_HALF_LIFE_SECONDS = 15.0
SLOW_HALF_LIFE_SECONDS = 600.0
FAILED_MIN = 5.0
TIMES_USUAL = 3.0
ABOVE_USUAL = 0.005


class Incident(msgspec.Struct):
    """Fading counts of production's requests and of those that failed (or were slow)."""

    fast: float = 0.0
    fast_failed: float = 0.0
    slow: float = 0.0
    slow_failed: float = 0.0
    is_on: bool = False


def watch(incident: Incident, requests: float, failed: float, seconds: float) -> None:
    """Take in what production served in the last `seconds`."""
    kept = 0.5 ** (seconds / FAST_HALF_LIFE_SECONDS)
    incident.fast = incident.fast * kept + requests
    incident.fast_failed = incident.fast_failed * kept + failed
    usual = incident.slow_failed / incident.slow if incident.slow else 1.0
    now = incident.fast_failed / incident.fast if incident.fast else 0.0
    incident.is_on = incident.fast_failed >= FAILED_MIN and now > TIMES_USUAL * usual + ABOVE_USUAL
    kept = 0.5 ** (seconds / SLOW_HALF_LIFE_SECONDS)
    incident.slow = incident.slow * kept + requests
    incident.slow_failed = incident.slow_failed * kept + failed

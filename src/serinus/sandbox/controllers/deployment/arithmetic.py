"""The numbers of a Deployment: surge, unavailability, availability, sizes. Pure."""

import math
from collections.abc import Iterable
from typing import Any

from serinus.sandbox.controllers.objects import count, replicas_of
from serinus.sandbox.rest import Raw

NO_LIMIT = 2**31 - 1
"""The API's way of writing "no deadline" and "no history limit"."""


def is_rolling(deployment: Raw) -> bool:
    return bool((deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def max_surge(deployment: Raw) -> int:
    """Pods allowed above `spec.replicas` during a rolling update."""
    return _surge_and_unavailable(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Raw) -> int:
    """Pods allowed to be missing from `spec.replicas` during a rolling update."""
    if not is_rolling(deployment):
        return 0
    return min(_surge_and_unavailable(deployment)[1], replicas_of(deployment))


def _surge_and_unavailable(deployment: Raw) -> tuple[int, int]:
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    wanted = replicas_of(deployment)
    surge = _resolve(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = _resolve(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if surge == 0 and unavailable == 0:
        return 0, 1  # otherwise nothing could ever move
    return surge, unavailable


def _resolve(value: Any, whole: int, *, up: bool) -> int:
    if not isinstance(value, str):
        return int(value)
    exact = whole * int(value.removesuffix("%"))
    return -(-exact // 100) if up else exact // 100


def total_size(replica_sets: Iterable[Raw]) -> int:
    return sum(replicas_of(replica_set) for replica_set in replica_sets)


def total(replica_sets: Iterable[Raw], field: str) -> int:
    return sum(count(replica_set, field) for replica_set in replica_sets)


def active(replica_sets: Iterable[Raw]) -> list[Raw]:
    """Those that are meant to have pods."""
    return [replica_set for replica_set in replica_sets if replicas_of(replica_set) > 0]


def rounded(value: float) -> int:
    """To the nearest whole number, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def has_deadline(deployment: Raw) -> bool:
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, NO_LIMIT)

"""Which pods of a ReplicaSet go first when it shrinks. Pure."""

import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import cmp_to_key

from serinus.sandbox.controllers.objects import (
    annotations_of,
    parse_time,
    pod_is_active,
    pod_is_ready,
    ready_condition,
    uid_of,
)
from serinus.sandbox.rest import Raw

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def deletion_order(pods: Iterable[Raw], related: Iterable[Raw], now: datetime) -> list[Raw]:
    """The pods, the most dispensable first.

    `related` are all pods of ReplicaSets under the same owner: of two equal pods, the one that shares its node with
    more of them goes first.
    """
    neighbours = Counter(_node(pod) for pod in related if pod_is_active(pod))
    wanted = list(pods)
    wanted.sort(key=cmp_to_key(lambda one, other: _by_age(one, other, now)))
    wanted.sort(key=lambda pod: (*_rank(pod), -neighbours[_node(pod)]))  # stable: age decides between equals
    return wanted


def _node(pod: Raw) -> str:
    return pod["spec"].get("nodeName") or ""


def _rank(pod: Raw) -> tuple[bool, int, bool, int]:
    phase = _PHASES.get((pod.get("status") or {}).get("phase", ""), 0)
    return bool(_node(pod)), phase, pod_is_ready(pod), _cost(pod)


def _cost(pod: Raw) -> int:
    text = annotations_of(pod).get(DELETION_COST, "")
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _by_age(one: Raw, other: Raw, now: datetime) -> int:
    """Later ready first, then more restarts, then younger: ages only as powers of two, so that the choice spreads."""
    if pod_is_ready(one) and pod_is_ready(other):
        ready = [ready_condition(pod).get("lastTransitionTime") for pod in (one, other)]
        if ready[0] != ready[1]:
            return _younger_first(one, other, ready, now)
    restarts = _restarts(other) - _restarts(one)
    if restarts:
        return restarts
    created = [pod["metadata"].get("creationTimestamp") for pod in (one, other)]
    return _younger_first(one, other, created, now) if created[0] != created[1] else 0


def _younger_first(one: Raw, other: Raw, times: list[str | None], now: datetime) -> int:
    difference = _magnitude(times[0], now) - _magnitude(times[1], now)
    if difference:
        return difference
    return -1 if uid_of(one) < uid_of(other) else 1


def _magnitude(text: str | None, now: datetime) -> int:
    moment = parse_time(text)
    nanoseconds = 0.0 if moment is None else (now - moment).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds >= 1 else -1


def _restarts(pod: Raw) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return max((int(status.get("restartCount") or 0) for status in statuses), default=0)

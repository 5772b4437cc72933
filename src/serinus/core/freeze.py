"""Freeze windows: whether releases are frozen at a moment, by which window, and until when.

Time zones come from the system's database or the tzdata package, a fixed table. The clock is handed in.
"""

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import assert_never

from cronsim import CronSim, CronSimError

from serinus.core.spec import CronWindow, DateWindow, Spec, Window
from serinus.core.survey import Problem

HORIZON = timedelta(days=366)
"""Windows that follow each other without a gap are taken together up to here."""
CLOCK_CHANGE_MAX = timedelta(hours=3)
"""A clock set back shows an hour twice, so a beginning may seem to lie ahead by the clock and be past."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A window that holds now; `ends` (in its time zone) is when no window holds any more."""

    index: int  # of the window in the spec
    window: Window
    begins: datetime
    ends: datetime


def frozen_at(windows: Iterable[Window], now: datetime) -> Frozen | None:
    """The window that holds at `now`, of several the one that ends last; None: releases are free."""
    listed = tuple(windows)
    found = _holding(listed, now)
    if found is None:
        return None
    ends = found.ends
    while ends - now < HORIZON and (later := _holding(listed, ends)) is not None:
        ends = later.ends
    return Frozen(found.index, found.window, found.begins, ends.astimezone(zone_of(found.window.time_zone)))


def freeze_problems(frozen: Frozen | None, spec: Spec) -> tuple[Problem, ...]:
    """What a freeze says against a release now; nothing, where a person gave a reason to release all the same."""
    if frozen is None or spec.during_freeze is not None:
        return ()
    window = frozen.window
    rule = f"cron {window.cron!r}" if isinstance(window, CronWindow) else f"{window.begins} to {window.ends}"
    ends = f"{frozen.ends:%A, %Y-%m-%d %H:%M} ({window.time_zone})"
    return (
        Problem(
            f"releases are frozen until {ends}",
            f"spec.freeze[{frozen.index}]: {rule}, {window.time_zone}",
            window.reason,
            "release after that, or now, with a reason that is recorded: --during-freeze REASON",
        ),
    )


def _holding(windows: tuple[Window, ...], now: datetime) -> Frozen | None:
    holding = []
    for index, window in enumerate(windows):
        span = _span_at(window, now)
        if span is not None:
            holding.append(Frozen(index, window, *span))
    return max(holding, key=lambda frozen: frozen.ends.astimezone(UTC), default=None)


def _span_at(window: Window, now: datetime) -> tuple[datetime, datetime] | None:
    """From when to when the window holds around `now`: its beginning belongs to it, its end does not."""
    match window:
        case CronWindow():
            begins = _last_beginning(window, now)
            if begins is None:
                return None
            zone = zone_of(window.time_zone)
            ends = (begins.astimezone(UTC) + timedelta(seconds=window.duration_seconds)).astimezone(zone)
        case DateWindow():
            begins, ends = span_of(window)
        case _:
            assert_never(window)
    return (begins, ends) if begins.astimezone(UTC) <= now < ends.astimezone(UTC) else None


def _last_beginning(window: CronWindow, now: datetime) -> datetime | None:
    start = (now + CLOCK_CHANGE_MAX).replace(microsecond=0).astimezone(zone_of(window.time_zone))
    for begins in CronSim(window.cron, start, reverse=True):
        if begins.astimezone(UTC) <= now:
            return begins
    return None


def span_of(window: DateWindow) -> tuple[datetime, datetime]:
    """From when to when a window of dates holds. Raises ValueError for a date or time that does not exist."""
    zone = zone_of(window.time_zone)
    return moment_of(window.begins, zone), moment_of(window.ends, zone, whole_day=True)


def moment_of(text: str, zone: zoneinfo.ZoneInfo, *, whole_day: bool = False) -> datetime:
    """An ISO date or local time as a moment; with `whole_day`, a date means its end. Raises ValueError."""
    if "T" in text:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    day = date.fromisoformat(text)
    return datetime.combine(day + timedelta(days=1) if whole_day else day, time(), zone)


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The time zone of that name. Raises LookupError."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:  # OSError: the name of a folder of zones
        raise LookupError(f"no time zone {name!r}") from error


def cron_problem(expression: str) -> str | None:
    """What is wrong with a cron expression of five fields; None: nothing."""
    fields = len(expression.split())
    if fields != 5:
        return f"it has {fields} fields, not 5"
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error).lower()
    except StopIteration:
        return "it names a day that never comes"
    return None

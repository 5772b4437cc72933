"""Freeze windows: when they hold, until when, and what they say."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.freeze import freeze_problems, frozen_at
from serinus.core.spec import CronWindow, DateWindow, Spec

HOUR = 3600.0
WEEKEND = CronWindow("0 18 * * 5", 62 * HOUR, "weekend", "Europe/Berlin")
HOLIDAYS = DateWindow("2026-12-20", "2027-01-02", "holidays", "Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_the_beginning_belongs_to_a_window_and_the_end_does_not() -> None:
    begins, ends = at("2026-11-20T18:00+01:00"), at("2026-11-23T08:00+01:00")
    second = timedelta(seconds=1)
    assert [frozen_at([WEEKEND], now) is not None for now in (begins - second, begins, ends - second, ends)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_end_is_told_by_the_windows_own_clocks() -> None:
    frozen = frozen_at([WEEKEND], at("2026-11-21T12:00+00:00"))
    assert frozen is not None
    assert frozen.ends.isoformat() == "2026-11-23T08:00:00+01:00"
    assert frozen.begins.isoformat() == "2026-11-20T18:00:00+01:00"


def test_a_duration_is_time_that_passes_where_clocks_change() -> None:
    frozen = frozen_at([WEEKEND], at("2026-10-24T12:00+02:00"))  # clocks go back on Sunday morning
    assert frozen is not None
    assert frozen.ends.isoformat() == "2026-10-26T07:00:00+01:00"


def test_a_beginning_in_the_hour_that_comes_twice_is_the_first() -> None:
    window = CronWindow("30 2 * * *", HOUR, "nightly", "Europe/Berlin")
    assert frozen_at([window], at("2026-10-25T02:45+02:00")) is not None
    assert frozen_at([window], at("2026-10-25T02:10+01:00")) is not None  # the same clock reading, an hour later
    assert frozen_at([window], at("2026-10-25T02:45+01:00")) is None


def test_a_beginning_in_the_hour_that_never_comes_is_not_lost() -> None:
    window = CronWindow("30 2 * * *", HOUR, "nightly", "Europe/Berlin")
    assert frozen_at([window], at("2026-03-29T03:10+02:00")) is not None


def test_a_day_as_an_end_is_included() -> None:
    assert frozen_at([HOLIDAYS], at("2027-01-02T23:59+01:00")) is not None
    assert frozen_at([HOLIDAYS], at("2027-01-03T00:00+01:00")) is None
    assert frozen_at([HOLIDAYS], at("2026-12-19T23:59+01:00")) is None


def test_a_time_as_an_end_is_exact() -> None:
    window = DateWindow("2026-12-20T18:00", "2026-12-21T06:30", "migration")
    assert frozen_at([window], at("2026-12-20T17:59:59+00:00")) is None
    frozen = frozen_at([window], at("2026-12-20T18:00+00:00"))
    assert frozen is not None
    assert frozen.ends == at("2026-12-21T06:30+00:00")


def test_of_two_windows_that_follow_each_other_the_end_is_that_of_the_last() -> None:
    first = DateWindow("2026-12-01", "2026-12-02", "audit")
    second = DateWindow("2026-12-03", "2026-12-04", "sale")
    frozen = frozen_at([first, second], at("2026-12-02T12:00+00:00"))
    assert frozen is not None
    assert (frozen.index, frozen.window, frozen.ends) == (0, first, at("2026-12-05T00:00+00:00"))


def test_a_freeze_without_end_is_looked_at_for_a_year() -> None:
    always = CronWindow("0 * * * *", 2 * HOUR, "closed")
    now = at("2026-12-02T12:00+00:00")
    frozen = frozen_at([always], now)
    assert frozen is not None
    assert timedelta(days=366) <= frozen.ends - now < timedelta(days=367)


def test_without_windows_nothing_is_frozen() -> None:
    assert frozen_at([], at("2026-12-02T12:00+00:00")) is None


def test_a_refusal_names_the_window_its_reason_and_its_end() -> None:
    spec = Spec("shop", "checkout", freeze=(HOLIDAYS, WEEKEND))
    (problem,) = freeze_problems(frozen_at(spec.freeze, at("2026-11-21T12:00+00:00")), spec)
    assert "Monday, 2026-11-23 08:00 (Europe/Berlin)" in problem.what
    assert problem.where == "spec.freeze[1]: cron '0 18 * * 5', Europe/Berlin"
    assert problem.why == "weekend"
    assert "--during-freeze" in problem.hint


def test_a_persons_reason_passes_over_a_freeze() -> None:
    spec = Spec("shop", "checkout", freeze=(WEEKEND,), during_freeze="hotfix")
    assert freeze_problems(frozen_at(spec.freeze, at("2026-11-21T12:00+00:00")), spec) == ()


@settings(max_examples=200, deadline=None)
@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    days=st.sets(st.integers(0, 6), min_size=1, max_size=3),
    duration_minutes=st.integers(1, 3000),
    now_minutes=st.integers(0, 60 * 24 * 30),
)
def test_a_cron_window_holds_when_it_began_less_than_its_duration_ago(
    minutes: set[int], hours: set[int], days: set[int], duration_minutes: int, now_minutes: int
) -> None:
    fields = (",".join(str(number) for number in sorted(numbers)) for numbers in (minutes, hours, days))
    minute, hour, day = fields
    window = CronWindow(f"{minute} {hour} * * {day}", duration_minutes * 60.0, "x")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=now_minutes)
    past = (now - timedelta(minutes=ago) for ago in range(duration_minutes))
    held = any(
        moment.minute in minutes and moment.hour in hours and (moment.weekday() + 1) % 7 in days for moment in past
    )
    assert (frozen_at([window], now) is not None) == held

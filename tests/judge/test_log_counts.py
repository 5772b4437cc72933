"""Log lines as counters: each line once, however the pieces overlap; errors by level, as it is usually written."""

import re

import pytest

from serinus.judge.log_counts import LogCount, counted, is_bad, log_reading
from serinus.judge.readings import PodReading, Track

FIRST = "2026-01-01T12:00:00.1Z ok\n2026-01-01T12:00:00.25Z ERROR no till\n2026-01-01T12:00:01.5Z ok\n"


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01 ERROR no till",
        "[FATAL] no till",
        "panic: nil price list",
        "Traceback (most recent call last):",
        "E0101 12:00:00.000 1 till.go:7] no till",
        'ts=1 level=error msg="no till"',
        '{"level": "error", "msg": "no till"}',
        '{"severity": "CRITICAL"}',
        '{"level": 50, "msg": "no till"}',
    ],
)
def test_a_line_of_an_error_is_one(line: str) -> None:
    assert is_bad(line)


@pytest.mark.parametrize(
    "line",
    [
        "INFO 0 errors",
        "GET /error 200",
        'level=info msg="ERROR page shown"',
        '{"level": "info", "msg": "ERROR page shown"}',
        '{"level": 30}',
        '{"level": true}',
        "",
    ],
)
def test_a_line_that_only_mentions_errors_is_none(line: str) -> None:
    assert not is_bad(line)


def test_a_pattern_stands_in_place_of_the_levels() -> None:
    assert is_bad("payment declined", re.compile("declined"))
    assert not is_bad("ERROR", re.compile("declined"))


def test_lines_are_counted_with_the_bad_ones_among_them() -> None:
    assert counted(LogCount(), FIRST) == LogCount(3, 1, "2026-01-01T12:00:01.5Z", 1)


def test_pieces_that_overlap_count_each_line_once() -> None:
    once = counted(LogCount(), FIRST)
    assert counted(once, FIRST) == once
    more = FIRST.splitlines(keepends=True)[2] + "2026-01-01T12:00:01.5Z ERROR same moment\n2026-01-01T12:00:02Z ok\n"
    twice = counted(once, more)
    assert twice == LogCount(5, 2, "2026-01-01T12:00:02Z", 1)
    assert counted(twice, more) == twice


def test_fractions_with_their_zeros_left_out_are_in_order() -> None:
    before = counted(LogCount(), "2026-01-01T12:00:01Z ok\n")
    assert counted(before, "2026-01-01T12:00:01.000000001Z ok\n").lines == 2
    assert counted(before, "2026-01-01T12:00:00.999Z ok\n") == before


def test_a_line_that_is_cut_off_waits_for_the_next_piece() -> None:
    begun = counted(LogCount(), "2026-01-01T12:00:00Z ok\n2026-01-01T12:00:01Z ERR")
    assert begun.lines == 1
    assert counted(begun, "2026-01-01T12:00:00Z ok\n2026-01-01T12:00:01Z ERROR no till\n").bad == 1


def test_what_bears_no_timestamp_is_no_line() -> None:
    assert counted(LogCount(), "unable to retrieve container logs\n") == LogCount()


def test_a_reading_has_lines_for_requests_and_bad_ones_for_errors() -> None:
    assert log_reading("c-1", Track.CANARY, LogCount(9, 2), 5.0) == PodReading("c-1", Track.CANARY, 5.0, 9.0, 2.0)

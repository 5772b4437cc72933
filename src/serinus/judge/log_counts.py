"""Lines of a pod's log as counters: how many there were, and how many of them speak of an error.

The log comes in pieces that overlap, as the API gives it by whole seconds (`sinceTime`), each line with its timestamp
(`timestamps=true`). What was counted before is told by the last timestamp, so that a line counts once. The counters are
read like requests and errors of a scrape, and judged by the same test. Fetching the pieces is not this module's job.
"""

import re

import msgspec

from serinus.judge.readings import PodReading, Track

LINE_LENGTH_MAX = 4096
"""Of a longer line only so much is looked at."""
PINO_ERROR = 50
"""pino and bunyan write levels as numbers: 50 is error, 60 fatal."""
_LEVEL_FIELDS = ("level", "severity", "lvl", "log.level", "levelname")
_BAD_LEVELS = frozenset({"error", "err", "fatal", "critical", "crit", "alert", "emergency", "emerg", "panic", "severe"})
_LOGFMT = re.compile(r"""(?:^|\s)(?:level|severity|lvl)=["']?([A-Za-z]+)""")
_WORDS = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)\b|^panic:|\bTraceback \(most recent call last\)|^[EF]\d{4} "
)
"""Plain text: levels in capitals; Go's panics, Python's tracebacks, klog's first letter."""


class LogCount(msgspec.Struct, frozen=True):
    """A pod's counters since its log was first read. `last`: the newest timestamp that was counted, as it was written;
    `at_last`: how many lines with just that timestamp."""

    lines: int = 0
    bad: int = 0
    last: str = ""
    at_last: int = 0


def counted(before: LogCount, text: str, pattern: re.Pattern[str] | None = None) -> LogCount:
    """The counters with a further piece of the log. `pattern`: what is bad, in place of the levels.

    A last line that was cut off (no line feed) is left for the next piece, which has it whole.
    """
    whole = text[: text.rfind("\n") + 1]
    lines, bad, last, at_last, skipped = before.lines, before.bad, before.last, before.at_last, 0
    for entry in whole.splitlines():
        stamp, _, line = entry.partition(" ")
        key = _sortable(stamp)
        if not key or key < _sortable(before.last):
            continue
        if stamp == before.last and skipped < before.at_last:
            skipped += 1  # counted with the piece before
            continue
        lines += 1
        bad += is_bad(line, pattern)
        last, at_last = (stamp, at_last + 1) if stamp == last else (stamp, 1)
    return LogCount(lines, bad, last, at_last)


def is_bad(line: str, pattern: re.Pattern[str] | None = None) -> bool:
    """Whether a line speaks of an error: by the pattern, or by its level (JSON, logfmt, or words in plain text)."""
    line = line[:LINE_LENGTH_MAX]
    if pattern is not None:
        return pattern.search(line) is not None
    if line.lstrip().startswith("{") and (level := _json_level(line)) is not None:
        return level
    if found := _LOGFMT.search(line):
        return found[1].lower() in _BAD_LEVELS
    return _WORDS.search(line) is not None


def log_reading(pod: str, track: Track, count: LogCount, started: float | None = None) -> PodReading:
    """The counters as the judge reads them: lines stand for requests, bad ones for errors."""
    return PodReading(pod, track, started, requests=float(count.lines), errors=float(count.bad))


def _json_level(line: str) -> bool | None:
    """What the level field of a JSON line says; None: it is no JSON, or has none."""
    try:
        value = msgspec.json.decode(line, type=dict[str, object])
    except msgspec.DecodeError:
        return None
    for name in _LEVEL_FIELDS:
        level = value.get(name)
        if isinstance(level, str):
            return level.lower() in _BAD_LEVELS
        if isinstance(level, int) and not isinstance(level, bool):
            return level >= PINO_ERROR
    return None


def _sortable(stamp: str) -> str:
    """RFC 3339 as written by the kubelet has trailing zeros of the fraction left out: without the Z it sorts again."""
    return stamp[:-1] if stamp.endswith("Z") and stamp[:1].isdigit() else ""

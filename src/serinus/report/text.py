"""The report on a terminal, as plain text; its rows are those of the page's tables too."""

from collections.abc import Iterable, Iterator, Sequence

from serinus.judge.interval import interval as anytime
from serinus.judge.readings import Track
from serinus.report.counted import ROWS_MAX, PodRow
from serinus.report.report import Report
from serinus.report.subject import Subject
from serinus.report.words import evidence, interval, is_number, number, percent, seconds

TIMES_MAX = 12
TRACK_HEAD = ("track", "pods", "requests", "failed", "rate", "95 % interval", "p50", "p95", "p99", "restarts")
POD_HEAD = ("pod", "track", "requests", "failed", "rate", "95 % interval", "restarts", "evidence without it")
METRIC_HEAD = ("evidence (log10)", "part of alpha", "when decided", "greatest", "at")
TIME_HEAD = ("time", "asked", "requests", "failed", "rate", "production's", "evidence")


def sentence_of(subject: Subject) -> str:
    """The rollout in one sentence."""
    outcome = "under way" if subject.outcome is None else subject.outcome.value
    took = "" if subject.seconds is None else f" after {seconds(subject.seconds)}"
    return f"{subject.version_before or 'nothing'} -> {subject.version}: {outcome}{took}: {subject.evidence.sentence}"


def text_of(report: Report) -> str:
    """What `serinus explain` prints."""
    subject = report.subject
    lines = [sentence_of(subject)]
    if subject.reason is not None:
        lines.append(f"  reason: {subject.reason.name} ({subject.reason.value})")
    if subject.share_percent is not None:
        lines.append(f"  share:  the new version had at most {subject.share_percent:.0f} % of traffic")
    lines += [f"  seen:   {line}" for line in subject.evidence.lines]
    lines += _numbers(report)
    if report.changes:
        lines += ["", "What would have changed the verdict:", *(f"  - {change}" for change in report.changes)]
    if report.counted.readings:
        lines += ["", "To repeat it:"]
        lines += [f"  {report.export_command('readings.jsonl')}", f"  {report.repeat_command('readings.jsonl')}"]
        lines += [f"  {recording_text(report)}"]
    return "\n".join(lines)


def recording_text(report: Report) -> str:
    """From how many readings this was made, and what that means."""
    seen, kept = report.readings_seen, report.readings_kept
    if seen == kept:
        return f"Made from all {number(seen)} readings of the rollout."
    recording = report.subject.kept.recording if report.subject.kept is not None else None
    lost = "" if recording is None or recording.is_whole else " Some counts around restarts were lost by that."
    return (
        f"Made from {number(kept)} of {number(seen)} readings: older ones were thinned. Totals are the same; the judge"
        f" that decided saw them all, so its evidence may have differed a little.{lost}"
    )


def _numbers(report: Report) -> Iterator[str]:
    if report.tracks:
        yield from ("", *table(TRACK_HEAD, track_rows(report)))
    if report.metrics:
        yield from ("", *table(METRIC_HEAD, metric_rows(report)))
    if report.counted.pods:
        yield from ("", *table(POD_HEAD, pod_rows(report)))
    if report.replayed is not None:
        yield from ("", *table(TIME_HEAD, time_rows(report, TIMES_MAX)))


def track_rows(report: Report) -> list[Sequence[str]]:
    """A row for each track."""
    return [
        (
            row.track.value,
            str(row.pods),
            _count(row.requests),
            _count(row.errors),
            percent(row.rate),
            "–" if row.interval is None else interval(row.interval),
            *(seconds(latency) for latency in row.latencies),
            _count(row.restarts),
        )
        for row in report.tracks
    ]


def metric_rows(report: Report) -> list[Sequence[str]]:
    """A row for each metric, and the total."""
    rows: list[Sequence[str]] = [
        (
            row.name,
            percent(row.weight) if row.weight is not None else "–",
            evidence(row.evidence),
            evidence(row.greatest),
            seconds_at(row.greatest_at),
        )
        for row in report.metrics
    ]
    looks = [] if report.replayed is None else report.replayed.looks
    if looks:
        most = max(looks, key=lambda look: look.total)
        total = (evidence(looks[-1].total), evidence(most.total), seconds_at(most.t))
        rows.append(("all together", percent(1.0), *total))
    return rows


def pod_rows(report: Report) -> list[Sequence[str]]:
    """A row for each pod, the canary's first."""
    without = {} if report.replayed is None else report.replayed.without
    return [
        (
            row.name,
            row.track.value,
            _count(row.counts.requests if row.counts.knows_requests else None),
            _count(row.counts.errors if row.counts.knows_requests else None),
            percent(row.counts.rate),
            interval(anytime(row.counts.requests, row.counts.errors)) if row.counts.requests else "–",
            _count(row.counts.restarts if row.counts.knows_restarts else None),
            evidence(without.get(row.name)),
        )
        for row in ordered_pods(report)
    ]


def ordered_pods(report: Report) -> list[PodRow]:
    """The canary's first; at most ROWS_MAX."""
    order = {Track.CANARY: 0, Track.BASELINE: 1, Track.STABLE: 2}
    rows = sorted(report.counted.pods.values(), key=lambda row: (order[row.track], row.name))
    return rows[:ROWS_MAX]


def time_rows(report: Report, rows_max: int) -> list[Sequence[str]]:
    """The rollout over time, in at most so many rows of equal length; the last one is the newest."""
    windows = [window for window in report.counted.windows if Track.CANARY in window.tracks]
    per_row = max(1, -(-len(windows) // rows_max))
    looks = [] if report.replayed is None else report.replayed.looks
    rows: list[Sequence[str]] = []
    for begin in range(0, len(windows), per_row):
        group = windows[begin : begin + per_row]
        end = group[-1].end
        known = [look.total for look in looks if look.t <= end]
        served = [
            sum(w.tracks[Track.CANARY].requests for w in group),
            sum(w.tracks[Track.CANARY].errors for w in group),
        ]
        others = [w.tracks[report.counted.reference] for w in group if report.counted.reference in w.tracks]
        requests = sum(counts.requests for counts in others)
        rows.append(
            (
                seconds_at(end),
                "–" if group[-1].weight_percent is None else f"{group[-1].weight_percent:g} %",
                number(served[0]),
                number(served[1]),
                percent(served[1] / served[0] if served[0] else None),
                percent(sum(counts.errors for counts in others) / requests if requests else None),
                evidence(known[-1] if known else None),
            )
        )
    return rows


def seconds_at(value: float) -> str:
    """A moment of the rollout."""
    return f"{value:.0f} s".replace("-", "\u2212")


def _count(value: float | None) -> str:
    return "–" if value is None else number(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns under their heads: words to the left, numbers to the right."""
    body = [tuple(row) for row in rows]
    whole = [tuple(head), *body]
    widths = [max(len(row[column]) for row in whole) for column in range(len(head))]
    to_the_right = [all(is_number(row[column]) for row in body) for column in range(len(head))]
    lines = []
    for row in whole:
        cells = zip(row, widths, to_the_right, strict=True)
        told = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells]
        lines.append("  " + "  ".join(told).rstrip())
    return lines

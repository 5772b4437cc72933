"""The report as one JSON object, for programs. Shares are of 0 to 1, times in seconds, evidence in log10."""

from serinus.report.report import Report
from serinus.report.text import ordered_pods

FILE = "readings.jsonl"


def json_of(report: Report) -> dict[str, object]:
    """What `serinus explain -o json` prints."""
    subject, replayed = report.subject, report.replayed
    return {
        "service": subject.service,
        "namespace": subject.namespace,
        "rollout": subject.rollout,
        "version_before": subject.version_before,
        "version": subject.version,
        "started": subject.started.isoformat(),
        "ended": None if subject.ended is None else subject.ended.isoformat(),
        "outcome": None if subject.outcome is None else subject.outcome.value,
        "reason": None if subject.reason is None else subject.reason.name,
        "sentence": subject.evidence.sentence,
        "lines": list(subject.evidence.lines),
        "share_percent": subject.share_percent,
        "readings": {"seen": report.readings_seen, "kept": report.readings_kept},
        **_decided(report),
        "tracks": _tracks(report),
        "metrics": [
            {"metric": row.name, "weight": row.weight, "evidence": round(row.evidence, 4)} for row in report.metrics
        ],
        "pods": _pods(report),
        "over_time": [] if replayed is None else [[look.t, round(look.total, 4)] for look in replayed.looks],
        "moments": [] if subject.kept is None else [[m.t, m.code, m.sentence] for m in subject.kept.moments],
        "changes": list(report.changes),
        "repeat": report.repeat_command(FILE) if report.readings_kept else None,
    }


def _decided(report: Report) -> dict[str, object]:
    decided = None if report.replayed is None else report.replayed.decided
    if decided is None:
        return {"verdict": None, "hold": None, "evidence": None, "evidence_needed": None, "decided_at": None}
    return {
        "verdict": decided.verdict.name.lower(),
        "hold": None if decided.hold is None else decided.hold.value,
        "evidence": round(decided.evidence, 4),
        "evidence_needed": round(decided.threshold, 4),
        "decided_at": decided.t,
    }


def _tracks(report: Report) -> list[dict[str, object]]:
    return [
        {
            "track": row.track.value,
            "pods": row.pods,
            "requests": row.requests,
            "errors": row.errors,
            "rate": row.rate,
            "interval": row.interval,
            "p50": row.latencies[0],
            "p95": row.latencies[1],
            "p99": row.latencies[2],
            "restarts": row.restarts,
        }
        for row in report.tracks
    ]


def _pods(report: Report) -> list[dict[str, object]]:
    without = {} if report.replayed is None else report.replayed.without
    return [
        {
            "pod": row.name,
            "track": row.track.value,
            "requests": row.counts.requests if row.counts.knows_requests else None,
            "errors": row.counts.errors if row.counts.knows_requests else None,
            "restarts": row.counts.restarts if row.counts.knows_restarts else None,
            "evidence_without": round(without[row.name], 4) if row.name in without else None,
        }
        for row in ordered_pods(report)
    ]

"""The figures of a load: sent, failed, slow, by version. Failed is no answer or a status from 500 on."""

import time
from dataclasses import dataclass, field

from serinus.sandbox.load_client import Result


@dataclass(slots=True)
class Version:
    """One version's share; times in seconds since 1970, latencies from when a request was due."""

    requests: int = 0
    failed: int = 0
    slow: int = 0
    first_request_at: float | None = None
    last_request_at: float | None = None
    first_failure_at: float | None = None
    last_failure_at: float | None = None
    latencies_ms: list[float] = field(default_factory=list)


class Tally:
    """Counts results; `sent` is raised by the sender itself."""

    def __init__(self, slow_ms: float) -> None:
        self.sent = 0
        self._slow_ms = slow_ms
        self._versions: dict[str, Version] = {}
        self._errors: dict[str, int] = {}

    def add(self, result: Result, due_wall: float, latency_ms: float) -> None:
        """Count a finished request; `due_wall` is when it was due, in seconds since 1970."""
        version = self._versions.setdefault(result.version, Version())
        now = due_wall + latency_ms / 1000
        version.requests += 1
        version.first_request_at = version.first_request_at or due_wall
        version.last_request_at = now
        version.latencies_ms.append(latency_ms)
        version.slow += latency_ms > self._slow_ms
        if not result.status or result.status >= 500:
            version.failed += 1
            version.first_failure_at = version.first_failure_at or now
            version.last_failure_at = now
            why = result.error or f"status {result.status}"
            self._errors[why] = self._errors.get(why, 0) + 1

    def progress(self) -> dict[str, object]:
        """Running totals; `ok` and `failed` leave out what is still under way."""
        done = sum(version.requests for version in self._versions.values())
        by_version = {
            name: {"requests": version.requests, "failed": version.failed, "slow": version.slow}
            for name, version in sorted(self._versions.items())
        }
        totals = self._totals()
        return (
            {"at": round(time.time(), 3)}
            | totals
            | {"ok": done - totals["failed"], "by_version": by_version}
            | {
                "first_failure_at": min(self._failures("first_failure_at"), default=None),
                "last_failure_at": max(self._failures("last_failure_at"), default=None),
            }
        )

    def summary(self) -> dict[str, object]:
        """The closing figures, percentiles included; `errors` counts failures by what was wrong."""
        by_version = {name: _figures(version) for name, version in sorted(self._versions.items())}
        return {"summary": True} | self._totals() | {"errors": self._errors, "by_version": by_version}

    def _totals(self) -> dict[str, int]:
        versions = self._versions.values()
        failed, slow = sum(version.failed for version in versions), sum(version.slow for version in versions)
        return {"sent": self.sent, "failed": failed, "slow": slow}

    def _failures(self, name: str) -> list[float]:
        times: list[float | None] = [getattr(version, name) for version in self._versions.values()]
        return [at for at in times if at is not None]


def _figures(version: Version) -> dict[str, object]:
    times: dict[str, object] = {
        name: None if at is None else round(at, 3)
        for name, at in (
            ("first_request_at", version.first_request_at),
            ("last_request_at", version.last_request_at),
            ("first_failure_at", version.first_failure_at),
            ("last_failure_at", version.last_failure_at),
        )
    }
    ordered = sorted(version.latencies_ms)
    percentiles: dict[str, object] = {f"p{percent}_ms": round(_percentile(ordered, percent), 3) for percent in (50, 99)}
    counts: dict[str, object] = {"requests": version.requests, "failed": version.failed, "slow": version.slow}
    return counts | times | percentiles


def _percentile(ordered: list[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

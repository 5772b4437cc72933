"""The demo's closing figures, from what was recorded: one record per request, and each release's own last words."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SLOW_MS = 500.0
COLUMNS = 78
NO_ANSWER = "no answer"
WRITES = ("create", "update", "patch", "delete", "deletecollection")
REVIEWS = "selfsubject"  # a question about rights is a create in the API, and writes nothing


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the load; times in seconds since 1970."""

    due: float
    done: float
    version: str  # NO_ANSWER when none came
    failed: bool
    slow: bool


@dataclass(frozen=True, slots=True)
class Release:
    """How one run of `serinus deploy` went; times in seconds since 1970."""

    version: str
    began: float
    ended: float
    exit_code: int
    last: dict[str, Any]  # its closing JSON line; empty when there was none
    asked: "Counter[tuple[str, str]]"  # its requests to the API by verb and resource
    first_end_at: float | None  # when a container of the version was first seen to have ended
    page: str | None = None  # where its HTML report is

    @property
    def outcome(self) -> str:
        """`promoted`, `rolled_back`, `aborted`, `stuck`; `none` when it did not say."""
        return str(self.last.get("outcome", "none")).replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the demo has to say at its end."""

    good: Release
    bad: Release
    subtle: Release
    requests: tuple[Request, ...]
    left_behind: tuple[str, ...]

    @property
    def ended_well(self) -> bool:
        """The good one promoted without a lost request, the others taken back, nothing left."""
        lost = counts(during(self.requests, self.good))["failed"]
        outcomes = (self.good.outcome, self.bad.outcome, self.subtle.outcome)
        return outcomes == ("promoted", "rolled_back", "rolled_back") and not lost and not self.left_behind


def read_requests(path: Path) -> tuple[Request, ...]:
    """The load's records in the order in which they were due."""
    with path.open() as lines:
        return tuple(sorted(map(_request, lines), key=lambda request: request.due))


def _request(line: str) -> Request:
    record = json.loads(line)
    answered = bool(record["status"])
    failed = not answered or record["status"] >= 500
    done = record["due"] + record["ms"] / 1000
    return Request(record["due"], done, record["version"] if answered else NO_ANSWER, failed, record["ms"] > SLOW_MS)


def during(requests: Iterable[Request], release: Release) -> list[Request]:
    """Those sent while the release ran."""
    return [request for request in requests if release.began <= request.due <= release.ended]


def counts(requests: Iterable[Request]) -> dict[str, int]:
    """How many, how many of them failed, how many were slow."""
    found = list(requests)
    return {
        "requests": len(found),
        "failed": sum(request.failed for request in found),
        "slow": sum(request.slow for request in found),
    }


def by_version(requests: Iterable[Request]) -> dict[str, dict[str, int]]:
    """The same for each version; what got no answer has no version."""
    found = list(requests)
    names = sorted({request.version for request in found}, key=lambda name: (name == NO_ANSWER, name))
    return {name: counts(request for request in found if request.version == name) for name in names}


def seconds_to_rollback(requests: Iterable[Request], release: Release) -> float | None:
    """From the version's first failure to the last request it got; None when it neither failed nor got any.

    Its first failure is a failed request or the end of its process, whichever came first. A request without an answer
    counts as its own: while a bad version runs, no other has a reason to fail.
    """
    found = during(requests, release)
    failures = [request.done for request in found if request.failed]
    if release.first_end_at is not None:
        failures.append(release.first_end_at)
    got = [request.due for request in found if request.failed or request.version == release.version]
    return round(max(0.0, max(got) - min(failures)), 3) if failures and got else None


def writes(asked: "Counter[tuple[str, str]]") -> dict[str, int]:
    """What was written to the cluster: `create deployments` and so on, by number."""
    return {
        f"{verb} {resource}": count
        for (verb, resource), count in sorted(asked.items())
        if verb in WRITES and not resource.startswith(REVIEWS)
    }


def reads(asked: "Counter[tuple[str, str]]") -> int:
    """Requests that changed nothing: watches, questions about rights and dry runs as well."""
    return asked.total() - sum(writes(asked).values())


def as_json(figures: Figures) -> dict[str, Any]:
    """The closing object; docs/demo.md documents its fields."""
    found = {kind: _release_json(release, figures.requests) for kind, release in _by_kind(figures)}
    for kind, release in _by_kind(figures)[1:]:
        found[kind]["seconds_to_rollback"] = seconds_to_rollback(figures.requests, release)
    return {**found, "left_behind": list(figures.left_behind)}


def _by_kind(figures: Figures) -> tuple[tuple[str, Release], ...]:
    return ("good", figures.good), ("bad", figures.bad), ("subtle", figures.subtle)


def _release_json(release: Release, requests: Iterable[Request]) -> dict[str, Any]:
    found = during(requests, release)
    return {
        "version": release.version,
        "outcome": release.outcome,
        "reason": release.last.get("reason"),
        **counts(found),
        "by_version": by_version(found),
        "share_percent": release.last.get("share_percent"),
        "seconds": round(release.ended - release.began, 1),
        "writes": writes(release.asked),
        "reads": reads(release.asked),
        "report": release.page,
    }


def report(figures: Figures) -> list[str]:
    """The same in words."""
    lines = _table(figures.requests)
    for kind, release in _by_kind(figures):
        lines += ["", *_release_lines(kind, release, figures.requests)]
    left = ", ".join(figures.left_behind)
    kept = f"nothing but version {figures.good.version} in production, and the history"
    return [*lines, "", f"left behind: {left or kept}"]


def _table(requests: Iterable[Request]) -> list[str]:
    lines = [f"{'traffic':<12}{'sent':>8}{'failed':>8}{'slow':>8}"]
    rows = by_version(requests) | {"in all": counts(requests)}
    return lines + [f"  {name:<10}{r['requests']:>8,}{r['failed']:>8,}{r['slow']:>8,}" for name, r in rows.items()]


def _release_lines(kind: str, release: Release, requests: Iterable[Request]) -> list[str]:
    found = counts(during(requests, release))
    seconds = release.ended - release.began
    ended = f"{release.outcome.replace('_', ' ')} ({release.last.get('reason', f'exit code {release.exit_code}')})"
    lines = [f"{kind} release, {release.version}: {ended} after {seconds:.1f} s"]
    if release.outcome != "promoted":
        lines += _row("why", release.last.get("sentence", "it did not say"))
    users = f"{found['requests']:,} requests while it ran, {found['failed']:,} failed, {found['slow']:,} slow"
    lines += _row("users", users)
    reached = release.last.get("share_percent")
    if kind != "good" and reached is not None:
        rollback = seconds_to_rollback(requests, release)
        after = f"; from its first failure to the last request it got: {rollback:.2f} s" if rollback is not None else ""
        lines += _row("share", f"{reached:.0f} % at most{after}")
    page = _row("report", release.page) if release.page is not None else []
    return [*lines, *_row("wrote", _wrote(release)), *page]


def _wrote(release: Release) -> str:
    """What it wrote, by kind, and how much it read."""
    kinds: dict[str, list[str]] = {}
    for what, count in writes(release.asked).items():
        verb, _, resource = what.partition(" ")
        kinds.setdefault(resource, []).append(f"{verb} {count}")
    wrote = "; ".join(f"{resource}: {', '.join(verbs)}" for resource, verbs in sorted(kinds.items()))
    return f"{wrote or 'nothing'}; and {reads(release.asked)} requests that only looked"


def _row(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent=f"  {name:<8}", subsequent_indent=" " * 10)

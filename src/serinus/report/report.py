"""Everything that is told of a rollout, computed once: the text, the JSON and the page all show this."""

from dataclasses import dataclass

from serinus.judge.interval import interval
from serinus.judge.policy import Policy
from serinus.judge.readings import Reading, Track
from serinus.report.changes import changes_of
from serinus.report.counted import Counted, common_histograms, count, quantile
from serinus.report.replayed import Replayed, replay
from serinus.report.subject import Subject
from serinus.report.words import replay_command

TRACKS = (Track.CANARY, Track.BASELINE, Track.STABLE)
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One track's numbers. Rates are shares of requests, `interval` is anytime-valid; latencies are in seconds."""

    track: Track
    pods: int
    requests: float | None
    errors: float | None
    rate: float | None
    interval: tuple[float, float] | None
    latencies: tuple[float | None, ...]
    restarts: int | None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One kind of evidence: its part of alpha, log10 of its E when it was decided, and the most it ever was."""

    name: str
    weight: float | None
    evidence: float
    greatest: float
    greatest_at: float


@dataclass(frozen=True, slots=True)
class Report:
    """One rollout's."""

    subject: Subject
    policy: Policy | None
    counted: Counted
    replayed: Replayed | None
    tracks: tuple[TrackRow, ...]
    metrics: tuple[MetricRow, ...]
    changes: tuple[str, ...]

    @property
    def readings_kept(self) -> int:
        """How many readings this was made from."""
        return self.counted.readings

    @property
    def readings_seen(self) -> int:
        """How many there were."""
        return 0 if self.subject.kept is None else self.subject.kept.recording.seen

    def export_command(self, file: str) -> str:
        """The command that writes the readings into a file."""
        subject = self.subject
        return f"serinus explain {subject.service} -n {subject.namespace} --rollout {subject.rollout} --readings {file}"

    def repeat_command(self, file: str) -> str:
        """The command that judges that file again."""
        return replay_command(self.policy, file)


def report_of(subject: Subject) -> Report:
    """Count, judge again, and ask what would have changed it."""
    kept = subject.kept
    readings: list[Reading] = [] if kept is None else kept.recording.readings
    policy = None if kept is None else kept.policy
    counted = count(readings)
    replayed = replay(policy, readings) if policy is not None and readings else None
    changes = changes_of(subject, policy, readings, counted, replayed)
    return Report(subject, policy, counted, replayed, _tracks(counted), _metrics(replayed), changes)


def _tracks(counted: Counted) -> tuple[TrackRow, ...]:
    edges, histograms = common_histograms(counted.tracks)
    found = []
    for track in TRACKS:
        counts = counted.tracks.get(track)
        if counts is None:
            continue
        known = counts.knows_requests
        buckets = histograms.get(track)
        found.append(
            TrackRow(
                track=track,
                pods=sum(row.track is track for row in counted.pods.values()),
                requests=counts.requests if known else None,
                errors=counts.errors if known else None,
                rate=counts.rate,
                interval=interval(counts.requests, counts.errors) if known and counts.requests else None,
                latencies=tuple(None if buckets is None else quantile(edges, buckets, part) for part in QUANTILES),
                restarts=counts.restarts if counts.knows_restarts else None,
            )
        )
    return tuple(found)


def _metrics(replayed: Replayed | None) -> tuple[MetricRow, ...]:
    if replayed is None or not replayed.looks:
        return ()
    weights = {metric.value: weight for metric, weight in replayed.weights.items()}
    found = []
    for name, value in replayed.looks[-1].metrics.items():
        seen = [(look.metrics[name], -look.t) for look in replayed.looks if name in look.metrics]
        greatest, at = max(seen)
        found.append(MetricRow(name, weights.get(name), value, greatest, -at))
    return tuple(found)

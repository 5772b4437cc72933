"""Readings as counts: of each pod, of each track, and over time. Counted by the judge's own rules (`counters.py`)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from serinus.judge.buckets import common_edges
from serinus.judge.counters import PodState, observed_since, pod_first_seen, restarts_since, served_since
from serinus.judge.readings import PodReading, Reading, Track

WINDOWS_MAX = 60
ROWS_MAX = 64
"""Pods that are told of one by one."""

Edges = tuple[float, ...]


@dataclass(slots=True)
class Counts:
    """What was served. `latency`: by table of edges in seconds, observations in each bucket, the last beyond all."""

    requests: float = 0.0
    errors: float = 0.0
    restarts: int = 0
    latency: dict[Edges, list[float]] = field(default_factory=dict)
    knows_requests: bool = False
    knows_restarts: bool = False

    @property
    def rate(self) -> float | None:
        """The share of requests that failed; None without requests."""
        return self.errors / self.requests if self.requests > 0.0 else None


@dataclass(slots=True)
class Window:
    """A stretch of time, in seconds since the rollout began, and what each track served in it."""

    begin: float
    end: float
    weight_percent: float | None
    tracks: dict[Track, Counts] = field(default_factory=dict)


@dataclass(slots=True)
class PodRow:
    """One pod's totals since the canary's first reading."""

    name: str
    track: Track
    counts: Counts = field(default_factory=Counts)


@dataclass(slots=True)
class Counted:
    """Everything. `tracks` and `pods` are of the time since the canary's first reading; `windows` of all."""

    readings: int = 0
    tracks: dict[Track, Counts] = field(default_factory=dict)
    pods: dict[str, PodRow] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)

    @property
    def reference(self) -> Track:
        """Whom the canary is compared with."""
        return Track.BASELINE if Track.BASELINE in self.tracks else Track.STABLE


def count(readings: Iterable[Reading]) -> Counted:
    """Count a recording."""
    readings = list(readings)
    found = Counted(len(readings))
    states: dict[str, PodState] = {}
    first, last = (readings[0].t, readings[-1].t) if readings else (0.0, 0.0)
    width = max((last - first) / WINDOWS_MAX, 1e-9)
    before: float | None = None
    has_canary = False
    for reading in readings:
        has_canary = has_canary or any(pod.track is Track.CANARY for pod in reading.pods)
        window = _window_for(found.windows, reading, before, width)
        for pod in reading.pods:
            state = states.setdefault(pod.name, pod_first_seen(pod, reading.t, before))
            row = found.pods.setdefault(pod.name, PodRow(pod.name, pod.track))
            taken = [window.tracks.setdefault(pod.track, Counts())]
            if has_canary:
                taken += [row.counts, found.tracks.setdefault(pod.track, Counts())]
            _take(state, pod, reading.t, taken)
        before = reading.t
    return found


def _window_for(windows: list[Window], reading: Reading, before: float | None, width: float) -> Window:
    """The last window, or a new one where that is long enough, or the weight has changed."""
    begin = reading.t if before is None else before
    last = windows[-1] if windows else None
    if last is not None and reading.t - last.begin <= width and last.weight_percent == reading.weight_percent:
        last.end = reading.t
        return last
    windows.append(Window(begin, reading.t, reading.weight_percent))
    return windows[-1]


def merged(windows: list[Window], count_max: int) -> list[Window]:
    """Neighbours put together, until there are about so many; never over a change of weight."""
    per_group = -(-len(windows) // count_max) if windows else 1
    found: list[Window] = []
    held = 0
    for window in windows:
        last = found[-1] if found else None
        if last is not None and held < per_group and last.weight_percent == window.weight_percent:
            found[-1] = _together(last, window)
            held += 1
            continue
        found.append(window)
        held = 1
    return found


def _together(first: Window, second: Window) -> Window:
    tracks = {}
    for track in first.tracks | second.tracks:
        both = [window.tracks[track] for window in (first, second) if track in window.tracks]
        tracks[track] = Counts(
            sum(one.requests for one in both), sum(one.errors for one in both), sum(one.restarts for one in both)
        )
    return Window(first.begin, second.end, first.weight_percent, tracks)


def _take(state: PodState, pod: PodReading, t: float, taken: list[Counts]) -> None:
    requests, errors = served_since(state, pod, t)
    restarts = restarts_since(state, pod)
    observed = None if pod.latency is None else observed_since(state, pod.latency, t)
    for counts in taken:
        counts.requests += requests
        counts.errors += errors
        counts.restarts += restarts or 0
        counts.knows_requests = counts.knows_requests or pod.requests is not None
        counts.knows_restarts = counts.knows_restarts or restarts is not None
        if observed is not None and pod.latency is not None:
            held = counts.latency.setdefault(pod.latency.le, [0.0] * len(observed))
            counts.latency[pod.latency.le] = [old + new for old, new in zip(held, observed, strict=True)]


def common_histograms(tracks: dict[Track, Counts]) -> tuple[Edges, dict[Track, list[float]]]:
    """Every track's latency over the edges that all of them have; no edges: they cannot be laid side by side."""
    tables = [edges for counts in tracks.values() for edges in counts.latency]
    shared = common_edges(tables) if tables else ()
    if not shared:
        return (), {}
    found = {}
    for track, counts in tracks.items():
        if counts.latency:
            found[track] = [0.0] * (len(shared) + 1)
        for edges, observed in counts.latency.items():
            for index, number in enumerate(observed):
                upper = edges[index] if index < len(edges) else None
                at = len(shared) if upper is None else sum(edge < upper for edge in shared)
                found[track][at] += number
    return shared, found


def quantile(edges: Edges, buckets: list[float], part: float) -> float | None:
    """The latency below which this part of all observations lies, in seconds, by a line inside its bucket.

    None: nothing was observed, or it lies beyond the last edge.
    """
    wanted = part * sum(buckets)
    if wanted <= 0.0:
        return None
    below, lower = 0.0, 0.0
    for edge, number in zip(edges, buckets, strict=False):
        if below + number >= wanted:
            return lower + (edge - lower) * (wanted - below) / number if number else edge
        below, lower = below + number, edge
    return None

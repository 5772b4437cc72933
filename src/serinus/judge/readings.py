"""What the judge is fed: cumulative counters per pod, as they were scraped at one moment.

The same types are the lines of a recording (`serinus judge replay`), what every source of metrics delivers, and all
that the judge ever sees. No threshold stands here, and no opinion: a counter that could not be had is None, never zero.
"""

import enum

import msgspec


class Track(enum.Enum):
    """Which version a pod runs, and why it was made."""

    CANARY = "canary"
    STABLE = "stable"
    BASELINE = "baseline"  # fresh pods of the stable version, as old as the canary's


class Histogram(msgspec.Struct, frozen=True, omit_defaults=True):
    """A latency histogram since the pod's counters began.

    `le`: upper edges in seconds, growing, without +Inf. `counts`: observations at or below each edge, cumulative in
    `le`, of the same length. `count`: all observations.
    """

    le: tuple[float, ...]
    counts: tuple[float, ...]
    count: float


class PodReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One pod's counters, cumulative as scraped. None: that counter could not be had in this scrape.

    `started`: seconds on the rollout's clock at which the pod began to run. A pseudo pod per track stands for a source
    that only knows tracks.
    """

    name: str
    track: Track
    started: float | None = None
    requests: float | None = None
    errors: float | None = None
    restarts: int | None = None
    latency: Histogram | None = None
    gauges: dict[str, float] = {}


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """All pods at one moment. `t`: seconds since the rollout began; at or before 0 it is history, of production only.

    `weight_percent`: the share of requests asked for the canary at that moment; None: not known.
    """

    t: float
    pods: tuple[PodReading, ...]
    weight_percent: float | None = None
    run: str = ""

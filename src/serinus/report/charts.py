"""The plots of a rollout, all over one time axis, with the same events marked on each."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from serinus.judge.kept import Moment
from serinus.judge.readings import Track
from serinus.judge.wilson import wilson
from serinus.report.counted import Counts, Window, merged
from serinus.report.markup import Markup, element
from serinus.report.plot import (
    Axes,
    Point,
    band,
    curve,
    frame,
    level,
    mark,
    marks,
    nice_top,
    picture,
    text,
    upright,
    value_ticks,
)
from serinus.report.replayed import Look
from serinus.report.report import TRACKS, Report
from serinus.report.words import evidence, percent

HEIGHT = 236.0
SHAPES = {Track.CANARY: "triangle", Track.STABLE: "circle", Track.BASELINE: "square"}
STRETCHES_MAX = 24
LOOKS_MAX = 240
PIN_PIXELS = 29.0
LABEL_PIXELS = 24.0
BELOW_SHOWN = -1.0
ABOVE_SHOWN = 2.5
"""Evidence is shown up to so many times what is needed."""
METRIC_KINDS = ("errors", "latency", "restarts", "gauges")

Sample = tuple[str, str, str | None]
"""A line of a legend: its words, its class, and the shape of its marks."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time axis, and what happened on it."""

    begin: float
    end: float
    moments: tuple[Moment, ...]


def span_of(report: Report) -> Span:
    """From shortly before the canary to the end."""
    kept = report.subject.kept
    moments = () if kept is None else tuple(kept.moments)
    windows = report.counted.windows
    ends = [report.subject.seconds or 0.0, *(m.t for m in moments), *(w.end for w in windows[-1:]), 1.0]
    end = max(ends)
    first = windows[0].end if windows else 0.0
    return Span(max(min(first, 0.0), -0.1 * end), end, moments)


def share_chart(report: Report, span: Span) -> Markup | None:
    """The share asked for and the share observed."""
    windows = merged([w for w in report.counted.windows if w.end >= span.begin], STRETCHES_MAX)
    observed: list[Point] = []
    spans: list[tuple[float, tuple[float, float] | None]] = []
    for window in windows:
        canary, whole = _requests(window, Track.CANARY), sum(_requests(window, track) for track in TRACKS)
        observed.append((_middle(window), 100.0 * canary / whole if whole else None))
        low, high = wilson(canary, whole)
        spans.append((_middle(window), (100.0 * low, 100.0 * high) if whole else None))
    asked: list[Point] = []
    for window in windows:
        if window.weight_percent is not None:
            asked += [(window.begin, window.weight_percent), (window.end, window.weight_percent)]
    if not any(value for _, value in observed) and not asked:
        return None
    shown = [value for _, value in (*observed, *asked) if value is not None]
    axes = Axes(span.begin, span.end, 0.0, min(100.0, nice_top(max([*shown, 1.0]) * 1.15)), HEIGHT)
    parts = _base(axes, span, "{:g} %")
    parts += [band(axes, spans, "canary"), curve(axes, asked, "asked", is_stepped=True)]
    parts += [curve(axes, observed, "canary"), *marks(axes, observed, "canary", "triangle")]
    last = next((value for _, value in reversed(observed) if value is not None), None)
    told = f"Asked for last: {_percent_of(asked)}; observed last: {'unknown' if last is None else f'{last:.1f} %'}."
    caption = "Share of requests that the canary got. Shaded: 95 % Wilson interval of each stretch."
    legend: list[Sample] = [("observed", "canary", "triangle"), ("asked for", "asked", None)]
    return _figure("share", "Share of the canary", caption, told, legend, HEIGHT, parts)


def rates_chart(report: Report, span: Span) -> Markup | None:
    """The error rates of all tracks."""
    windows = merged([w for w in report.counted.windows if w.end >= span.begin], STRETCHES_MAX)
    tracks = [row.track for row in report.tracks if row.requests]
    if not tracks:
        return None
    series = {track: [(_middle(w), _rate(w.tracks.get(track))) for w in windows] for track in tracks}
    spans = {
        track: [(_middle(w), _wilson_of(w.tracks.get(track))) for w in windows if track in w.tracks] for track in tracks
    }
    rates = [rate for points in series.values() for _, rate in points if rate is not None]
    uppers = sorted(edges[1] for one in spans.values() for _, edges in one if edges is not None)
    top = max([*rates, uppers[len(uppers) // 2] if uppers else 0.0, 0.1])
    axes = Axes(span.begin, span.end, 0.0, min(100.0, nice_top(1.1 * top)), HEIGHT)
    parts = _base(axes, span, "{:g} %")
    for track in reversed(tracks):
        kind = track.value
        parts += [band(axes, spans[track], kind), curve(axes, series[track], kind)]
        parts += marks(axes, series[track], kind, SHAPES[track])
    totals = [f"{row.track.value} {percent(row.rate)} in all" for row in report.tracks if row.requests]
    caption = (
        "Share of requests that failed, by stretch of time. Shaded: the 95 % Wilson interval of each stretch, which"
        " holds for one look at one stretch; the table of tracks has the interval that holds for all looks."
    )
    legend: list[Sample] = [(track.value, track.value, SHAPES[track]) for track in tracks]
    return _figure("rates", "Error rates", caption, f"{', '.join(totals)}.", legend, HEIGHT, parts)


def evidence_chart(report: Report, span: Span) -> Markup | None:
    """Log10 of E against its threshold."""
    replayed = report.replayed
    if replayed is None or replayed.decided is None or not replayed.looks:
        return None
    needed = replayed.decided.threshold
    stride = -(-len(replayed.looks) // LOOKS_MAX)
    looks = [*replayed.looks[:-1:stride], replayed.looks[-1]]
    greatest = max(look.total for look in looks)
    axes = Axes(
        span.begin, span.end, BELOW_SHOWN, max(1.25 * needed, min(1.1 * greatest, ABOVE_SHOWN * needed)), HEIGHT
    )
    parts = _base(axes, span, "{:g}")
    parts.append(level(axes, needed, "threshold"))
    parts.append(text(axes.x(span.begin) + 6, axes.y(needed) - 6, f"{needed:g}: rolled back", "start", "strong"))
    names = [row.name for row in report.metrics]
    for name in names:
        parts.append(curve(axes, _evidence_of(looks, name), _kind(name)))
    total: list[Point] = [(look.t, look.total) for look in looks if look.t >= span.begin]
    weakest: list[Point] = [(look.t, look.least) for look in looks if look.t >= span.begin]
    parts += [curve(axes, weakest, "weakest"), curve(axes, total, "total")]
    last = looks[-1]
    is_cut = last.total > axes.high
    x, y = axes.x(last.t), axes.y(last.total)
    parts.append(mark(x, y, "total", "square"))
    words = f"{evidence(last.total)}{' (beyond the plot)' if is_cut else ''}"
    parts.append(text(x - 9, y + (16 if is_cut else -8), words, "end", "strong"))
    caption = (
        "Evidence of harm, as log10 of E: 0 is none, 1 is ten to one. It may be looked at any number of times: a"
        f" harmless release ever reaches {needed:g} with probability {10.0**-needed:g} at most. A verdict needs"
        f" {_needed_without(report):g} besides when the canary pod on which most of it rests is left out."
    )
    told = f"In all {evidence(last.total)} at the last look, {evidence(greatest)} at most; {needed:g} means roll back."
    legend: list[Sample] = [("all together", "total", "square"), ("without that pod", "weakest", None)]
    legend += [(name, _kind(name), None) for name in names]
    return _figure("evidence", "Evidence against its threshold", caption, told, legend, HEIGHT, parts)


def restarts_chart(report: Report, span: Span) -> Markup | None:
    """How often containers ended, one upon the other; None: never, or not known."""
    tracks = [row.track for row in report.tracks if row.restarts is not None]
    if not any(row.restarts for row in report.tracks):
        return None
    series: dict[Track, list[Point]] = {track: [(span.begin, 0.0)] for track in tracks}
    for window in report.counted.windows:
        for track in tracks:
            counts = window.tracks.get(track)
            before = series[track][-1][1] or 0.0
            series[track].append((window.end, before + (counts.restarts if counts is not None else 0)))
    top = max(value for points in series.values() for _, value in points if value is not None)
    axes = Axes(span.begin, span.end, 0.0, max(2.0, nice_top(1.1 * top)), 0.75 * HEIGHT)
    parts = _base(axes, span, "{:.0f}", smallest_step=1.0)
    for track in reversed(tracks):
        parts += [curve(axes, series[track], track.value, is_stepped=True)]
        parts += marks(axes, series[track], track.value, SHAPES[track])
    told = ", ".join(f"{row.track.value} {row.restarts}" for row in report.tracks) + "."
    legend: list[Sample] = [(track.value, track.value, SHAPES[track]) for track in tracks]
    caption = "How often containers have ended since the rollout began."
    return _figure("restarts", "Restarts", caption, told, legend, axes.height, parts)


def events_chart(span: Span) -> Markup | None:
    """What happened, by number."""
    if not span.moments:
        return None
    lanes: list[float] = []
    placed = []
    axes = Axes(span.begin, span.end, 0.0, 1.0, HEIGHT)
    for number, moment in enumerate(span.moments, 1):
        x = axes.x(moment.t)
        lane = next((index for index, taken in enumerate(lanes) if x - taken >= PIN_PIXELS), None)
        if lane is None and len(lanes) < 5:
            lanes.append(x)
            lane = len(lanes) - 1
        if lane is not None:
            lanes[lane] = x
            placed.append((number, moment, x, lane))
    height = 60.0 + 26.0 * len(lanes)
    axes = Axes(span.begin, span.end, 0.0, 1.0, height)
    parts = frame(axes, ())
    for number, moment, x, lane in placed:
        y = 24.0 + 26.0 * lane
        kind = "pin warning" if moment.code in ("leaving", "trouble", "share_lost") else "pin"
        parts.append(upright(axes, moment.t))
        parts.append(element("circle", {"cx": x, "cy": y, "r": 10.5 if number < 100 else 13.5, "class": kind}))
        parts.append(text(x, y + 4, str(number), "middle", "strong"))
    told = f"{len(span.moments)} events; the table of events has each with its time."
    caption = (
        "What happened when, by its number in the table of events. The dotted lines in the plots are the same moments."
    )
    return _figure("events", "Events", caption, told, [], height, parts)


def _base(axes: Axes, span: Span, form: str, smallest_step: float = 0.0) -> list[Markup]:
    """Frame and events; the events' numbers where there is room for them."""
    ticks = value_ticks(axes.low, axes.high, smallest_step=smallest_step)
    parts = frame(axes, [(tick, form.format(round(tick, 9))) for tick in ticks])
    last = -LABEL_PIXELS
    for number, moment in enumerate(span.moments, 1):
        x = axes.x(moment.t)
        if x - last >= LABEL_PIXELS:
            parts += [upright(axes, moment.t), text(x, 12, str(number), "middle")]
            last = x
    return parts


def _figure(
    identifier: str,
    title: str,
    caption: str,
    told: str,
    legend: Sequence[Sample],
    height: float,
    parts: Sequence[Markup],
) -> Markup:
    head = [element("h3", None, title), element("p", {"class": "note"}, caption)]
    if legend:
        items = [element("li", None, _sample(kind, shape), words) for words, kind, shape in legend]
        head.append(element("ul", {"class": "legend"}, *items))
    drawn = picture(f"plot-{identifier}", title, told, height, parts)
    return element("figure", None, element("figcaption", None, *head), drawn)


def _sample(kind: str, shape: str | None) -> Markup:
    parts = [element("path", {"d": "M2 7H50", "class": f"line {kind}"})]
    if shape is not None:
        parts.append(mark(26.0, 7.0, kind, shape))
    return element("svg", {"viewBox": "0 0 52 14", "aria-hidden": "true"}, *parts)


def _needed_without(report: Report) -> float:
    return 0.0 if report.policy is None else -log10(report.policy.alpha_node)


def _kind(name: str) -> str:
    """The class of a metric's line; a guard rail's is that of a threshold, but thin."""
    return name if name in METRIC_KINDS else "harm"


def _evidence_of(looks: Sequence[Look], name: str) -> list[Point]:
    return [(look.t, look.metrics.get(name)) for look in looks]


def _middle(window: Window) -> float:
    return (window.begin + window.end) / 2.0


def _requests(window: Window, track: Track) -> float:
    counts = window.tracks.get(track)
    return counts.requests if counts is not None else 0.0


def _rate(counts: Counts | None) -> float | None:
    return None if counts is None or counts.rate is None else 100.0 * counts.rate


def _wilson_of(counts: Counts | None) -> tuple[float, float] | None:
    if counts is None or not counts.requests:
        return None
    low, high = wilson(counts.errors, counts.requests)
    return 100.0 * low, 100.0 * high


def _percent_of(points: Sequence[Point]) -> str:
    value = points[-1][1] if points else None
    return "nothing" if value is None else f"{value:g} %"

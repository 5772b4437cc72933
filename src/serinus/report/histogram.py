"""The latency histograms of all tracks, side by side."""

from collections.abc import Sequence

from serinus.judge.readings import Track
from serinus.report.counted import Edges, common_histograms
from serinus.report.markup import Markup, data_table, element
from serinus.report.plot import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Axes, level, nice_top, picture, text, value_ticks
from serinus.report.report import TRACKS, Report
from serinus.report.words import number, percent, seconds

HEIGHT = 260.0
BARS_MAX = 16


def latency_figure(report: Report) -> Markup | None:
    """Bars, and the same as a table; None: no histograms, or none that can be compared."""
    edges, buckets = common_histograms(report.counted.tracks)
    shares = {track: _shares(buckets[track]) for track in TRACKS if sum(buckets.get(track, ()))}
    if not edges or not shares:
        return None
    names, shown = _few(edges, shares)
    drawn = picture("plot-latency", "Latency of all requests", _told(report), HEIGHT, _bars(names, shown))
    caption = "How many requests took how long, as a share of each track's requests since the canary began."
    legend = element("ul", {"class": "legend"}, *(element("li", None, _sample(track), track.value) for track in shown))
    head = element("figcaption", None, element("h3", None, "Latency"), element("p", {"class": "note"}, caption), legend)
    rows = [(name, *(percent(shown[track][index]) for track in shown)) for index, name in enumerate(names)]
    counts = [(f"{track.value}: {number(sum(buckets[track]))}") for track in shown]
    table = data_table(
        "table-latency",
        f"Latency, shares of requests ({', '.join(counts)})",
        ("took", *(track.value for track in shown)),
        rows,
    )
    return element("div", None, element("figure", None, head, drawn), table)


def _shares(buckets: Sequence[float]) -> list[float]:
    whole = sum(buckets)
    return [bucket / whole for bucket in buckets]


def _few(edges: Edges, shares: dict[Track, list[float]]) -> tuple[list[str], dict[Track, list[float]]]:
    """Without the empty buckets at both ends, and neighbours put together until there are few enough bars."""
    used = [index for index in range(len(edges) + 1) if any(one[index] > 0.0 for one in shares.values())]
    first, last = used[0], used[-1]
    groups = [[index] for index in range(first, last + 1)]
    while len(groups) > BARS_MAX:
        groups = [[index for group in groups[i : i + 2] for index in group] for i in range(0, len(groups), 2)]
    names = [
        f"≤ {seconds(edges[group[-1]])}" if group[-1] < len(edges) else f"> {seconds(edges[-1])}" for group in groups
    ]
    return names, {track: [sum(one[index] for index in group) for group in groups] for track, one in shares.items()}


def _bars(names: list[str], shown: dict[Track, list[float]]) -> list[Markup]:
    top = min(100.0, nice_top(100.0 * max(max(one) for one in shown.values())))
    axes = Axes(0.0, 1.0, 0.0, top, HEIGHT)
    parts: list[Markup] = []
    for tick in value_ticks(0.0, top):
        parts += [level(axes, tick, "grid"), text(LEFT - 8, axes.y(tick) + 4, f"{tick:g} %", "end")]
    width = (WIDTH - LEFT - RIGHT) / len(names)
    bar = 0.78 * width / len(shown)
    for index, name in enumerate(names):
        left = LEFT + index * width + 0.11 * width
        for place, (track, values) in enumerate(shown.items()):
            y = axes.y(100.0 * values[index])
            place_x = round(left + place * bar, 1)
            place_at: dict[str, str | float | None] = {"x": place_x, "y": y, "width": round(bar - 2.0, 1)}
            place_at |= {"height": round(HEIGHT - BOTTOM - y, 1), "class": f"bar {track.value}"}
            parts.append(element("rect", place_at))
        parts.append(text(LEFT + (index + 0.5) * width, HEIGHT - BOTTOM + 18, name, "middle"))
    parts.append(level(axes, 0.0, "axis"))
    parts.append(text(LEFT, TOP - 8, "share of requests", "start"))
    return parts


def _sample(track: Track) -> Markup:
    bar = element("rect", {"x": 16.0, "y": 1.0, "width": 22.0, "height": 12.0, "class": f"bar {track.value}"})
    return element("svg", {"viewBox": "0 0 52 14", "aria-hidden": "true"}, bar)


def _told(report: Report) -> str:
    rows = [row for row in report.tracks if any(row.latencies)]
    told = [f"{row.track.value}: half within {seconds(row.latencies[0])}, 95 % within {seconds(row.latencies[1])}, "
            f"99 % within {seconds(row.latencies[2])}" for row in rows]  # fmt: skip
    return "; ".join(told) + "."

"""Plots as SVG that needs nothing else: axes, lines with gaps, bands, steps, marks. What they mean is `charts.py`'s."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from serinus.report.markup import Markup, element

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 900.0, 62.0, 24.0, 22.0, 26.0
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
TIME_TICKS_MAX = 10
MARKS_MAX = 28

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Axes:
    """What is shown where: time in seconds from `begin` to `end`, values from `low` to `high`."""

    begin: float
    end: float
    low: float
    high: float
    height: float

    def x(self, t: float) -> float:
        """In pixels; what lies outside is put on the edge."""
        part = (min(max(t, self.begin), self.end) - self.begin) / ((self.end - self.begin) or 1.0)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """In pixels; what lies outside is put on the edge."""
        part = (min(max(value, self.low), self.high) - self.low) / ((self.high - self.low) or 1.0)
        return round(self.height - BOTTOM - part * (self.height - TOP - BOTTOM), 1)


def nice_step(span: float, ticks: int) -> float:
    """1, 2 or 5 times a power of ten, so that about so many steps make the span."""
    raw = max(span, 1e-12) / ticks
    scale = 10.0 ** floor(log10(raw))
    return next(factor * scale for factor in (1.0, 2.0, 5.0, 10.0) if factor * scale >= raw * 0.999)


def nice_top(value: float, ticks: int = 4) -> float:
    """The first tick at or above a value."""
    step = nice_step(max(value, 1e-9), ticks)
    return step * ceil(value / step - 1e-9) if value > 0.0 else step


def value_ticks(low: float, high: float, ticks: int = 4, smallest_step: float = 0.0) -> list[float]:
    """Round values between the two."""
    step = max(nice_step(high - low, ticks), smallest_step)
    return [step * index for index in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def time_ticks(begin: float, end: float) -> list[float]:
    """Round moments between the two."""
    step = next((s for s in TIME_STEPS if (end - begin) / s <= TIME_TICKS_MAX), TIME_STEPS[-1])
    return [float(step * index) for index in range(ceil(begin / step), floor(end / step) + 1)][: 4 * TIME_TICKS_MAX]


def time_label(t: float) -> str:
    """A moment of the rollout, short."""
    sign, t = ("\u2212" if t < 0 else ""), abs(t)
    if t < 60 or (t < 120 and t % 60):
        return f"{sign}{t:.0f} s"
    if t < 7200:
        return f"{sign}{t / 60:.3g} min"
    return f"{sign}{t / 3600:.3g} h"


def frame(axes: Axes, labels: Sequence[tuple[float, str]]) -> list[Markup]:
    """Grid, axes and their labels."""
    found = []
    for value, label in labels:
        y = axes.y(value)
        found.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        found.append(text(LEFT - 8, y + 4, label, "end"))
    floor_y = axes.height - BOTTOM
    found.append(_line(LEFT, floor_y, WIDTH - RIGHT, floor_y, "axis"))
    for t in time_ticks(axes.begin, axes.end):
        x = axes.x(t)
        found.append(_line(x, floor_y, x, floor_y + 5, "axis"))
        found.append(text(x, floor_y + 18, time_label(t), "middle"))
    return found


def text(x: float, y: float, words: str, anchor: str = "start", kind: str | None = None) -> Markup:
    """Words at a place."""
    return element("text", {"x": round(x, 1), "y": round(y, 1), "text-anchor": anchor, "class": kind}, words)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind})


def upright(axes: Axes, t: float) -> Markup:
    """A moment, from top to bottom."""
    return _line(axes.x(t), TOP - 6, axes.x(t), axes.height - BOTTOM, "event")


def level(axes: Axes, value: float, kind: str) -> Markup:
    """A value, from left to right."""
    return _line(LEFT, axes.y(value), WIDTH - RIGHT, axes.y(value), kind)


def curve(axes: Axes, points: Sequence[Point], kind: str, is_stepped: bool = False) -> Markup:
    """A line; where a value is None there is a gap."""
    parts: list[str] = []
    is_open = False
    for t, value in points:
        if value is None:
            is_open = False
            continue
        x, y = axes.x(t), axes.y(value)
        if not is_open:
            parts.append(f"M{x:g} {y:g}")
        else:
            parts.append(f"H{x:g}V{y:g}" if is_stepped else f"L{x:g} {y:g}")
        is_open = True
    return element("path", {"d": "".join(parts) or "M0 0", "class": f"line {kind}"})


def band(axes: Axes, spans: Sequence[tuple[float, tuple[float, float] | None]], kind: str) -> Markup:
    """Between two values, over time; a gap where there are none."""
    parts: list[str] = []
    run: list[tuple[float, tuple[float, float]]] = []
    for t, span in [*spans, (0.0, None)]:
        if span is not None:
            run.append((t, span))
            continue
        if len(run) > 1:
            upper = [f"{axes.x(at):g} {axes.y(edges[1]):g}" for at, edges in run]
            lower = [f"{axes.x(at):g} {axes.y(edges[0]):g}" for at, edges in reversed(run)]
            parts.append(f"M{'L'.join([*upper, *lower])}Z")
        run = []
    return element("path", {"d": "".join(parts) or "M0 0", "class": f"band {kind}"})


def marks(axes: Axes, points: Sequence[Point], kind: str, shape: str) -> list[Markup]:
    """Marks on a line, so that it can be told without its colour; not on every point of a long one."""
    known = [(axes.x(t), axes.y(value)) for t, value in points if value is not None]
    stride = max(1, -(-len(known) // MARKS_MAX))
    return [mark(x, y, kind, shape) for x, y in known[::stride]]


def mark(x: float, y: float, kind: str, shape: str) -> Markup:
    """One mark."""
    if shape == "triangle":
        return element("path", {"d": f"M{x:g} {y - 5:g}l4.6 8h-9.2z", "class": f"mark {kind}"})
    if shape == "square":
        return element("rect", {"x": x - 3.5, "y": y - 3.5, "width": 7, "height": 7, "class": f"mark {kind}"})
    return element("circle", {"cx": x, "cy": y, "r": 3.6, "class": f"mark {kind}"})


def picture(identifier: str, title: str, description: str, height: float, parts: Sequence[Markup]) -> Markup:
    """One SVG with its name and its description for those who hear it."""
    return element(
        "svg",
        {
            "class": "plot",
            "role": "img",
            "viewBox": f"0 0 {WIDTH:g} {height:g}",
            "aria-labelledby": f"{identifier}-title {identifier}-description",
        },
        element("title", {"id": f"{identifier}-title"}, title),
        element("desc", {"id": f"{identifier}-description"}, description),
        *parts,
    )

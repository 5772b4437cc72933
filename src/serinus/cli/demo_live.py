"""The demo on a terminal: the Deployments with their pods and shares, the traffic, the last lines, all of it alive.

The only module of the demo that needs rich.
"""

import contextlib
from collections import deque
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from serinus.cli.demo_figures import NO_ANSWER, Release
from serinus.cli.demo_run import BAD, FIRST, GOOD, SUBTLE, Scene
from serinus.cli.demo_world import PodState, Track
from serinus.system import SystemClock

LINES_KEPT = 200
LINES_MIN = 4
INDENT = 9  # of a sentence, after its seconds
ROWS_MAX = 34
BAR_CELLS_MIN, BAR_CELLS_MAX = 12, 44
COLUMNS_BESIDE_BAR = 57
UNKNOWN = "unknown"  # the load's word for an answer without a version
COLOURS = {FIRST: "blue", GOOD: "green", BAD: "red", SUBTLE: "magenta"}
POD_SIGNS = {
    PodState.READY: ("●", ""),
    PodState.STARTING: ("○", ""),
    PodState.ENDED: ("✖", "bold red"),
    PodState.LEAVING: ("◌", "dim"),
}


class LiveScreen:
    """Redraws itself at every `show`; between them nothing moves, so there is no thread of rich's."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._lines: deque[Text] = deque(maxlen=LINES_KEPT)
        self._scene: Scene | None = None

    def say(self, sentence: str) -> None:
        """One more line at the end."""
        self._lines.append(Text().append(f"{self._seconds():5.1f} s  ", style="dim").append(sentence, _style(sentence)))
        self._draw()

    def command(self, text: str) -> None:
        """The command, as one would type it."""
        self._lines.append(Text(f"$ {text}", style="bold"))
        self._draw()

    def show(self, scene: Scene) -> None:
        """Draw it anew."""
        self._scene = scene
        self._draw()

    def _draw(self) -> None:
        self._live.update(self.picture(self._live.console), refresh=True)

    def picture(self, console: Console) -> Group:
        """The view as it stands, for a console of that size."""
        rows = min(console.height - 1, ROWS_MAX)
        parts: list[RenderableType] = [self._head()]
        used = 2
        if self._scene is not None:
            table = scene_table(self._scene, console.width)
            results = result_lines(self._scene)
            parts += [Text(), table, Text(), *results]
            used += 3 + table.row_count + len(results)
        return Group(*parts, Text(), *self._last_lines(console, max(LINES_MIN, rows - used)))

    def _head(self) -> Table:
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        title = Text().append("Serinus", style="bold yellow").append("  one Service, a good and a bad release")
        head.add_row(title, Text(f"{self._seconds():.0f} s", style="dim"))
        return head

    def _last_lines(self, console: Console, rows: int) -> list[Text]:
        """The end of the lines, folded, as many as there is room for."""
        folded: list[Text] = []
        for line in reversed(self._lines):
            parts = _folded(line, console)
            if len(folded) + len(parts) > rows:
                break
            folded = parts + folded
        return folded

    def _seconds(self) -> float:
        return self._clock.monotonic() - self._began


def _folded(line: Text, console: Console) -> list[Text]:
    """A line in as many rows as it needs; those after the first stand below its sentence."""
    if line.cell_len <= console.width:
        return [line]
    first, *rest = line.wrap(console, console.width - INDENT)
    return [first, *(Text(" " * INDENT).append_text(part) for part in rest)]


def scene_table(scene: Scene, columns: int) -> Table:
    """One row for each version: its pods, its share of the traffic just now, its requests until now."""
    cells = max(BAR_CELLS_MIN, min(BAR_CELLS_MAX, columns - COLUMNS_BESIDE_BAR))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for header in ("Deployment", "pods", "traffic now"):
        table.add_column(header, no_wrap=True)
    for header in ("sent", "failed", "slow"):
        table.add_column(header, justify="right", no_wrap=True)
    tracks = {track.version: track for track in scene.world.tracks()}
    counts = scene.traffic.now["by_version"]
    shares = scene.traffic.shares_percent()
    for version in (FIRST, GOOD, BAD, SUBTLE):
        track, count = tracks.get(version), counts.get(version)
        if track is None and count is None:
            table.add_row(Text(f"{'':<11}", style="dim"))  # room for it, so that nothing jumps when it comes
            continue
        colour = COLOURS[version]
        name = Text(track.name if track else f"{version}, gone", style=colour if track else "dim")
        bar = share_bar(shares.get(version, 0.0), cells, colour)
        table.add_row(name, pod_signs(track, colour), bar, *_numbers(count))
    if UNKNOWN in counts:
        table.add_row(Text(NO_ANSWER, style="bold red"), "", "", *_numbers(counts[UNKNOWN]))
    return table


def pod_signs(track: Track | None, colour: str) -> Text:
    """One sign for each pod."""
    signs = Text()
    for pod in track.pods if track else ():
        sign, style = POD_SIGNS[pod]
        signs.append(f"{sign} ", style=style or colour)
    signs.pad_right(max(0, 10 - signs.cell_len))
    return signs


def share_bar(percent: float, cells: int, colour: str) -> Text:
    """A share as a bar and a number."""
    full = round(percent / 100 * cells)
    bar = Text().append("▇" * full, style=colour).append(" " * (cells - full))
    return bar.append(f" {percent:3.0f} %", style="" if full else "dim")


def _numbers(count: dict[str, int] | None) -> list[Text]:
    if count is None:
        return []
    harm = [Text(f"{count[name]:,}", style="bold red" if count[name] else "dim") for name in ("failed", "slow")]
    return [Text(f"{count['requests']:,}"), *harm]


def result_lines(scene: Scene) -> list[Text]:
    """How each release ended, or that it runs."""
    ended = {release.version: release for release in scene.releases}
    return [_result(kind, version, ended.get(version), scene.running == version)
            for kind, version in (("good", GOOD), ("bad", BAD), ("subtle", SUBTLE))]  # fmt: skip


def _result(kind: str, version: str, release: Release | None, running: bool) -> Text:
    line = Text(f"{kind + ' release':<14}{version}   ")
    if release is None:
        return line.append("running" if running else "to come", style="yellow" if running else "dim")
    good = release.outcome == "promoted"
    line.append(release.outcome.replace("_", " "), style="bold green" if good else "bold red")
    reason = release.last.get("reason", "")
    return line.append("" if good else f", {reason}").append(
        f" after {release.ended - release.began:.1f} s", style="dim"
    )


def _style(sentence: str) -> str:
    for beginning, style in (("taking everything back", "bold red"), ("rolled back", "red"), ("step ", "")):
        if sentence.startswith(beginning):
            return style
    return "green" if sentence.endswith(("is production", "becomes production")) else ""


@contextlib.contextmanager
def live_screen() -> Iterator[LiveScreen]:
    """A live view on this terminal until the block ends; its last picture stays."""
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield LiveScreen(live)

"""Gauges: false alarms at the margin and detection, with and without history (2.5 with the mixture over start times).

    python -m bench.judge_gauges [--runs N] [--only TEXT] [--write FILE]

Margin 10 %, noise of the log ratio 10 %, an autoregression of first order with coefficient r, one value every 5 s for
an hour, alpha 0.01. "history": r estimated from 20 minutes before. "rollout": no history, production's two pods teach
while the canary runs. "batches": one pod of production, so means of many scrapes. An effect of +10 % is the edge of
the null: every alarm there is false.
"""

import math
import random

from bench.judge_report import FIRST_SEED, arguments, mean_cell, publish, share_cell, table, told
from serinus.judge.gauges_state import GaugeState, judge_gauge, learn_gauge, log_gauges
from serinus.judge.policy import Margin
from serinus.judge.wilson import wilson

ALPHA = 0.01
MARGIN = 0.10
NOISE = 0.10
SCRAPES = 720
SECONDS = 5.0
HISTORY_SCRAPES = 240
WAYS = ("history", "rollout", "batches")
CASES = [(r, effect) for r in (0.0, 0.5, 0.9) for effect in (0.10, 0.20, 0.50, 1.00)]
PAGE = {
    (0.0, 0.1): "0.0038",
    (0.5, 0.1): "0.0031",
    (0.5, 0.2): "1, 311 s",
    (0.5, 0.5): "1, 53 s",
    (0.9, 0.1): "0.0027",
    (0.9, 0.2): "0.627, 2006 s",
    (0.9, 0.5): "1, 241 s",
    (0.9, 1.0): "1, 87 s",
}
"""Statistics.md 3.8, column "prewhitened AR(1)"."""


class Wave:
    """One pod's logarithm: a stationary autoregression."""

    def __init__(self, dice: random.Random, r: float, deviation: float) -> None:
        self.dice, self.r, self.shock = dice, r, deviation * math.sqrt(1 - r * r)
        self.value = dice.gauss(0, deviation)

    def next(self) -> float:
        """The gauge at the next scrape."""
        self.value = self.r * self.value + self.dice.gauss(0, self.shock)
        return math.exp(self.value)


def seconds_until_alarm(dice: random.Random, r: float, effect: float, way: str) -> float | None:
    """One hour. None: no alarm. The log of the ratio has deviation NOISE, and so has that of production's halves."""
    of_stable = NOISE / math.sqrt(2)
    names = ("a",) if way == "batches" else ("a", "b")
    canary = Wave(dice, r, math.sqrt(NOISE**2 - of_stable**2 / len(names)))
    stable = {name: Wave(dice, r, of_stable) for name in names}
    state = GaugeState()
    for _ in range(HISTORY_SCRAPES if way == "history" else 0):
        learn_gauge(state, {name: wave.next() for name, wave in stable.items()})
    for scrape in range(1, SCRAPES + 1):
        theirs = {name: wave.next() for name, wave in stable.items()}
        ours = {"c": canary.next() * (1 + effect)}
        judge_gauge(state, Margin(MARGIN, 0.0), scrape * SECONDS, 10.0, ours, theirs)
        if log_gauges({"": state}) >= -math.log(ALPHA):
            return scrape * SECONDS
    return None


def main() -> int:
    """Print the table. Exit code 1: at the margin even the lower end of an interval is above alpha."""
    given = arguments(300, __doc__)
    rows, broken = [], False
    for r, effect in CASES:
        name = f"r = {r:g}, effect {effect:+.0%}"
        if given.only not in name:
            continue
        cells = []
        for way in WAYS:
            dice = random.Random(FIRST_SEED)
            found = [seconds_until_alarm(dice, r, effect, way) for _ in range(given.runs)]
            alarms = [seconds for seconds in found if seconds is not None]
            broken = broken or (effect <= MARGIN and wilson(len(alarms), given.runs)[0] > ALPHA)
            cells += [share_cell(len(alarms), given.runs), mean_cell(alarms)]
        rows.append(told([name, PAGE.get((r, effect), ""), *cells]))
    head = ["case", "page"] + [cell for way in WAYS for cell in (f"{way}: alarm", "seconds, mean (p90)")]
    publish(given, "judge_gauges", "Gauges", table(head, rows))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())

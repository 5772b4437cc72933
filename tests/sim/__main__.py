"""`./run sim [--seeds N] [--first-seed K] [--jobs J] [--trace]`: rollouts by the thousand, in worlds drawn from seeds.

The last line has the figures. Exit code 1 when a rule was broken, with the command that replays each such seed; when a
pair of state and fault was met that no world can have; and, from 20,000 seeds on, when one was never reached.
"""

import argparse
import concurrent.futures
import gc
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.sim.coverage import ENOUGH_SEEDS, met, never_reached, table
from tests.sim.rollout import Result, play

CHUNK = 50
FAILURES_SHOWN = 20


@dataclass(slots=True)
class Tally:
    """What some seeds came to."""

    rollouts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    coverage: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, result: Result) -> None:
        """One more."""
        self.rollouts += 1
        self.outcomes[result.outcome.value if result.outcome is not None else "no end"] += 1
        self.coverage.update(result.coverage)
        self.seconds += result.seconds
        for rule in {breach.rule for breach in result.breaches}:
            self.rules[f"{rule.value} {rule.name}"] += 1
        if result.breaches:
            first = result.breaches[0]
            self.failures.append((result.seed, f"rule {first.rule.value}, {first.rule.name}: {first.sentence}"))

    def merge(self, other: "Tally") -> None:
        """Those of another process."""
        self.rollouts += other.rollouts
        self.seconds += other.seconds
        for own, its in (
            (self.outcomes, other.outcomes),
            (self.rules, other.rules),
            (self.coverage, other.coverage),
        ):
            own.update(its)
        self.failures.extend(other.failures)


def tally(seeds: range) -> Tally:
    """Play these seeds. What cannot be freed by counting references is freed at the end."""
    gc.disable()
    found = Tally()
    for seed in seeds:
        try:
            found.add(play(seed))
        except Exception as error:
            raise RuntimeError(f"seed {seed}: {error!r}; replay it: {replay(seed)}") from error
    gc.collect()
    return found


def replay(seed: int) -> str:
    """The command that plays one seed again."""
    return f"./run sim --first-seed {seed} --seeds 1 --trace"


def tallies(seeds: range, jobs: int) -> Iterator[Tally]:
    """In chunks, as they are done."""
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    if jobs <= 1:
        yield from map(tally, chunks)
        return
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for future in concurrent.futures.as_completed([pool.submit(tally, chunk) for chunk in chunks]):
            yield future.result()


def trace(seeds: range) -> int:
    """Every change of these worlds, and every word of the runners, to read."""
    broken = 0
    for seed in seeds:
        result = play(seed, traced=True)
        print(*(result.trace or ()), sep="\n")
        for breach in result.breaches:
            print(f"seed {seed}: rule {breach.rule.value}, {breach.rule.name}: {breach.sentence}")
        print(f"seed {seed}: {result.outcome.value if result.outcome else 'no end'}, {result.reason}")
        broken += bool(result.breaches)
    return 1 if broken else 0


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="./run sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many worlds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    parser.add_argument("--stop-early", action="store_true", help="end with the first rule that is broken")
    parser.add_argument("--coverage", action="store_true", help="name every triple that was never reached")
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    if asked.trace:
        return trace(seeds)
    began, total = time.monotonic(), Tally()
    next_word = 0
    for part in tallies(seeds, asked.jobs):
        total.merge(part)
        for seed, sentence in part.failures:
            print(f"seed {seed}: {sentence}", file=sys.stderr, flush=True)
        if asked.stop_early and total.failures:
            break
        if total.rollouts >= next_word:
            next_word += max(CHUNK, asked.seeds // 20)
            print(f"{total.rollouts} of {asked.seeds} rollouts, {len(total.failures)} broke a rule", file=sys.stderr)
    report(total, seeds, time.monotonic() - began, asked.coverage)
    gaps = met(total.coverage) or (asked.seeds >= ENOUGH_SEEDS and never_reached(total.coverage))
    return 1 if total.failures or gaps else 0


def report(total: Tally, seeds: range, seconds: float, in_full: bool) -> None:
    """Coverage, failures, and the figures on the last line."""
    for line in table(total.coverage, in_full):
        print(line)
    for seed, sentence in sorted(total.failures)[:FAILURES_SHOWN]:
        print(f"seed {seed}: {sentence}\n  replay it: {replay(seed)}")
    outcomes = ", ".join(f"{count} {name}" for name, count in total.outcomes.most_common())
    rules = ", ".join(f"rule {name} in {count}" for name, count in sorted(total.rules.items())) or "0 rules broken"
    print(
        f"sim: seeds {seeds.start}-{seeds.stop - 1}, {total.rollouts} rollouts ({outcomes}); {rules}; "
        f"{total.seconds / 3600:.0f} simulated hours in {seconds:.0f} s, {total.rollouts / seconds:.1f} rollouts/s"
    )


if __name__ == "__main__":
    sys.exit(main())

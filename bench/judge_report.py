"""What the judge's benches share: seeds, intervals, tables, the command line.

Every bench prints a table in Markdown. `--write FILE` puts it into that file as well, in place of the table that the
same bench wrote there before.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serinus.judge.wilson import Z_95, wilson

FIRST_SEED = 20261124


def share_cell(hits: int, runs: int) -> str:
    """A share with its interval."""
    low, high = wilson(hits, runs)
    return f"{hits / runs:.4f} [{low:.4f}, {high:.4f}]"


def half_width(values: Sequence[float]) -> float:
    """Of the 95 % interval of the mean."""
    mean = math.fsum(values) / len(values)
    spread = math.fsum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)
    return Z_95 * math.sqrt(spread / len(values))


def mean_cell(values: Sequence[float], digits: int = 0) -> str:
    """Mean with the half-width of its 95 % interval, and the 90th percentile."""
    if not values:
        return "none"
    mean = math.fsum(values) / len(values)
    highest = sorted(values)[min(len(values) - 1, int(0.9 * len(values)))]
    return f"{mean:.{digits}f} ± {half_width(values):.{digits}f} ({highest:.{digits}f})"


def told(row: list[str]) -> list[str]:
    """The row itself, shown at once on standard error: a long bench tells how far it is."""
    print(" | ".join(row), file=sys.stderr, flush=True)
    return row


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; nothing without rows (`--only`)."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(frozen=True)
class Arguments:
    """The command line of a bench. `started`: CPU seconds used before the first run."""

    runs: int
    write: Path | None
    only: str
    started: float


def arguments(runs: int, description: str | None) -> Arguments:
    """`--runs N`, `--only TEXT` (rows whose name contains it), `--write FILE`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs, help=f"runs of each row (default {runs})")
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    parser.add_argument("--write", type=Path, help="also put the table into this file")
    found = parser.parse_args()
    return Arguments(found.runs, found.write, found.only, time.process_time())


def publish(given: Arguments, name: str, title: str, text: str) -> None:
    """Print the table; write it where asked."""
    used = time.process_time() - given.started
    command = f"./run bench {name} --runs {given.runs}"
    note = f"`{command}`, seeds from {FIRST_SEED}, Python {sys.version.split()[0]}, {used:.0f} s of CPU."
    section = f"## {title}\n\n{note}\n\n{text}\n"
    print(section)
    if given.write:
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        old = given.write.read_text() if given.write.exists() else ""
        kept, _, rest = old.partition(begin)
        _, _, after = rest.partition(end)
        given.write.write_text(f"{kept}{begin}{section}{end}{after}")

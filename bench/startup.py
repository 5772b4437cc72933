"""What `serinus --version` costs, as a multiple of an interpreter that imports click: user and system CPU time.

    python -m bench.startup

The two run in turn, so that what else the machine does meets both alike; the medians are compared. Exit code 1 when
the ratio is above what issue 4 allows.
"""

import os
import resource
import statistics
import subprocess
import sys

RUNS = 15
RATIO_MAX = 3.0
VERSION = [sys.executable, "-m", "serinus", "--version"]
CLICK = [sys.executable, "-c", "import click"]


def cpu_seconds(command: list[str]) -> float:
    """CPU time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Measure, say it in one line."""
    for command in (VERSION, CLICK):  # bytecode and disk cache
        cpu_seconds(command)
    pairs = [(cpu_seconds(VERSION), cpu_seconds(CLICK)) for _ in range(RUNS)]
    version, click = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = version / click
    print(
        f"serinus --version: {version * 1000:.0f} ms of CPU, {ratio:.2f} times an interpreter that imports click "
        f"({click * 1000:.0f} ms); at most {RATIO_MAX:g} times"
    )
    return 0 if ratio <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())

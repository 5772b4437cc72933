"""`./run crash`: the crash exam. A runner is killed at every API call, at two moments of each, and another goes on.

python -m tests.crash [--every N] [--naming versioned|in-place] [--then resume|abort] [--rivals] [--cluster real]
"""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

from serinus.sandbox.certificate import make_certificate
from tests.crash.proxy import Call, Moment
from tests.crash.sitting import Mark, Paper, plain_calls, sit
from tests.stories.cluster import running_cluster

NAMINGS = ("versioned", "in-place")
SEATS = 6
"""Sittings at once: most of their time goes by waiting for a dead runner's Lease to end."""


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    os.environ["SERINUS_TEST_CLUSTER"] = options.cluster
    return asyncio.run(_exam(options))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run crash", description="The crash exam.")
    parser.add_argument("--every", type=int, help="only every Nth call (default: 1; on a real cluster 5)")
    parser.add_argument("--at", type=int, action="append", help="only this call; may be repeated")
    parser.add_argument("--cluster", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--naming", choices=NAMINGS, help="default: both")
    parser.add_argument("--then", choices=("resume", "abort"), help="what comes after the kill (default: both)")
    parser.add_argument("--rivals", action="store_true", help="two runners; the first is stopped, and goes on later")
    parser.add_argument("--seats", type=int, default=SEATS, help=f"sittings at once (default: {SEATS})")
    options = parser.parse_args(arguments)
    options.every = options.every or (5 if options.cluster == "real" else 1)
    options.namings = (options.naming,) if options.naming else NAMINGS
    options.thens = ("rivals",) if options.rivals else (options.then,) if options.then else ("resume", "abort")
    return options


async def _exam(options: argparse.Namespace) -> int:
    began = time.monotonic()
    seats = asyncio.Semaphore(options.seats)
    with tempfile.TemporaryDirectory(prefix="serinus-exam-") as text:
        folder = Path(text)
        (folder / "cluster").mkdir()
        certificate = make_certificate(folder, "127.0.0.1")
        async with running_cluster(folder / "cluster") as cluster:
            papers: list[Paper] = []
            for naming in options.namings:
                calls = await plain_calls(cluster, certificate, naming)
                listed = ", ".join(f"{call.number} {call}" for call in calls)
                print(f"{naming}: a rollout is {len(calls)} API calls: {listed}", flush=True)
                papers += _papers(naming, calls, options)

            async def seated(paper: Paper) -> Mark:
                async with seats:
                    mark = await _marked(sit(cluster, certificate, paper), paper)
                print(_line(mark), flush=True)
                return mark

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(seated(paper)) for paper in papers]
            return _report([task.result() for task in tasks], time.monotonic() - began, options)


async def _marked(sitting: Awaitable[Mark], paper: Paper) -> Mark:
    """A sitting that came to no end is a broken rule too, and not the end of the exam."""
    began = time.monotonic()
    try:
        return await sitting
    except AssertionError as problem:
        return Mark(paper, None, "no end", time.monotonic() - began, [str(problem)], "")


def _papers(naming: str, calls: list[Call], options: argparse.Namespace) -> Iterator[Paper]:
    numbers = options.at or range(1, len(calls) + 1, options.every)
    for number, then, moment in itertools.product(numbers, options.thens, Moment):
        for wake in ("mid", "end") if then == "rivals" else ("",):
            yield Paper(naming, number, moment, then, wake)


def _line(mark: Mark) -> str:
    paper = mark.paper
    call = str(mark.struck) if mark.struck else "(ended before)"
    line = (
        f"{paper.naming:<10} {paper.number:>3}  {call:<44} {paper.moment.value:<6}  {paper.title:<10}  "
        f"{mark.outcome:<9} {mark.seconds:>5.1f} s  {'; '.join(mark.broken) or 'ok'}"
    )
    return line + ("\n    " + mark.story.replace("\n", "\n    ") if mark.broken else "")


def _report(marks: list[Mark], seconds: float, options: argparse.Namespace) -> int:
    broken = [mark for mark in marks if mark.broken]
    for mark in broken:
        paper = mark.paper
        how = "--rivals" if paper.then == "rivals" else f"--then {paper.then}"
        again = f"./run crash --cluster {options.cluster} --naming {paper.naming} {how} --at {paper.number}"
        print(f"broken: {paper.moment.value} {paper.title}: {'; '.join(mark.broken)}: again with: {again}")
    outcomes = {end: sum(mark.outcome == end for mark in marks) for end in sorted({mark.outcome for mark in marks})}
    struck = sum(mark.struck is not None for mark in marks)
    what = f"{options.cluster}; {', '.join(options.namings)}; {', '.join(options.thens)}"
    print(
        f"crash exam: {len(marks)} sittings ({what}), "
        f"{struck} struck, outcomes {outcomes}, {len(broken)} broke a rule, {seconds:.0f} s"
    )
    return 1 if broken or not marks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
